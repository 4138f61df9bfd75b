"""DNS over UDP: datagrams in, datagrams out, many a wake-up.

The hot path: two dict look-ups, a copy and a system call, no task, no parsing.
Security: every datagram is a stranger's; nothing is kept for one that is not answered.
"""

import asyncio
import contextlib
import socket
from typing import Final

from pabal.base.tasks import Tasks
from pabal.dns.server.answering import Answering, Recursion

BURST_MAX: Final = 64
"""Datagrams a wake-up: about half a millisecond, then others get their turn."""

DATAGRAM_MAX_OCTETS: Final = 4096
"""Longer queries do not exist; the kernel cuts them and the parser refuses the rest."""

RECEIVE_BUFFER_OCTETS: Final = 4 * 1024 * 1024
"""Asked of the kernel: what waits while the loop is busy. It may give less."""

PeerAddress = tuple[str, int] | tuple[str, int, int, int]
"""What the socket module calls an address, IPv4 or IPv6."""


class UdpServer:
    """Answers on one bound UDP socket, which it owns from ``start`` on."""

    def __init__(self, answering: Answering, sock: socket.socket, tasks: Tasks) -> None:
        self._answering = answering
        self._socket = sock
        self._tasks = tasks
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Answer from now on; call it inside the event loop."""
        sock = self._socket
        sock.setblocking(False)  # noqa: FBT003  the method knows no keyword
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_OCTETS)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._readable)

    def stop(self) -> None:
        """Take no more queries; answers still under way can be sent until ``close``."""
        if self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._loop = None

    def close(self) -> None:
        """Close the socket. Idempotent."""
        self.stop()
        self._socket.close()

    def _readable(self) -> None:
        """Answer what has come: one system call in and one out a datagram."""
        receive, send = self._socket.recvfrom, self._socket.sendto
        caches = self._answering.caches
        watched = self._answering.on_query is not None
        for _ in range(BURST_MAX):
            try:
                data, client = receive(DATAGRAM_MAX_OCTETS)
            except OSError:
                # Nothing more to read, or the echo of an answer that went nowhere.
                return
            cache = caches.get(client[0])
            if cache is not None and not watched:
                entry = cache.young.get(data[2:])
                if entry is not None:
                    answer = next(entry, None)
                    if answer is not None:
                        # A full send buffer drops the answer: the client asks again.
                        with contextlib.suppress(OSError):
                            send(data[:2] + answer, client)
                        continue
            self._slowly(data, client)

    def _slowly(self, data: bytes, client: PeerAddress) -> None:
        answer = self._answering.now(data, client[0], udp=True)
        if answer is None:
            return
        if isinstance(answer, Recursion):
            self._tasks.start(self._recurse(answer, client), "dns recursion")
        else:
            self._send(answer, client)

    async def _recurse(self, recursion: Recursion, client: PeerAddress) -> None:
        self._send(await self._answering.later(recursion), client)

    def _send(self, answer: bytes, client: PeerAddress) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendto(answer, client)
