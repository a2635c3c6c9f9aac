"""HTTP on a connection, with limits to what a client may say, and how long it may take, before its request is whole."""

import asyncio
import logging

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from pyheketi.api.gathering import GatheringTransport

_log = logging.getLogger(__name__)

_MOST = 64 * 1024
"""Bytes of a request's line and headers, and of what comes between the parts of its body; one reading more at worst."""

_PATIENCE = 60.0
"""Seconds from the first byte of a request to its last, and from a connection's beginning to the first byte."""

_TOO_SLOW = f"The request did not come whole within {_PATIENCE:.0f} seconds"


class LimitedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol. By itself that keeps a line or a header without end, and copies it again and again.

    It also waits for the rest of a request without end: its only timer runs between requests, and any byte stops it.
    Here one timer a connection looks at the clock once in a while, so that a request costs no timer of its own.
    """

    _pending = 0
    """Bytes since the connection began, the last request ended, or the last part of a body came."""
    _unfinished = False
    """Whether a request has begun to come, and not ended."""
    _waiting_since: float | None = None
    """When the client's turn began; None while a whole request is at work, and after its answer till bytes come."""
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Begin; with TLS, after the handshake, whose time asyncio limits."""
        super().connection_made(GatheringTransport(transport, self.loop))
        self._waiting_since = self.loop.time()
        self._timer = self.loop.call_later(_PATIENCE, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # uvicorn lets it run after a reset, and it holds all of this

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        if self.transport.is_closing():  # with TLS, bytes may come until the other side has said goodbye, too
            return
        if self._pending > _MOST:
            self.send_400_response(f"Request header is too large, the limit is {_MOST // 1024} KiB")
            return
        self._pending += len(data)
        super().data_received(data)
        self._note_turn()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._unfinished = True
        if self._waiting_since is not None:
            self._waiting_since = self.loop.time()

    def on_body(self, body: bytes) -> None:
        """Take a part of a body, which has a limit of its own."""
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._pending = 0
        self._unfinished, self._waiting_since = False, None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin what has come meanwhile, or wait for the client."""
        super().on_response_complete()
        if self._unfinished:
            self._note_turn()

    def _note_turn(self) -> None:
        """Note the time if it is now the client's turn."""
        if self._waiting_since is None and not self._at_work():
            self._waiting_since = self.loop.time()

    def _at_work(self) -> bool:
        """Tell whether a whole request waits for its answer. Asked when the first has come, and there is a cycle."""
        return bool(self.pipeline) or not (self.cycle.response_complete or self.cycle.more_body)

    def _look(self) -> None:
        """Close the connection if the client has had its time, else look again when it may have."""
        since = self._waiting_since
        left = _PATIENCE if since is None else since + _PATIENCE - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(left, self._look)
        elif not self.transport.is_closing():
            if self._unfinished:
                self._give_up()
            self.transport.close()

    def _give_up(self) -> None:
        """Answer an unfinished request, unless it has an answer already, and see that nobody else does."""
        cycle = self._latest()
        if cycle is not None and cycle.scope is self.scope:  # its head is whole
            if cycle.response_started:
                return
            cycle.disconnected = True
            cycle.message_event.set()
        _log.info("%s:%d: %s", *(self.client or ("", 0)), _TOO_SLOW)
        lines = [
            *(b"%s: %s\r\n" % header for header in self.server_state.default_headers),
            b"content-type: text/plain; charset=utf-8\r\n",
            b"content-length: %d\r\n" % len(_TOO_SLOW),
            b"connection: close\r\n\r\n",
        ]
        self.transport.write(b"".join([STATUS_LINE[408], *lines, _TOO_SLOW.encode()]))

    def _latest(self) -> RequestResponseCycle | None:
        """Return the request whose head came last; uvicorn's annotation leaves out that there may be none yet."""
        return self.cycle
