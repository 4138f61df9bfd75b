"""Two whole servers exchange mail: real SMTP on both sides, streams in memory."""

from dataclasses import replace

from pabal.base.tasks import Tasks
from pabal.message.header import Header, split
from pabal.mta.settings import MtaSettings
from pabal.mta.transport.pool import SessionPool
from pabal.mta.transport.session import SmtpSessions
from pabal.net.endpoint import Endpoint
from pabal.net.ports import ConnectionLostError, Stream
from pabal.smtp.commands.conversation import Service
from pabal.smtp.server import SmtpServer
from pabal.smtp.settings import ServerSettings
from pabal.trace.ports import Stage as TraceStage
from tests.mta.stage import MESSAGE, Network, Stage
from tests.support.streams import stream_pair

HERE = Endpoint("192.0.2.1", 25)
THERE = Endpoint("192.0.2.2", 25)


class Pair:
    """``here.test`` and ``there.test``, who know each other by name."""

    def __init__(self) -> None:
        self.tasks = Tasks()
        self.here = self._server("here.test")
        self.there = self._server("there.test")
        self.down: set[Endpoint] = set()
        self.servers = {
            HERE: self._smtp(self.here),
            THERE: self._smtp(self.there),
        }
        names = Network()
        for domain, endpoint in (("here.test", HERE), ("there.test", THERE)):
            names.domain(domain, (10, f"mail.{domain}"))
            names.address_answers[f"mail.{domain}"] = (endpoint.address,)
        for stage in (self.here, self.there):
            sessions = SmtpSessions(stage.settings.hostname, self.connect)
            pool = SessionPool(sessions, stage.settings.transport, stage.clock)
            stage.pool = stage.transport._pool = pool
            stage.transport._routes._names = names

    def _server(self, domain: str) -> Stage:
        return Stage(MtaSettings(f"mail.{domain}"), domain=domain)

    def _smtp(self, stage: Stage) -> SmtpServer:
        service = Service(
            hostname=stage.settings.hostname,
            receiver=stage.receiver,
            settings=ServerSettings(starttls=False),
        )
        return SmtpServer(service, stage.clock)

    async def connect(self, endpoint: Endpoint) -> Stream:
        if endpoint in self.down:
            raise ConnectionLostError(f"{endpoint}: refused")
        ours, theirs = stream_pair(server=endpoint)
        self.tasks.start(self.servers[endpoint].serve(theirs), "smtp")
        return ours

    async def close(self) -> None:
        for stage in (self.here, self.there):
            await stage.close()
        await self.tasks.stop()


async def test_there_and_back() -> None:
    pair = Pair()
    assert (await pair.here.submit("bob@there.test")).ok
    await pair.here.turn()
    [octets] = await pair.there.inbox(3)
    assert octets.endswith(MESSAGE)
    header = Header(octets[: split(octets)])
    assert header.get(b"return-path") == b"<you@here.test>"
    assert len(header.all(b"received")) == 2
    assert b"from mail.here.test ([192.0.2.1])" in header.all(b"received")[0]
    assert b"with ESMTP id" in header.all(b"received")[0]
    dialogue = str(pair.here.ledger.facts(TraceStage.SENT)[0]["dialogue"])
    assert "C: RCPT TO:<bob@there.test>" in dialogue
    assert pair.there.ledger.stages() == ["received", "delivered"]
    joined = {e.message_id for e in pair.here.ledger.events + pair.there.ledger.events}
    assert joined == {"m1@here.test"}
    await pair.close()


async def test_nobody_there_comes_back() -> None:
    pair = Pair()
    await pair.here.submit("nobody@there.test", "bob@there.test")
    await pair.here.turn()
    assert len(await pair.there.inbox(3)) == 1
    [notice] = await pair.here.inbox(1)
    assert b"Final-Recipient: rfc822; nobody@there.test\r\n" in notice
    assert b"550 5.1.1" in notice
    assert b"Remote-MTA: dns; mail.there.test\r\n" in notice
    await pair.close()


async def test_a_large_message_and_an_outage() -> None:
    pair = Pair()
    message = MESSAGE + b".dot\r\n..dots\r\n" + b"0123456789\r\n" * 150_000
    pair.down.add(THERE)
    await pair.here.submit("bob@there.test", message=message)
    await pair.here.turn()
    [item] = await pair.here.queue.items(10)
    assert "refused" in item.recipients[0].reply
    pair.down.clear()
    await pair.here.turn(1000)
    account = await pair.there.store.account(3)
    view = await account.view((await account.mailbox("INBOX")).id)
    octets = b"".join([piece async for piece in account.octets(view.emails[0])])
    view.close()
    assert octets.endswith(message)
    assert await pair.here.queue.items(10) == []
    await pair.close()


async def test_a_forwarding_loop_between_two_servers_ends() -> None:
    pair = Pair()
    pair.here.book.add_alias("fwd@here.test", ("fwd@there.test",))
    pair.there.book.add_alias("fwd@there.test", ("fwd@here.test",))
    message = MESSAGE.replace(b"To: bob@there.test", b"To: fwd@here.test")
    await pair.here.submit("fwd@here.test", message=message)
    for _ in range(10):
        await pair.here.turn()
        await pair.there.turn()
    assert await pair.here.queue.items(10) == []
    assert await pair.there.queue.items(10) == []
    [notice] = await pair.here.inbox(1)
    assert b"Status: 5.4.6\r\n" in notice
    await pair.close()


async def test_one_connection_carries_many() -> None:
    pair = Pair()
    pair.here.schedule._settings = replace(
        pair.here.schedule._settings, destination_first=1, destination_max=1
    )
    for _ in range(10):
        await pair.here.submit("bob@there.test")
    await pair.here.turn()
    assert len(await pair.there.inbox(3)) == 10
    connected = pair.here.ledger.facts(TraceStage.CONNECTED)
    assert [one["reused"] for one in connected].count(False) == 1
    await pair.close()
