import asyncio
from dataclasses import replace

from pabal.base.errors import StorageFullError
from pabal.directory.ports import Resolution, Route, Target
from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.mta.accept import Acceptor, Incoming, plan
from pabal.mta.transaction import MailTransaction
from pabal.smtp.envelope import Envelope, Recipient
from pabal.smtp.outcome import delivered, temporary
from pabal.store.ports import OverQuotaError
from pabal.trace.ports import Stage as TraceStage
from tests.mta.stage import (
    MESSAGE,
    FullDisk,
    Stage,
    recipients,
    settings,
    stranger,
)


def resolved(stage: Stage, *to: str) -> list[tuple[Recipient, Resolution]]:
    found = []
    for one in to:
        recipient = Recipient(Mailbox.parse(one))
        found.append((recipient, stage.book.resolve(recipient.address)))
    return found


def test_nobody_gets_it_twice() -> None:
    stage = Stage()
    stage.book.add_alias("all@here.test", ("alice@here.test", "bob@far.test"))
    made = plan(
        resolved(
            stage, "alice@here.test", "all@here.test", "bob@far.test", "c@far.test"
        )
    )
    assert [copy.target.account_id for copy in made.local] == [2]
    assert {
        via: [str(one.address) for one in found] for via, found in made.remote.items()
    } == {"all@here.test": ["bob@far.test"], "": ["c@far.test"]}
    assert made.remote["all@here.test"][0].original == "rfc822;all@here.test"


async def test_local_mail_is_in_the_mailbox_before_250() -> None:
    stage = Stage()
    assert (await stage.receive("alice@here.test")).ok
    [octets] = await stage.inbox(2)
    assert octets.startswith(b"Return-Path: <bob@there.test>\r\nReceived: from client")
    assert octets.endswith(MESSAGE)
    assert b"for <alice@here.test>" in octets
    assert stage.ledger.stages() == ["received", "delivered"]
    assert await stage.queue.items(10) == []
    await stage.close()


async def test_several_recipients_do_not_read_of_each_other() -> None:
    stage = Stage()
    assert (await stage.receive("alice@here.test", "bob@here.test")).ok
    [octets] = await stage.inbox(3)
    assert b"alice" not in octets
    assert len(await stage.inbox(2)) == 1
    await stage.close()


async def test_here_and_elsewhere_at_once() -> None:
    stage = Stage()
    assert (await stage.submit("alice@here.test", "x@far.test", "y@FAR.test")).ok
    [octets] = await stage.inbox(2)
    assert octets.startswith(b"Return-Path: <you@here.test>\r\nReceived:")
    [item] = await stage.queue.items(10)
    assert [one.destination for one in item.recipients] == ["far.test", "far.test"]
    with await stage.queue.body(item.id) as body:
        assert body.octets().startswith(b"Received: from client.test ([192.0.2.99])")
        assert body.size == item.size_octets
    assert stage.wakes == 1
    await stage.close()


async def test_a_large_message_goes_everywhere() -> None:
    stage = Stage()
    message = MESSAGE + b"x" * 70 + b"\r\n" + b"0123456789\r\n" * 200_000
    assert (
        await stage.submit(
            "alice@here.test", "bob@here.test", "x@far.test", message=message
        )
    ).ok
    [item] = await stage.queue.items(10)
    with await stage.queue.body(item.id) as body:
        assert body.octets().endswith(message)
        assert b"Return-Path" not in body.read(0, 500)
    await stage.close()


async def test_a_mailbox_that_cannot_now_falls_back_to_the_queue() -> None:
    stage = Stage()

    class Locked:
        tries = 0

        async def deliver(self, target: Target, spool: Spool) -> object:
            self.tries += 1
            return temporary(51, "2.0", "locked")

    stage.acceptor._mailboxes = Locked()  # type: ignore[assignment] # a stand-in
    assert (await stage.receive("alice+tag@here.test")).ok
    [item] = await stage.queue.items(10)
    [waiting] = item.recipients
    assert (waiting.destination, waiting.detail) == ("local/2", "tag")
    assert waiting.reply == "451 4.2.0 locked"
    with await stage.queue.body(item.id) as body:
        assert body.octets().startswith(b"Received:")
    await stage.turn(1000)
    [octets] = await stage.inbox(2)
    assert octets.startswith(b"Return-Path: <bob@there.test>\r\nReceived:")
    assert await stage.queue.items(10) == []
    await stage.close()


