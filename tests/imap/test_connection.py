"""What one connection does that dialogues cannot say."""

import asyncio
import base64
import gc
import tracemalloc
from contextlib import AsyncExitStack

import pytest

from pabal.base.errors import StorageFullError
from pabal.imap.settings import ImapSettings
from pabal.message.spool import Spool
from tests.imap.rig import PASSWORD, USER, Client, Rig, letter
from tests.imap.test_server import world
from tests.support.streams import stream_pair

IDLE_MAX_OCTETS = 12_000
"""Of Python's objects: a real process adds a third, and may have 40 kB in all."""


async def test_idle_tells_what_another_session_does_at_once() -> None:
    rig = Rig()
    await world(rig)
    async with rig.client("INBOX") as idler, rig.client("INBOX") as other:
        idler.stream.send(b"i IDLE\r\n")
        assert await idler.read_line() == b"+ idling"
        await other.ok("STORE 1 +FLAGS (\\Flagged)")
        assert await idler.read_line() == (
            b"* 1 FETCH (UID 1 FLAGS (\\Flagged \\Recent))"
        )
        await other.ok("STORE 2:3 +FLAGS.SILENT (\\Deleted)")
        assert (await idler.read_line()).startswith(b"* 2 FETCH (UID 2 FLAGS")
        assert (await idler.read_line()).startswith(b"* 3 FETCH (UID 3 FLAGS")
        await other.ok("EXPUNGE")
        assert await idler.read_line() == b"* 3 EXPUNGE"
        assert await idler.read_line() == b"* 2 EXPUNGE"
        await rig.put([letter("new")])
        assert await idler.read_line() == b"* 2 EXISTS"
        assert await idler.read_line() == b"* 2 RECENT"
        idler.stream.send(b"DONE\r\n")
        assert await idler.read_line() == b"i OK Idle completed"


async def test_an_idle_connection_costs_few_octets() -> None:
    rig = Rig()
    await world(rig)
    async with AsyncExitStack() as stack:

        async def idle() -> None:
            client = await stack.enter_async_context(rig.client("INBOX"))
            client.stream.send(b"i IDLE\r\n")
            assert await client.read_line() == b"+ idling"

        await idle()
        tracemalloc.start()
        try:
            gc.collect()
            before, count = tracemalloc.get_traced_memory()[0], 20
            for _ in range(count):
                await idle()
            gc.collect()
            each = (tracemalloc.get_traced_memory()[0] - before) / count
        finally:
            tracemalloc.stop()
        # With the test's own end of it; sockets and their buffers come on top.
        assert each < IDLE_MAX_OCTETS


async def test_an_idle_client_that_does_not_read_costs_one_push() -> None:
    rig = Rig()
    await world(rig)
    async with rig.client("INBOX") as idler, rig.client("INBOX") as other:
        idler.stream.send(b"i IDLE\r\n")
        assert await idler.read_line() == b"+ idling"
        gate = asyncio.Event()
        server_end = idler.stream.other
        taken = len(server_end.writes)

        async def held(timeout_s: float = 300.0) -> None:
            await gate.wait()

        server_end.flush = held  # type: ignore[method-assign] # a peer that takes nothing
        for _ in range(20):
            await other.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
            await other.ok("STORE 1 -FLAGS.SILENT (\\Flagged)")
        assert len(server_end.writes) == taken + 1
        gate.set()
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(server_end.writes) == taken + 2


async def test_expunges_wait_while_numbers_are_in_use() -> None:
    rig = Rig()
    await world(rig)
    async with rig.client("INBOX") as one, rig.client("INBOX") as other:
        await other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        await other.ok("EXPUNGE")
        await rig.put([letter("new")])
        # FETCH by number must neither renumber nor tell of what has no number yet.
        assert await one.command("FETCH 1:* (UID)") == [
            b"* 1 FETCH (UID 1)",
            b"* 3 FETCH (UID 3)",
            b"OK [EXPUNGEISSUED] Some are gone",
        ]
        assert await one.command("NOOP") == [
            b"* 2 EXPUNGE",
            b"* 3 EXISTS",
            b"* 3 RECENT",
            b"OK Done",
        ]
        assert (await one.ok("FETCH 3 (UID)")) == [b"* 3 FETCH (UID 4)"]


