"""Parameters behind a path that more than one endpoint knows."""

import re
from collections.abc import Mapping

from pyheketi.domain import errors


def count(query: Mapping[str, str], name: str, *, most: int | None = None) -> int | None:
    """Return a number from 1 on, None if it is not given.

    Raises:
        RequestError: it is none, or larger than ``most``.
    """
    text = query.get(name, "")
    if not text:
        return None
    if re.fullmatch("[0-9]{1,9}", text) and int(text) >= 1 and (most is None or int(text) <= most):
        return int(text)
    raise errors.RequestError(f"{name}: must be a number from 1 {'on' if most is None else f'to {most}'}")
