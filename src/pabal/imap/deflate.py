"""A stream whose octets travel compressed: COMPRESS=DEFLATE.

What is sent waits uncompressed until ``flush``, which takes it in slices with pauses
between: a slice of a FETCH has megabytes, and deflating one takes 20 ms.
Source: RFC 4978.

Security: only who logged in comes here. What a client's octets become is taken in
pieces of ``PIECE_OCTETS``, whatever they would grow to.
"""

import zlib
from collections import deque
from typing import Final

from pabal.imap.ports import Pause
from pabal.net.endpoint import Endpoint
from pabal.net.ports import ConnectionLostError, Stream, TlsInfo

PIECE_OCTETS: Final = 64 * 1024
"""Octets compressed, or gained by decompressing, before others have a turn: 1 ms."""

LEVEL: Final = 4
"""Responses shrink to a third, at twice the speed of the default."""

WINDOW_BITS: Final = -13
MEMORY_LEVEL: Final = 6
"""With these a connection keeps 64 kB for compressing instead of 256 (RFC 4978 §4)."""


class DeflateStream:
    """Implements ``pabal.net.ports.Stream`` over another one."""

    def __init__(self, inner: Stream, pause: Pause) -> None:
        self.inner = inner
        self._pause = pause
        self._out = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW_BITS, MEMORY_LEVEL)
        # The client's window may be as large as it can be.
        self._in = zlib.decompressobj(-zlib.MAX_WBITS)
        self._waiting: deque[bytes] = deque()
        self._unsynced = False

    @property
    def peer(self) -> Endpoint:
        """The other end."""
        return self.inner.peer

    @property
    def local(self) -> Endpoint:
        """Our end."""
        return self.inner.local

    @property
    def tls(self) -> TlsInfo | None:
        """What protects the octets, ``None`` if nothing does."""
        return self.inner.tls

    async def receive(self, timeout_s: float) -> bytes:
        """Return what came, decompressed; ``b""`` once it is over.

        Raises:
            IdleTimeoutError: Nothing came for ``timeout_s`` seconds.
            ConnectionLostError: What came is not compressed.
        """
        while True:
            octets = self._in.unconsumed_tail
            if not octets:
                octets = await self.inner.receive(timeout_s)
                if not octets:
                    return b""
            try:
                found = self._in.decompress(octets, PIECE_OCTETS)
            except zlib.error as error:
                raise ConnectionLostError("the client does not deflate") from error
            if found or self._in.eof:
                return found

    def send(self, data: bytes) -> None:
        """Queue octets for the peer."""
        if data:
            self._waiting.append(data)

    async def flush(self, timeout_s: float = 300.0) -> None:
        """Compress and send what is queued, and wait until the peer took enough.

        Raises:
            ConnectionLostError: It never will.
            IdleTimeoutError: It took nothing for ``timeout_s`` seconds.
        """
        while self._waiting:
            self._compress_one()
            if self._waiting:
                await self._pause()
        self._sync()
        await self.inner.flush(timeout_s)

    async def start_tls(self, server_name: str = "") -> None:
        """Never asked for: TLS comes before log-in, compression after."""
        _ = server_name
        raise ConnectionLostError("TLS cannot begin inside a compressed stream")

    def stop(self) -> None:
        """Send all that is queued: what comes next is not compressed."""
        while self._waiting:
            self._compress_one()
        self._sync()

    def close(self, *, linger: bool = True) -> None:
        """Send what is queued, then close. Idempotent."""
        self.stop()
        self.inner.close(linger=linger)

    def abort(self) -> None:
        """Close at once; what is queued is lost. Idempotent."""
        self._waiting.clear()
        self.inner.abort()

    def _compress_one(self) -> None:
        data = self._waiting.popleft()
        if len(data) > PIECE_OCTETS:
            self._waiting.appendleft(data[PIECE_OCTETS:])
            data = data[:PIECE_OCTETS]
        self._unsynced = True
        self.inner.send(self._out.compress(data))

    def _sync(self) -> None:
        if self._unsynced:
            self._unsynced = False
            self.inner.send(self._out.flush(zlib.Z_SYNC_FLUSH))