async def test_own_silent_changes_are_not_told() -> None:
    rig = Rig()
    await world(rig)
    async with rig.client("INBOX") as client:
        assert await client.command("STORE 1:* +FLAGS.SILENT (\\Flagged)") == [
            b"OK Stored"
        ]
        assert await client.command("NOOP") == [b"OK Done"]


async def test_changes_without_a_session_are_told() -> None:
    rig = Rig()
    await world(rig)
    async with rig.client("INBOX", enable="CONDSTORE") as client:
        account = await rig.account()
        info = await account.mailbox("INBOX")
        await account.expunge(info.id, [1, 3])
        lines = await client.command("NOOP")
        assert lines == [b"* 3 EXPUNGE", b"* 1 EXPUNGE", b"OK Done"]


async def test_a_deleted_mailbox_ends_the_session() -> None:
    rig = Rig()
    account = await rig.account()
    await account.create("box")
    async with rig.client("box") as one, rig.client() as other:
        await other.ok("DELETE box")
        lines = await one.command("NOOP")
        assert lines[-1] == b"OK Done"
        assert await one.read_line() == b"* BYE The selected mailbox was deleted"


async def test_a_deleted_mailbox_ends_an_idle_session() -> None:
    rig = Rig()
    account = await rig.account()
    await account.create("box")
    async with rig.client("box") as one, rig.client() as other:
        one.stream.send(b"i IDLE\r\n")
        assert await one.read_line() == b"+ idling"
        await other.ok("DELETE box")
        assert await one.read_line() == b"* BYE The selected mailbox was deleted"


async def test_large_messages_are_streamed() -> None:
    rig = Rig()
    text = "".join(f"line {number:060}\r\n" for number in range(12_000))
    octets = letter("large", text)
    await rig.put([letter("small"), octets, letter("small too")])
    async with rig.client("INBOX") as client:
        lines = await client.ok("FETCH 1:* (UID BODY.PEEK[])")
        assert lines[1] == b"* 2 FETCH (UID 2 BODY[] {%d}\r\n%b)" % (
            len(octets),
            octets,
        )
        assert [line[:4] for line in lines] == [b"* 1 ", b"* 2 ", b"* 3 "]
        body = text.encode()
        assert await client.ok("FETCH 2 BODY.PEEK[TEXT]<100.20>") == [
            b"* 2 FETCH (BODY[TEXT]<100> {20}\r\n%b)" % body[100:120]
        ]
        assert await client.ok("FETCH 2 (BODY.PEEK[1]<0.5> BINARY.SIZE[1] UID)") == [
            b"* 2 FETCH (BODY[1]<0> {5}\r\n%b BINARY.SIZE[1] %d UID 2)"
            % (body[:5], len(body))
        ]
        pieces = max(map(len, client.stream.other.writes))
        assert pieces <= 300 * 1024, "a large message was sent at once"


async def test_who_reads_bodies_is_told() -> None:
    rig = Rig()
    await world(rig)
    async with rig.client("INBOX") as client:
        await client.ok("FETCH 1:* (FLAGS ENVELOPE)")
        assert rig.fetched == []
        await client.ok("FETCH 1:2 BODY.PEEK[]")
    assert rig.fetched == [(1, [1, 2])]


async def test_nobody_may_take_forever_to_log_in() -> None:
    rig = Rig()
    async with rig.connection() as stream:
        client = Client(stream)
        await client.read_line()
        for _ in range(3):
            rig.clock.at += rig.settings.login_timeout_s / 2
            stream.send(b"a")
            for _ in range(5):
                await asyncio.sleep(0)
        assert await client.read_line() == (
            b"* BYE [UNAVAILABLE] Nothing came for too long"
        )


async def test_a_full_spool_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()

    def full(spool: Spool, data: bytes) -> None:
        raise StorageFullError("no room")

    monkeypatch.setattr(Spool, "write", full)
    async with rig.client() as client:
        lines = await client.command(b"APPEND INBOX {5+}\r\nhello")
        assert lines == [b"NO [UNAVAILABLE] There is no room left"]
        assert await client.command("NOOP") == [b"OK Done"]


