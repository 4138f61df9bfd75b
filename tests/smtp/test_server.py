"""The driver: writes, waits, ends. What commands do is in the dialogues."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from typing_extensions import override

from pabal.base.errors import UnavailableError
from pabal.message.spool import Spool
from pabal.net.endpoint import Endpoint
from pabal.smtp.commands.conversation import Service
from pabal.smtp.envelope import Envelope
from pabal.smtp.outcome import Outcome, permanent, temporary
from pabal.smtp.ports import Client, Transaction
from pabal.smtp.server import EVENTS_IN_A_ROW, SmtpServer
from pabal.smtp.settings import ServerSettings
from tests.smtp.builders import (
    HOSTNAME,
    FakeClock,
    MemoryAuthenticator,
    MemoryReceiver,
)
from tests.support.streams import CLIENT, MemoryStream, stream_pair

START = b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<user@example.com>\r\nDATA\r\n"


@dataclass
class Setting:
    server: SmtpServer
    near: MemoryStream
    far: MemoryStream
    receiver: MemoryReceiver
    clock: FakeClock
    serving: asyncio.Task[None]

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def say(self, octets: bytes) -> bytes:
        """Send ``octets``; return what was answered once the server is waiting."""
        self.near.send(octets)
        await self.settle()
        said = b"".join(self.far.writes)
        self.far.writes.clear()
        return said


@asynccontextmanager
async def serving(service: Service | None = None) -> AsyncIterator[Setting]:
    receiver = MemoryReceiver()
    clock = FakeClock()
    near, far = stream_pair()
    server = SmtpServer(service or Service(HOSTNAME, receiver), clock)
    task = asyncio.get_running_loop().create_task(server.serve(far))
    setting = Setting(server, near, far, receiver, clock, task)
    await setting.settle()
    try:
        yield setting
    finally:
        near.close()
        await task


async def test_replies_of_pipelined_commands_are_one_write() -> None:
    async with serving() as s:
        s.far.writes.clear()
        s.near.send(START)
        await s.settle()
        assert len(s.far.writes) == 1
        assert s.far.writes[0].endswith(b"354 Go ahead, end with <CRLF>.<CRLF>\r\n")


async def test_a_client_that_pipelines_a_lot_does_not_hold_up_others() -> None:
    async with serving() as s:
        turns = 0
        s.near.send(b"NOOP\r\n" * 5000)
        while sum(map(len, s.far.writes)) < 5000 * 14:
            await asyncio.sleep(0)
            turns += 1
        assert turns >= 5000 // EVENTS_IN_A_ROW


async def test_what_the_receiver_learns() -> None:
    async with serving() as s:
        await s.say(START)
        await s.say(b"text\r\n.\r\n")
        (taken,) = s.receiver.taken
        assert taken.client.peer == CLIENT
        assert taken.client.helo == "x"
        assert taken.client.protocol == "ESMTP"
        assert taken.client.session_id
        assert taken.envelope.reverse_path is None
        assert taken.octets == b"text\r\n"


async def test_a_lost_connection_aborts_the_transaction() -> None:
    async with serving() as s:
        await s.say(START)
        await s.say(b"half a mess")
        s.near.close()
        await s.serving
        assert s.receiver.aborted == 1
        assert not s.receiver.taken


async def test_rset_ehlo_and_quit_abort_the_transaction() -> None:
    async with serving() as s:
        for n, command in enumerate((b"RSET\r\n", b"EHLO x\r\n", b"QUIT\r\n"), 1):
            await s.say(b"EHLO x\r\nMAIL FROM:<>\r\n" + command)
            assert s.receiver.aborted == n


async def test_unwelcome_clients() -> None:
    for outcome, reply in (
        (permanent(50, "7.1", "Not you"), b"554 5.7.1 Not you\r\n"),
        (temporary(50, "7.1", "Not now"), b"421 4.7.1 Not now\r\n"),
    ):
        async with serving(Service(HOSTNAME, MemoryReceiver(outcome))) as s:
            assert s.far.writes == [reply]
            assert s.far.closed


async def test_a_receiver_that_is_not_there() -> None:
    class Broken(MemoryReceiver):
        @override
        async def connected(self, client: Client) -> Outcome:
            raise UnavailableError("no database at 10.0.0.1")

    async with serving(Service(HOSTNAME, Broken())) as s:
        assert s.far.writes == [b"421 4.3.0 Try again later\r\n"]


async def test_a_command_has_one_deadline_however_it_dribbles() -> None:
    async with serving() as s:
        assert s.far.timeouts[-1] == 300
        s.clock.seconds += 200
        await s.say(b"EH")
        assert s.far.timeouts[-1] == 100
        s.clock.seconds += 200
        await s.say(b"L")
        assert s.far.timeouts[-1] == 0
        await s.say(b"O x\r\n")
        assert s.far.timeouts[-1] == 300


async def test_a_message_may_be_slow_but_not_dribble() -> None:
    async with serving() as s:
        await s.say(START)
        assert s.far.timeouts[-1] == 180
        s.clock.seconds += 290
        await s.say(b"x" * 10_000)
        assert s.far.timeouts[-1] == 60  # 300 + 10,000 octets at 200 a second - 290
        s.clock.seconds += 60
        await s.say(b"x")
        assert s.far.timeouts[-1] < 1
        s.near.other.expire()
        assert b"421 4.4.2" in await s.say(b"")
        assert s.receiver.aborted == 1


async def test_a_peer_that_reads_nothing_is_cut() -> None:
    async with serving() as s:
        s.far.stuck = True
        await s.say(b"NOOP\r\n")
        assert s.far.closed


async def test_stopping_spares_who_is_sending() -> None:
    async with serving() as idle, serving() as busy:
        await busy.say(START)
        idle.server.stop()
        busy.server.stop()
        assert b"421 4.3.2" in idle.far.writes[-1]
        assert idle.far.closed
        answer = await busy.say(b"text\r\n.\r\n")
        assert (
            answer == b"250 2.0.0 Taken as 1\r\n421 4.3.2 Stopping, come back soon\r\n"
        )
        assert busy.far.closed


async def test_tls_from_the_first_octet_and_identity() -> None:
    service = Service(
        HOSTNAME,
        MemoryReceiver(),
        ServerSettings(auth_required=True),
        MemoryAuthenticator(),
    )
    near, far = stream_pair()
    await far.start_tls()
    near.send(b"EHLO x\r\nAUTH PLAIN AHVzZXIAc2VjcmV0\r\n" + START + b".\r\nQUIT\r\n")
    await SmtpServer(service, FakeClock()).serve(far)
    said = b"".join(far.writes)
    assert b"STARTTLS" not in said
    receiver = service.receiver
    assert isinstance(receiver, MemoryReceiver)
    client = receiver.taken[0].client
    assert client.protocol == "ESMTPSA"
    assert client.identity is not None
    assert client.identity.address == "user@example.com"


async def test_the_spool_is_closed_after_the_commit() -> None:
    spools: list[Spool] = []

    def new_spool() -> Spool:
        spools.append(Spool())
        return spools[-1]

    receiver = MemoryReceiver()
    async with serving(Service(HOSTNAME, receiver, new_spool=new_spool)) as s:
        await s.say(START + b"text\r\n.\r\n")
        await s.say(START[8:] + b"lost")
    assert [spool.size for spool in spools] == [0, 0]


async def test_local_endpoint_is_told() -> None:
    class Nosy(MemoryReceiver):
        @override
        async def mail(
            self, client: Client, envelope: Envelope, size: int
        ) -> Transaction | Outcome:
            assert client.local == Endpoint("192.0.2.25", 25)
            return permanent(50, "7.1", f"{size}")

    async with serving(Service(HOSTNAME, Nosy())) as s:
        answer = await s.say(b"EHLO x\r\nMAIL FROM:<> SIZE=77\r\n")
        assert answer.endswith(b"550 5.7.1 77\r\n")
