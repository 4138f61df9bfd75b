"""Connections in memory: a pair of streams, each the other's peer.

Both implement ``pabal.net.ports.Stream``. No clock: ``expire`` makes a waiting (or the
next) ``receive`` time out.
"""

import asyncio

from pabal.net.endpoint import Endpoint
from pabal.net.ports import (
    ConnectionLostError,
    IdleTimeoutError,
    TlsFailedError,
    TlsInfo,
)

CLIENT = Endpoint("192.0.2.1", 40000)
SERVER = Endpoint("192.0.2.25", 25)


class MemoryStream:
    """One end. What it sends arrives at ``other`` at once.

    Attributes:
        writes: Every piece given to ``send``, for tests that count them.
        timeouts: Every timeout ``receive`` was called with, seconds.
        stuck: Makes ``flush`` time out: the peer takes nothing.
        tls_works: Whether ``start_tls`` succeeds.
    """

    def __init__(self, local: Endpoint, peer: Endpoint) -> None:
        self._ends = (local, peer)
        self._arrived = bytearray()
        self._ended = False
        self._expired = False
        self._waiter: asyncio.Future[None] | None = None
        self._other: MemoryStream | None = None
        self._tls: TlsInfo | None = None
        self.closed = False
        self.writes: list[bytes] = []
        self.timeouts: list[float] = []
        self.stuck = False
        self.tls_works = True

    @property
    def other(self) -> "MemoryStream":
        assert self._other is not None
        return self._other

    def join(self, other: "MemoryStream") -> None:
        self._other = other

    @property
    def local(self) -> Endpoint:
        return self._ends[0]

    @property
    def peer(self) -> Endpoint:
        return self._ends[1]

    @property
    def tls(self) -> TlsInfo | None:
        return self._tls

    async def receive(self, timeout_s: float) -> bytes:
        self.timeouts.append(timeout_s)
        while not self._arrived and not self._ended:
            if self._expired:
                self._expired = False
                raise IdleTimeoutError(f"nothing came for {timeout_s:g} s")
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        data = bytes(self._arrived)
        self._arrived.clear()
        return data

    def send(self, data: bytes) -> None:
        if data and not self.closed:
            self.writes.append(data)
            self.other.arrive(data)

    async def flush(self, timeout_s: float = 300.0) -> None:
        await asyncio.sleep(0)
        if self.stuck:
            raise IdleTimeoutError(f"the peer read nothing for {timeout_s:g} s")
        if self.closed:
            raise ConnectionLostError("the connection is closed")

    async def start_tls(self, server_name: str = "") -> None:
        self._arrived.clear()
        if not self.tls_works or self.closed:
            self.abort()
            raise TlsFailedError("no TLS in this test")
        self._tls = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256)

    def close(self, *, linger: bool = True) -> None:
        if not self.closed:
            self.closed = True
            self.end()
            self.other.end()
            self.other.closed = True

    def abort(self) -> None:
        self.close()

    def arrive(self, data: bytes) -> None:
        self._arrived += data
        self._wake()

    def end(self) -> None:
        self._ended = True
        self._wake()

    def expire(self) -> None:
        """Let a ``receive`` that waits, or the next one that would, time out."""
        self._expired = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)


def stream_pair(
    client: Endpoint = CLIENT, server: Endpoint = SERVER
) -> tuple[MemoryStream, MemoryStream]:
    """Return the client's and the server's end of one connection."""
    ours, theirs = MemoryStream(client, server), MemoryStream(server, client)
    ours.join(theirs)
    theirs.join(ours)
    return ours, theirs
