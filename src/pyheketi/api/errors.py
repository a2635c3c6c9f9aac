"""What went wrong, as an answer: the only place that turns errors into statuses."""

from pyheketi.domain import errors

_STATUS: tuple[tuple[type[errors.Error], int], ...] = (
    (errors.RequestError, 400),
    (errors.NotFound, 404),
    (errors.InUse, 500),
    (errors.Conflict, 409),
    (errors.TooManyOperations, 429),
    (errors.ShuttingDown, 503),
    (errors.ReadOnly, 503),
)
"""The first that fits; everything else is 500, as in Heketi (rest-api.md §13)."""

RETRY_AFTER = 2
"""Seconds after which a client that was told to wait may come back; Go clients add up to ten by themselves."""


def status_of(error: errors.Error) -> int:
    """Return the HTTP status that tells of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
