"""HTTP on a connection, with an end to what a client may say before its request makes sense."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST = 64 * 1024
"""Bytes of a request's line and headers, and of what comes between the parts of its body; one reading more at worst."""


class LimitedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol. By itself that keeps a line or a header without end, and copies it again and again."""

    _pending = 0
    """Bytes since the connection began, the last request ended, or the last part of a body came."""

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        if self._pending > _MOST:
            self.send_400_response(f"Request header is too large, the limit is {_MOST // 1024} KiB")
            return
        self._pending += len(data)
        super().data_received(data)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body, which has a limit of its own."""
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._pending = 0
        super().on_message_complete()
