"""Waiting at the server for the end of a job (``Prefer: wait=…``, RFC 7240) instead of asking again and again."""

from collections.abc import Mapping

_LEAST = 0.9
"""Seconds. Servers wait whole ones; whatever says that it did and was faster must not be asked without a pause."""


def wish(seconds: int) -> dict[str, str]:
    """Return the header that asks a server to hold its answer back until it is worth something."""
    return {"Prefer": f"wait={seconds}"}


def held_back(headers: Mapping[str, str], seconds: float) -> bool:
    """Tell whether a server held an answer back as wished, and may be asked again at once.

    Heketi knows nothing of it, and neither does a server that is about to stop.

    Args:
        headers: Those of the answer, whatever the case of their names.
        seconds: What the answer took.
    """
    applied = (each.partition("=")[0] for each in headers.get("Preference-Applied", "").split(","))
    return seconds >= _LEAST and any(each.strip().lower() == "wait" for each in applied)