async def test_nul_is_not_taken() -> None:
    rig = Rig()
    async with rig.client() as client:
        lines = await client.command(b"APPEND INBOX ~{5+}\r\nhe\0lo")
        assert lines == [b"NO [UNKNOWN-CTE] A message has a NUL in it"]


async def test_the_directory_away_is_temporary() -> None:
    rig = Rig()
    rig.authenticator.down = True
    async with rig.connection() as stream:
        client = Client(stream)
        await client.read_line()
        lines = await client.command(f'LOGIN {USER} "{PASSWORD}"')
        assert lines == [b"NO [UNAVAILABLE] Try again later"]


async def test_a_long_fetch_lets_others_have_their_turn() -> None:
    rig = Rig()
    await rig.put([letter(f"number {number}") for number in range(3000)])
    async with rig.client("INBOX") as busy, rig.client("INBOX") as other:
        busy.stream.send(b"f FETCH 1:* (ENVELOPE)\r\n")
        writes = busy.stream.other.writes
        before = len(writes)
        await other.command("NOOP")
        assert 0 < len(writes) - before < 6, "the other client waited for all of it"


async def test_large_parts_are_decoded_in_pieces() -> None:
    rig = Rig()
    content = bytes(range(256)) * 8000
    lines = base64.encodebytes(content).replace(b"\n", b"\r\n")
    octets = (
        b"Subject: large\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + lines + b"\r\n"
        b"--b\r\nContent-Transfer-Encoding: x-secret\r\n\r\nwhat\r\n--b--\r\n"
    )
    await rig.put([octets])
    async with rig.client("INBOX") as client:
        assert await client.ok("FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1]<250.10>)") == [
            b"* 1 FETCH (BINARY.SIZE[1] 2048000 BINARY[1]<250> ~{10}\r\n%b)"
            % content[250:260]
        ]
        (line,) = await client.ok("FETCH 1 BINARY.PEEK[1]")
        assert line == b"* 1 FETCH (BINARY[1] ~{2048000}\r\n%b)" % content
        assert await client.ok("FETCH 1 (BINARY.SIZE[2] BINARY.PEEK[2] UID)") == [
            b"* 1 FETCH (BINARY.SIZE[2] 0 BINARY[2] NIL UID 1)"
        ]
        (line,) = await client.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject)]")
        assert line.endswith(b"Subject: large\r\n\r\n)")
        pieces = max(map(len, client.stream.other.writes))
        assert pieces <= 300 * 1024


async def test_an_unknown_encoding_is_refused() -> None:
    rig = Rig()
    octets = b"Content-Transfer-Encoding: x-secret\r\n\r\nwhat\r\n"
    await rig.put([octets])
    async with rig.client("INBOX") as client:
        lines = await client.command("FETCH 1 BINARY[1]")
        assert lines == [b"NO [UNKNOWN-CTE] The transfer encoding is unknown"]


async def test_the_end_of_the_server_is_told() -> None:
    rig = Rig()
    client, theirs = stream_pair()
    task = asyncio.get_running_loop().create_task(rig.server.serve(theirs))
    await Client(client).read_line()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await client.receive(1) == b"* BYE [UNAVAILABLE] Shutting down\r\n"
    assert client.closed


async def test_a_client_that_stops_reading_stops_the_fetch() -> None:
    rig = Rig()
    await rig.put([letter("x", "y" * 4000 + "\r\n")] * 300)
    async with rig.client("INBOX") as client:
        server_end = client.stream.other
        before = sum(map(len, server_end.writes))
        for _ in range(5):
            await asyncio.sleep(0)
        server_end.stuck = True
        client.stream.send(b"f FETCH 1:* BODY.PEEK[]\r\n")
        while await client.stream.receive(10):
            pass
        sent = sum(map(len, server_end.writes)) - before
        assert 0 < sent < 100_000


