"""The few shapes of answers that Heketi gives (rest-api.md §1.3, §4)."""

from collections.abc import Iterator, Mapping

from starlette.responses import Response

from pyheketi.api import errors as statuses
from pyheketi.domain import errors


class Answer(Response):
    """A response whose headers are exactly those given, plus Content-Length where there may be a body."""

    tag = ""
    """Names what the answer tells: who has been told the same before need not be told again."""
    waited = 0.0
    """Seconds that it took because the client wished to wait; they do not count as the server's."""

    def __init__(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.status_code, self.body, self.background = status, body, None
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
        if status not in (204, 304):
            raw.append((b"content-length", str(len(body)).encode()))
        self.raw_headers = raw


class PartedAnswer(Answer):
    """JSON that is written part by part, for those who have not been told yet."""

    def __init__(self, parts: Iterator[bytes], tag: str) -> None:
        self.status_code, self.body, self.background = 200, b"", None
        self.parts, self.tag = parts, tag
        self.raw_headers = [(b"content-type", b"application/json; charset=UTF-8"), (b"etag", tag.encode())]


def json_answer(body: bytes, status: int = 200) -> Answer:
    """Return JSON; ``body`` is the document without its final newline."""
    return Answer(status, body + b"\n", {"Content-Type": "application/json; charset=UTF-8"})


def text_answer(text: str, status: int, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an error text: the message and one more newline."""
    fixed = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return Answer(status, f"{text}\n".encode("utf-8", "replace"), fixed | dict(headers or {}))


def error_answer(error: errors.Error, prefix: str = "") -> Answer:
    """Return the answer that tells of an error; ``prefix`` stands before texts of refused allocations."""
    status = statuses.status_of(error)
    if prefix and isinstance(error, errors.Conflict) and not isinstance(error, errors.InUse | errors.Protected):
        status = 500 if status == 409 else status
    headers = {"X-Error-Code": error.code}
    if isinstance(error, errors.Refused):
        headers["Retry-After"] = str(statuses.RETRY_AFTER)
    return text_answer((prefix if status == 500 else "") + str(error), status, headers)


def accepted(job: str, *, get: bool = False) -> Answer:
    """Return 202 with the place to ask about the job."""
    location = f"/queue/{job}"
    if get:
        html = {"Content-Type": "text/html; charset=utf-8"}
        return Answer(202, f'<a href="{location}">Accepted</a>.\n\n'.encode(), {"Location": location} | html)
    return Answer(202, headers={"Location": location})


def see_other(path: str) -> Answer:
    """Return 303 with the path of what a job has made."""
    headers = {"Location": path, "Content-Type": "text/html; charset=utf-8"}
    return Answer(303, f'<a href="{path}">See Other</a>.\n\n'.encode(), headers)
