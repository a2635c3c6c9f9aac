"""Rules for single fields of requests, and the text of a refusal (rest-api.md §1.5, §6.1 to 6.5)."""

import ipaddress
import re
from collections.abc import Mapping, Sequence

BLANK = "cannot be blank"
FORMAT = "must be in a valid format"
VALUE = "must be a valid value"

MAX_TAGS = 32
"""Tags in one request."""

MAX_GIB = (2**63 - 1) // (1024 * 1024)
"""Largest volume whose KiB fit 64 bits."""

MAX_NAME = 255
"""Characters that gluster allows in the name of a volume; with the paths of its bricks it may allow fewer."""

_UUID = re.compile(r"[0-9a-fA-F]{32}")
_TAG_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
_LABEL = r"[a-zA-Z0-9_][a-zA-Z0-9_-]{0,62}"
_DNS = re.compile(rf"{_LABEL}(\.{_LABEL})*[._]?")
_DEVICE_NAME = re.compile(r"/[a-zA-Z0-9_.:/-]+")
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_-]*")
_OPTION_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")


def refusal(faults: Mapping[str, str | None]) -> str | None:
    """Return the text that refuses a request for the faults of its fields, or None if there is none."""
    detail = faults_text(faults)
    return f"validation failed: {detail}" if detail else None


def faults_text(faults: Mapping[str, str | None]) -> str | None:
    """Return ``name: message; name: message.`` sorted by name, or None if no field has a fault."""
    items = [f"{name}: {fault}" for name, fault in sorted(faults.items()) if fault]
    return "; ".join(items) + "." if items else None


def at_least_one(number: int, *, most: int | None = None) -> str | None:
    """Check a required number."""
    if number == 0:
        return BLANK
    if number < 1:
        return "must be no less than 1"
    if most is not None and number > most:
        return f"must be no greater than {most}"
    return None


def uuid(text: str) -> str | None:
    """Check a required id."""
    if not text:
        return BLANK
    return None if _UUID.fullmatch(text) else f"{text} is not a valid UUID"


def one_of(text: str, values: Sequence[str], message: str = VALUE) -> str | None:
    """Check a required word."""
    if not text:
        return BLANK
    return None if text in values else message


def device_name(text: str) -> str | None:
    """Check a required path of a device."""
    if not text:
        return BLANK
    return None if _DEVICE_NAME.fullmatch(text) else FORMAT


def volume_name(text: str) -> str | None:
    """Check an optional name. A leading ``-`` is refused too: gluster would take the name for an option."""
    if len(text) > MAX_NAME:
        return f"the length must be no more than {MAX_NAME}"
    return FORMAT if text and not _VOLUME_NAME.fullmatch(text) else None


def host_names(names: Sequence[str], kind: str) -> str | None:
    """Check required host names; ``kind`` is ``manage`` or ``storage``."""
    if not names:
        return BLANK
    if all(is_ip(name) or _is_dns(name) for name in names):
        return None
    return f"[{' '.join(names)}] is not a valid {kind} hostname"


def is_ip(name: str) -> bool:
    """Return whether a host name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return "%" not in name


def _is_dns(name: str) -> bool:
    return _DNS.fullmatch(name) is not None and len(name.replace(".", "")) <= 255


def tags(wanted: Mapping[str, str]) -> str | None:
    """Check tags (rest-api.md §6.4); of several faulty ones the first by name tells."""
    if len(wanted) > MAX_TAGS:
        return f"too many tags specified ({len(wanted)}), up to {MAX_TAGS} supported"
    return next(filter(None, (_tag(name, wanted[name]) for name in sorted(wanted))), None)


def _tag(name: str, value: str) -> str | None:
    if not name:
        return "tag names may not be empty"
    if len(name) > 32:
        return f"tag name {name}: the length must be between 1 and 32"
    if len(value) > 64:
        return f"value of tag {name}: the length must be no more than 64"
    return None if _TAG_NAME.fullmatch(name) else f"invalid characters in tag name {name}"


def volume_options(options: Sequence[str]) -> str | None:
    """Check gluster options, each ``key value``. Empty ones and blanks around them are clients' habit.

    Values may hold what they like, for commands are quoted; only line breaks and control characters cannot be meant.
    """
    for option in options:
        if _CONTROL.search(option.strip(" \t")):
            return f"line breaks and control characters are not allowed in option {option!a}"
        words = option.split()
        if words and not _OPTION_KEY.fullmatch(words[0]):
            return f"invalid characters in name of option {option!a}"
    return None