async def test_many_bodies_at_once_come_in_small_slices() -> None:
    rig = Rig()
    await rig.put([letter("x", "y" * 100_000 + "\r\n")] * 3)
    items = " ".join(f"BODY.PEEK[]<{start}.100000>" for start in range(30))
    async with rig.client("INBOX") as client:
        await client.ok(f"FETCH 1:* ({items})")
        assert max(map(len, client.stream.other.writes)) < 4_000_000


async def test_who_waits_is_let_go_at_once_when_the_server_stops() -> None:
    rig = Rig()
    await world(rig)
    async with rig.client("INBOX") as idler, rig.client() as other:
        idler.stream.send(b"i IDLE\r\n")
        assert await idler.read_line() == b"+ idling"
        rig.server.stop()
        for client in (idler, other):
            assert await client.read_line() == b"* BYE [UNAVAILABLE] Shutting down"
            assert client.stream.closed


async def test_a_running_command_is_answered_when_the_server_stops() -> None:
    rig = Rig()
    await rig.put([letter(f"number {number}") for number in range(1000)])
    async with rig.client("INBOX") as client:
        client.stream.send(b"f FETCH 1:* (ENVELOPE)\r\ng NOOP\r\n")
        await client.read_line()
        rig.server.stop()
        lines = [await client.read_line() for _ in range(1001)]
        assert lines[-2].startswith(b"f OK")
        assert lines[-1] == b"* BYE [UNAVAILABLE] Shutting down"
        assert await client.stream.receive(1) == b""


async def test_capabilities_are_hidden_from_clients_that_mishandle_them() -> None:
    hide = (("Clumsy", frozenset((b"MOVE", b"IDLE"))), ("other", frozenset((b"ID",))))
    rig = Rig(ImapSettings(hide=hide))
    async with rig.client() as client:
        before = (await client.ok("CAPABILITY"))[0].split()
        assert b"MOVE" in before
        told, after = await client.ok('ID ("NAME" "clumsy mail" "version" "1")')
        assert told == b'* ID ("name" "pabal")'
        assert set(before) - set(after.split()) == {b"MOVE", b"IDLE"}
        assert await client.ok("CAPABILITY") == [after]
        (_, again) = await client.ok("ID NIL")
        assert again.split() == before
        assert len(await client.ok('ID ("name" "careful")')) == 1


async def test_recent_is_told_to_one_session() -> None:
    rig = Rig()
    await world(rig)
    async with rig.client() as looker:
        assert b"* 3 RECENT" in await looker.ok("EXAMINE INBOX")
        (status,) = await looker.ok("STATUS INBOX (RECENT)")
        assert b"RECENT 0" in status, "it was told of all there are"
        await looker.ok("UNSELECT")
        (status,) = await looker.ok("STATUS INBOX (RECENT)")
        assert b"RECENT 3" in status
    async with rig.client() as one, rig.client() as other:
        assert b"* 3 RECENT" in await one.ok("SELECT INBOX")
        assert b"* 0 RECENT" in await other.ok("SELECT INBOX")
        await rig.put([letter("new")])
        assert await other.ok("NOOP") == [b"* 4 EXISTS", b"* 1 RECENT"]
        assert await one.ok("NOOP") == [b"* 4 EXISTS", b"* 3 RECENT"]
        assert b"\\Recent" in (await other.ok("FETCH 4 FLAGS"))[0]
        assert b"\\Recent" not in (await one.ok("FETCH 4 FLAGS"))[0]
        await rig.put([letter("newer")])
        assert await one.ok("NOOP") == [b"* 5 EXISTS", b"* 4 RECENT"]
        assert await one.ok("SEARCH RECENT") == [b"* SEARCH 1 2 3 5"]
        assert await one.ok("SEARCH OLD") == [b"* SEARCH 4"]
        await one.ok("UNSELECT")
        assert b"* 0 RECENT" in await one.ok("SELECT INBOX")


async def test_the_modseq_is_told_when_condstore_is_turned_on() -> None:
    rig = Rig()
    await world(rig)
    async with rig.client("INBOX") as client:
        told = await client.ok("FETCH 1 (MODSEQ)")
        assert told[0].startswith(b"* OK [HIGHESTMODSEQ ")
        assert len(await client.ok("FETCH 1 (MODSEQ)")) == 1
