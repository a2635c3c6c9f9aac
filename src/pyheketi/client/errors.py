"""What may go wrong between client and server.

    ClientError
    ├─ ServerError      the server answered, and not with success
    ├─ TransportError   there was no answer
    ├─ BadAnswer        the answer is not what was asked for
    └─ TlsFileError     a certificate file cannot be used

Every text is one that Heketi's own client would print (cli.md §3, clients.md §3).
"""

from http import HTTPStatus

_GO_PHRASES = {414: "Request URI Too Long", 418: "I'm a teapot", 422: "Unprocessable Entity"}
"""Where Go's words differ from Python's."""


class ClientError(Exception):
    """Something went wrong; the text is for users."""


class ServerError(ClientError):
    """The server answered with another status than expected."""

    def __init__(self, status: int, body: str) -> None:
        self.status = status
        self.text = body.strip() or f"server did not provide a message (status {status}: {_phrase(status)})"
        super().__init__(self.text)


class TransportError(ClientError):
    """The server could not be asked; the text names method, URL and reason."""


class BadAnswer(ClientError):
    """The server's answer cannot be read."""


class TlsFileError(ClientError):
    """A certificate file cannot be read or holds no certificate."""


def _phrase(status: int) -> str:
    if status in _GO_PHRASES:
        return _GO_PHRASES[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