async def test_no_room_is_452() -> None:
    stage = Stage()
    stage.acceptor._mailboxes = FullDisk()
    outcome = await stage.receive("alice@here.test")
    assert str(outcome).startswith("452 4.3.1")
    assert await stage.queue.items(10) == []
    await stage.close()


async def test_no_room_in_the_queue_is_452() -> None:
    stage = Stage()

    class FullQueue:
        async def add(self, item: object, spool: Spool, start: int = 0) -> None:
            raise StorageFullError("no room")

    stage.acceptor._queue = FullQueue()
    outcome = await stage.submit("x@far.test", "alice@here.test")
    assert str(outcome).startswith("452 4.3.1")
    assert stage.ledger.stages()[-1] == "refused"
    await stage.close()


async def test_a_forwarding_alias_marks_the_message_for_itself_only() -> None:
    stage = Stage()
    stage.book.add_alias("fwd@here.test", ("x@far.test",))
    assert (await stage.submit("fwd@here.test", "z@far.test")).ok
    items = await stage.queue.items(10)
    bodies = {}
    for item in items:
        with await stage.queue.body(item.id) as body:
            bodies[str(item.recipients[0].recipient.address)] = body.octets()
    assert bodies["x@far.test"].startswith(b"Delivered-To: fwd@here.test\r\nReceived:")
    assert b"Delivered-To" not in bodies["z@far.test"]
    await stage.close()


async def test_quota_is_temporary() -> None:
    stage = Stage()
    account = await stage.store.account(2)

    async def full(*_: object) -> None:
        raise OverQuotaError("full")

    account.append = full  # type: ignore[method-assign, assignment] # no quota in memory
    outcome = await stage.mda.deliver(
        Target(Route.LOCAL, Mailbox.parse("alice@here.test"), 2), Spool()
    )
    assert str(outcome) == "452 4.2.2 the mailbox is full"
    await stage.close()


async def test_what_never_fits_is_refused_unless_others_got_it() -> None:
    stage = Stage()
    stage.book.change_account("alice@here.test", quota_octets=10)
    stage.book.add_alias("team@here.test", ("alice@here.test", "bob@here.test"))
    envelope = Envelope(Mailbox.parse("x@there.test"), ())
    (alice,) = recipients("alice@here.test")
    began = await stage.receiver.mail(stranger(), envelope, 0)
    assert isinstance(began, MailTransaction)
    assert (await began.rcpt(alice)).ok, "its size was not announced"
    with Spool() as spool:
        spool.write(MESSAGE)
        outcome = await began.commit(replace(envelope, recipients=[alice]), spool)
    assert str(outcome).startswith("552 5.2.2")
    assert await stage.queue.items(10) == []
    assert await stage.inbox(2) == []
    outcome = await stage.receive("team@here.test")
    assert outcome.ok, "Bob has room"
    [item] = await stage.queue.items(10)
    assert item.recipients[0].reply.startswith("552 5.2.2")
    await stage.turn(1000)
    assert await stage.queue.items(10) == [], "the sender is told by a bounce"
    await stage.close()


async def test_a_message_costs_little() -> None:
    """A smoke test of the hot path: its cost, without smtp and store, has a budget."""

    class Nowhere:
        async def deliver(self, target: Target, spool: Spool) -> object:
            return temporary(51, "2.0", "") if target.account_id == 0 else delivered()

    stage = Stage(settings())
    acceptor = Acceptor(stage.station, Nowhere(), stage.queue, stage.wake)  # type: ignore[arg-type] # a stand-in
    message = MESSAGE + b"x" * 4000
    pairs = resolved(stage, "alice@here.test")
    began = asyncio.get_running_loop().time()
    for _ in range(200):
        with Spool() as spool:
            spool.write(message)
            incoming = Incoming(
                stage.station.new_way(),
                Envelope(None, [pairs[0][0]]),
                spool,
                pairs,
                b"Received: x\r\n",
            )
            assert (await acceptor.accept(incoming)).ok
    spent_us = (asyncio.get_running_loop().time() - began) / 200 * 1e6
    assert spent_us < 600  # the budget is 60; a loaded machine gets ten times that
    assert len(stage.ledger.facts(TraceStage.DELIVERED)) == 200
