from pabal.message.spool import Spool
from pabal.smtp.envelope import Envelope
from pabal.smtp.outcome import Outcome
from pabal.trace.ports import Stage as TraceStage
from tests.mta.stage import (
    MESSAGE,
    Stage,
    recipients,
    settings,
    stranger,
)


async def refused(stage: Stage, *to: str, **more: bytes) -> str:
    outcome = await stage.receive(*to, **more)  # type: ignore[arg-type] # only message
    await stage.close()
    assert not outcome.ok
    return str(outcome)


async def test_nobody_of_that_name() -> None:
    assert (await refused(Stage(), "nobody@here.test")).startswith("550 5.1.1")


async def test_disabled() -> None:
    stage = Stage()
    stage.book.change_account("alice@here.test", enabled=False)
    assert (await refused(stage, "alice@here.test")).startswith("550 5.1.1")


async def test_an_alias_goes_past_the_disabled() -> None:
    stage = Stage()
    stage.book.change_account("alice@here.test", enabled=False)
    stage.book.add_alias("all@here.test", ("alice@here.test", "bob@here.test"))
    assert (await stage.receive("all@here.test")).ok
    assert len(await stage.inbox(2)) == 0
    assert len(await stage.inbox(3)) == 1
    await stage.close()


async def test_too_many_recipients() -> None:
    stage = Stage(settings(recipients_max=2))
    began = await stage.receiver.mail(stranger(), Envelope(None, ()), 0)
    assert not isinstance(began, Outcome)
    one = recipients("alice@here.test")[0]
    assert (await began.rcpt(one)).ok
    assert (await began.rcpt(one)).ok
    outcome = await began.rcpt(one)
    assert str(outcome).startswith("452 4.5.3")
    await began.abort()
    await stage.close()


async def test_subaddress_finds_its_mailbox_or_inbox() -> None:
    stage = Stage()
    account = await stage.store.account(2)
    await account.create("lists")
    assert (await stage.receive("alice+lists@here.test", "alice+x@here.test")).ok
    assert len(await stage.inbox(2, "lists")) == 1
    assert len(await stage.inbox(2)) == 1
    await stage.close()


async def test_too_large_though_announced_small() -> None:
    stage = Stage(settings(message_size_max_octets=200))
    began = await stage.receiver.mail(stranger(), Envelope(None, ()), 0)
    assert not isinstance(began, Outcome)
    to = recipients("alice@here.test")
    await began.rcpt(to[0])
    with Spool() as spool:
        spool.write(MESSAGE + b"x" * 500)
        outcome = await began.commit(Envelope(None, to), spool)
    assert str(outcome).startswith("552 5.3.4")
    await stage.close()


async def test_endless_header() -> None:
    stage = Stage(settings(header_max_octets=20_000))
    long = b"X: y\r\n" * 10_000 + b"\r\n"
    assert (await refused(stage, "alice@here.test", message=long)).startswith(
        "552 5.3.4"
    )


async def test_hops_end() -> None:
    looped = b"Received: from a\r\n" * 101 + MESSAGE
    outcome = await refused(Stage(), "alice@here.test", message=looped)
    assert outcome.startswith("554 5.4.6")


async def test_many_hops_are_no_loop() -> None:
    stage = Stage()
    message = b"Received: from a\r\n" * 99 + MESSAGE
    assert (await stage.receive("alice@here.test", message=message)).ok
    await stage.close()


async def test_a_forwarded_message_does_not_come_back() -> None:
    stage = Stage()
    stage.book.add_alias("fwd@here.test", ("x@far.test",))
    message = b"Delivered-To: FWD@here.test\r\n" + MESSAGE
    outcome = await refused(stage, "fwd@here.test", message=message)
    assert outcome.startswith("554 5.4.6")


async def test_the_trace_says_who_and_how() -> None:
    stage = Stage()
    await stage.receive("alice@here.test")
    [facts] = stage.ledger.facts(TraceStage.RECEIVED)
    assert facts["peer"] == "192.0.2.99:40000"
    assert facts["protocol"] == "ESMTP"
    assert stage.ledger.events[0].message_id == "m1@here.test"
    assert stage.ledger.events[0].recipient == "alice@here.test"
    await stage.close()
