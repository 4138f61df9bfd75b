"""Rules without sockets; tests/e2e/test_resolver.py has the real ones."""

import asyncio
import errno

import dns.name
import dns.rdatatype
import pytest

from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.query import (
    Query,
    ServerClosedError,
    ServerUnreachableError,
    SuspectReplyError,
    encode,
)
from pabal.dns.resolver.transport import FOREIGN_MAX, Datagrams, network_error
from tests.scenario.dns.network import FakeChance

WWW = dns.name.from_text("www.example.test.")
WIRE = encode(
    WWW, dns.rdatatype.A, FakeChance(), edns=False, recursive=False, mixed_case=True
)
QUERY = Query(
    Server("ns.", "192.0.2.1"),
    dns.name.root,
    WWW,
    dns.rdatatype.A,
    tcp=False,
    edns=False,
    recursive=False,
    timeout_s=1.0,
    wire=WIRE,
)
RIGHT = WIRE[:2] + b"\x80" + WIRE[3:]
FORGED = b"\x00\x00" + RIGHT[2:]
PEER = ("192.0.2.1", 53)


def waiting() -> tuple[Datagrams, asyncio.Future[bytes]]:
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    return Datagrams(QUERY, future), future


async def test_the_first_that_fits_is_the_answer() -> None:
    protocol, answer = waiting()
    protocol.datagram_received(FORGED, PEER)
    assert not answer.done()
    protocol.datagram_received(RIGHT, PEER)
    protocol.datagram_received(FORGED, PEER)
    protocol.connection_lost(None)
    assert await answer == RIGHT


async def test_many_that_do_not_fit() -> None:
    protocol, answer = waiting()
    for _ in range(FOREIGN_MAX):
        protocol.datagram_received(FORGED, PEER)
    with pytest.raises(SuspectReplyError, match="forged"):
        await answer


async def test_another_case() -> None:
    protocol, answer = waiting()
    protocol.datagram_received(RIGHT.lower(), PEER)
    with pytest.raises(SuspectReplyError, match="case"):
        await answer


async def test_errors_of_the_socket() -> None:
    protocol, answer = waiting()
    protocol.error_received(ConnectionRefusedError())
    with pytest.raises(ConnectionRefusedError):
        await answer
    protocol, answer = waiting()
    protocol.connection_lost(None)
    with pytest.raises(ServerClosedError):
        await answer


def test_what_errors_say_of_the_server() -> None:
    no_way = network_error(OSError(errno.ENETUNREACH, "Network is unreachable"))
    assert isinstance(no_way, ServerUnreachableError)
    assert str(no_way) == "network is unreachable"
    refused = network_error(ConnectionRefusedError(errno.ECONNREFUSED, "Refused"))
    assert isinstance(refused, ServerClosedError)
    assert str(network_error(OSError())) == "oserror"
