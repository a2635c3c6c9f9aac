"""JSON that nodes answer."""

import json


def read(text: str) -> object:
    """Return the value that a text holds. Raises ``ValueError`` if it is none, or nested too deep."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
