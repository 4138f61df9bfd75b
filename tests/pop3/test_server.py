import asyncio
from collections.abc import AsyncIterator

import pytest

from pabal.net.ports import ConnectionLostError, IdleTimeoutError, TlsFailedError
from pabal.pop3 import server as module
from pabal.pop3.settings import Pop3Settings
from pabal.store.memory.account import MemoryAccount
from pabal.store.ports import StoreError
from tests.pop3.site import ALICE, PASSWORD, Site, open_site
from tests.support.streams import MemoryStream, stream_pair

LOGIN = f"USER {ALICE}\r\nPASS {PASSWORD}\r\n".encode()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as site:
        yield site


async def test_pipelined_replies_leave_together(site: Site) -> None:
    client, server = stream_pair()
    await server.start_tls()
    client.send(LOGIN + b"STAT\r\n" * 100 + b"QUIT\r\n")
    await site.serve(server)
    greeting, replies = server.writes
    assert greeting == b"+OK pabal ready\r\n"
    assert replies.count(b"+OK 3 87\r\n") == 100
    assert replies.endswith(b"+OK bye\r\n")
    assert server.closed


async def test_waits_as_long_as_the_rfc_says(site: Site) -> None:
    client, server = stream_pair()
    client.send(b"NOOP")
    server.end()
    await site.serve(server)
    assert server.timeouts == [600.0, 600.0]


async def trickle(site: Site, client: MemoryStream, octets: bytes, times: int) -> None:
    """Send ``octets`` every nine minutes."""
    for _ in range(times):
        await asyncio.sleep(0)
        site.clock.time += 540.0
        client.send(octets)
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("before", "octets", "holds"),
    [
        (b"", b"C", False),  # octets are no command
        (b"", b"CAPA\r\n", False),  # nobody logs in
        (LOGIN, b"C", False),
        (LOGIN, b"CAPA\r\n", True),
    ],
)
async def test_octets_alone_hold_no_connection(
    site: Site, before: bytes, octets: bytes, *, holds: bool
) -> None:
    client, server = stream_pair()
    await server.start_tls()
    client.send(before)
    task = asyncio.create_task(site.serve(server))
    expected = b"+OK 3 messages" if before else b"ready"
    said = b""
    while expected not in said:  # a password takes as long as it takes
        said += await client.receive(5.0)
    await asyncio.sleep(0.05)
    await trickle(site, client, octets, 5)
    await asyncio.wait([task], timeout=0.05 if holds else 5)
    assert task.done() != holds
    client.close()
    await task


async def test_lock_goes_with_the_connection(site: Site) -> None:
    for end in (b"", b"A\nB\r\n"):
        client, server = stream_pair()
        await server.start_tls()
        client.send(LOGIN + b"DELE 1\r\n" + end)
        client.end()
        server.end()
        await site.serve(server)
        release = (await site.mailboxes()).try_lock("pop3")
        assert release
        release()
    assert (await site.inbox()).message_count == 3


async def test_a_client_that_reads_nothing_is_cut_off(site: Site) -> None:
    client, server = stream_pair()
    server.stuck = True
    client.send(b"CAPA\r\n" * 1000)
    with pytest.raises(IdleTimeoutError):
        await site.server().serve(server)
    assert server.closed


async def test_a_connection_lost_in_the_middle(site: Site) -> None:
    client, server = stream_pair()
    client.send(b"CAPA\r\n")
    server.closed = True
    with pytest.raises(ConnectionLostError):
        await site.server().serve(server)


async def test_tls_that_does_not_come_about(site: Site) -> None:
    client, server = stream_pair()
    server.tls_works = False
    client.send(b"STLS\r\n")
    with pytest.raises(TlsFailedError):
        await site.server().serve(server)


async def test_tls_from_the_first_octet(site: Site) -> None:
    client, server = stream_pair()
    await server.start_tls()
    client.send(b"CAPA\r\nQUIT\r\n")
    await site.serve(server)
    assert b"STLS" not in server.writes[1]
    assert b"USER\r\n" in server.writes[1]


async def test_no_tls_on_offer(site: Site) -> None:
    client, server = stream_pair()
    client.send(b"CAPA\r\nSTLS\r\nQUIT\r\n")
    await site.server(tls_offered=False).serve(server)
    assert b"STLS" not in server.writes[1]
    assert b"-ERR TLS is not on offer" in server.writes[1]


async def test_a_flood_of_commands_leaves_others_their_turn(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        nonlocal turns
        turns += 1
        await real(seconds)

    monkeypatch.setattr(module, "sleep", sleep)
    client, server = stream_pair()
    client.send(b"CAPA\r\n" * 2000 + b"QUIT\r\n")
    await site.serve(server)
    assert turns >= 2000 // module.TURN_MAX_COMMANDS
    assert max(map(len, server.writes)) < 2 * module.OUT_MAX_OCTETS


async def test_a_message_that_vanishes_while_it_is_sent(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def octets(*_: object) -> AsyncIterator[bytes]:
        yield b"half"
        raise StoreError("gone")

    await site.append(b"S: x\r\n\r\n" + b"y" * 300_000)
    monkeypatch.setattr(MemoryAccount, "octets", octets)
    client, server = stream_pair()
    await server.start_tls()
    client.send(LOGIN + b"RETR 4\r\nQUIT\r\n")
    with pytest.raises(StoreError):
        await site.server().serve(server)
    assert server.closed
    assert (await site.mailboxes()).try_lock("pop3")


async def test_limits_are_settings(site: Site) -> None:
    client, server = stream_pair()
    client.send(b"X\r\n" * 5)
    await site.serve(server, Pop3Settings(errors_max=2))
    assert server.writes[1].count(b"-ERR") == 2
