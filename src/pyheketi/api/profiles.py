"""``/debug/pprof/{name}``: looks into the running server, for everybody, with ``profiling`` (rest-api.md §7.13)."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from urllib.parse import parse_qs

from pyheketi.api.answers import Answer, text_answer
from pyheketi.telemetry import profiling
from pyheketi.telemetry.pprof import Profile

_PREFIX = "/debug/pprof/"
_SECONDS, _MOST = 30.0, 300.0
"""How long is watched if nobody says, and at most."""

_WATCHED: Mapping[str, Callable[[float], Awaitable[Profile]]] = MappingProxyType(
    {"profile": profiling.processor, "heap": profiling.memory}
)


def named(path: str) -> str:
    """Return the name of the profile that a path means; empty if it means none."""
    return path.removeprefix(_PREFIX) if path.startswith(_PREFIX) else ""


class Profiles:
    """Takes profiles, one at a time: they slow the server down."""

    def __init__(self) -> None:
        self._busy = False

    async def answer(self, name: str, query: str) -> Answer:
        """Return a profile; ``query`` may say for how many ``seconds``."""
        if name == "goroutine":  # Go's word for what runs at the same time; here threads and tasks
            return _plain(profiling.waiting().encode("utf-8", "replace"))
        if name == "cmdline":
            return _plain(profiling.command_line())
        if name not in _WATCHED:
            return text_answer(
                f"Unknown profile: there are {', '.join(sorted([*_WATCHED, 'cmdline', 'goroutine']))}", 404
            )
        if self._busy:
            return text_answer("Could not begin: another profile is just being taken", 500)
        self._busy = True
        try:
            profile = await _WATCHED[name](_seconds(query))
        finally:
            self._busy = False
        disposition = f'attachment; filename="{name}"'
        return Answer(
            200,
            profile.encoded(),
            {
                "Content-Type": "application/octet-stream",
                "Content-Disposition": disposition,
                "X-Content-Type-Options": "nosniff",
            },
        )


def _plain(body: bytes) -> Answer:
    return Answer(200, body, {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"})


def _seconds(query: str) -> float:
    """Return how long to watch; what makes no sense means what it means if nobody says."""
    try:
        wanted = float(parse_qs(query).get("seconds", [""])[-1])
    except ValueError:
        return _SECONDS
    return min(wanted, _MOST) if wanted > 0 else _SECONDS
