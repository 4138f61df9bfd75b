"""Asking one server over UDP or TCP.

Driver: the only module of the resolver that opens sockets.
Security: each question over UDP has its own socket, connected, with a port that the
kernel chooses by chance from its ephemeral range (RFC 5452 §9.2): others cannot inject,
and a port is never one that a listener of this machine wants. Answers that do not fit
the question are dropped; many of them mean somebody guesses: TCP is asked then.
Source: RFC 1035 §4.2, RFC 7766 §5 (TCP), RFC 5452 §9.3 (spoofing noticed).
"""

import asyncio
import errno
import socket
from typing import Final

from typing_extensions import override

from pabal.dns.resolver.query import (
    ExchangeError,
    Query,
    ServerClosedError,
    ServerTimeoutError,
    ServerUnreachableError,
    SuspectReplyError,
    Verdict,
)

FOREIGN_MAX: Final = 8
"""Most datagrams that fit no question, from the right address, before UDP is left."""

SOCKETS_MAX: Final = 400
"""Most sockets at once: well below the 1,024 descriptors a process often may have, for
running out of them would look like every server being away."""

TCP_TIMEOUT_FACTOR: Final = 3
"""TCP needs a round trip to connect, and is used for long answers."""

DATAGRAM_MAX_OCTETS: Final = 65_535
"""No datagram is longer; what was asked for is much less."""

_NO_WAY: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
)


class NetworkExchange:
    """Sends queries to real servers.

    Args (of the constructor):
        sockets_max: Most sockets at once; a query beyond waits for its turn, and its
            own time begins then.
    """

    def __init__(self, sockets_max: int = SOCKETS_MAX) -> None:
        self._turn = asyncio.Semaphore(sockets_max)

    async def exchange(self, query: Query) -> bytes:
        """Return the octets of the answer to ``query``.

        Raises:
            ExchangeError: None came in time, or none that can be believed.
        """
        wait_s = query.timeout_s * (TCP_TIMEOUT_FACTOR if query.tcp else 1)
        try:
            async with self._turn, asyncio.timeout(wait_s):
                return await (_by_tcp(query) if query.tcp else _by_udp(query))
        except TimeoutError as error:
            raise ServerTimeoutError("timeout") from error
        except OSError as error:
            raise network_error(error) from error


class Datagrams(asyncio.DatagramProtocol):
    """Waits for the datagram that answers one query."""

    def __init__(self, query: Query, answer: asyncio.Future[bytes]) -> None:
        self._query = query
        self._answer = answer
        self._foreign = 0

    @override
    def datagram_received(self, data: bytes, addr: object) -> None:
        if self._answer.done():
            return
        match self._query.judge(data):
            case Verdict.MATCH:
                self._answer.set_result(data)
            case Verdict.CASE_DIFFERS:
                self._fail(SuspectReplyError("case of the name changed"))
            case Verdict.FOREIGN:
                self._foreign += 1
                if self._foreign >= FOREIGN_MAX:
                    self._fail(SuspectReplyError("forged answers"))

    @override
    def error_received(self, exc: Exception) -> None:
        self._fail(exc)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ServerClosedError("socket closed"))

    def _fail(self, error: Exception) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)


def network_error(error: OSError) -> ExchangeError:
    """Return what ``error`` of a socket says of the server asked."""
    text = error.strerror or type(error).__name__
    if error.errno in _NO_WAY:
        return ServerUnreachableError(text.lower())
    return ServerClosedError(text.lower())


async def _by_udp(query: Query) -> bytes:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()
    waiting = Datagrams(query, answer)
    server = query.server
    family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
    # Not by an endpoint of the loop: that looks the address up, on a thread.
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)  # noqa: FBT003  the method knows no keyword
        sock.connect((server.address, server.port))
        sock.send(query.wire)
        loop.add_reader(sock.fileno(), _take, sock, waiting)
        try:
            return await answer
        finally:
            loop.remove_reader(sock.fileno())


def _take(sock: socket.socket, waiting: Datagrams) -> None:
    """Hand over what came, or why nothing will."""
    try:
        waiting.datagram_received(sock.recv(DATAGRAM_MAX_OCTETS), None)
    except BlockingIOError:
        return
    except OSError as error:
        waiting.error_received(error)


async def _by_tcp(query: Query) -> bytes:
    reader, writer = await asyncio.open_connection(
        query.server.address, query.server.port
    )
    try:
        # RFC 7766 §8: length and message in one segment.
        writer.write(len(query.wire).to_bytes(2, "big") + query.wire)
        await writer.drain()
        length = int.from_bytes(await reader.readexactly(2), "big")
        octets = await reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise ServerClosedError("connection closed early") from error
    finally:
        writer.close()
    if query.judge(octets) is not Verdict.MATCH:
        raise SuspectReplyError("answer to another question")
    return octets
