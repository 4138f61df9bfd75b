from dataclasses import replace

import pytest

from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.smtp.envelope import Envelope
from pabal.smtp.outcome import Outcome
from pabal.trace.ports import Stage as TraceStage
from tests.mta.stage import (
    MESSAGE,
    Stage,
    recipients,
    send,
    settings,
    stranger,
    user,
)


async def refused(stage: Stage, *to: str, **more: bytes) -> str:
    outcome = await stage.receive(*to, **more)  # type: ignore[arg-type] # only message
    await stage.close()
    assert not outcome.ok
    return str(outcome)


async def test_no_relay() -> None:
    stage = Stage()
    assert (await refused(stage, "x@far.test")).startswith("550 5.7.1")
    assert stage.ledger.stages() == ["refused"]
    assert await stage.queue.items(10) == []


async def test_nobody_of_that_name() -> None:
    assert (await refused(Stage(), "nobody@here.test")).startswith("550 5.1.1")


async def test_disabled() -> None:
    stage = Stage()
    account = stage.book.accounts["alice@here.test"]
    stage.book.accounts["alice@here.test"] = replace(account, enabled=False)
    assert (await refused(stage, "alice@here.test")).startswith("550 5.2.1")


async def test_an_alias_goes_past_the_disabled() -> None:
    stage = Stage()
    account = stage.book.accounts["alice@here.test"]
    stage.book.accounts["alice@here.test"] = replace(account, enabled=False)
    stage.book.aliases["all@here.test"] = ("alice@here.test", "bob@here.test")
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


async def test_the_null_reverse_path_is_welcome() -> None:
    stage = Stage()
    assert (await stage.receive("alice@here.test", sender="")).ok
    [octets] = await stage.inbox(2)
    assert octets.startswith(b"Return-Path: <>\r\n")
    await stage.close()


async def test_subaddress_finds_its_mailbox_or_inbox() -> None:
    stage = Stage()
    account = await stage.store.account(2)
    await account.create("lists")
    assert (await stage.receive("alice+lists@here.test", "alice+x@here.test")).ok
    assert len(await stage.inbox(2, "lists")) == 1
    assert len(await stage.inbox(2)) == 1
    await stage.close()


async def test_too_large() -> None:
    stage = Stage(settings(message_size_max_octets=200))
    big = MESSAGE + b"x" * 500
    assert (await refused(stage, "alice@here.test", message=big)).startswith(
        "552 5.3.4"
    )


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
    stage.book.aliases["fwd@here.test"] = ("x@far.test",)
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


async def test_submission_needs_a_user() -> None:
    stage = Stage()
    outcome = await send(stage.submission, stranger(), "you@here.test", "x@far.test")
    assert str(outcome).startswith("530 5.7.0")
    await stage.close()


@pytest.mark.parametrize("sender", ["alice@here.test", "x@far.test"])
async def test_a_user_is_only_themselves(sender: str) -> None:
    stage = Stage()
    outcome = await send(stage.submission, user(), sender, "x@far.test")
    assert str(outcome).startswith("553 5.7.1")
    await stage.close()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"From: alice@here.test", "550 5.7.1"),
        (b"From: you@here.test, alice@here.test", "550 5.7.1"),
        (b"From: Friends: alice@here.test;", "550 5.7.1"),
        (b"From: x@far.test", "550 5.7.1"),
        (b"From: you@here.test\r\nFrom: alice@here.test", "554 5.6.0"),
        (b"From:", "554 5.6.0"),
        (b"From: nobody at all", "550 5.7.1"),
    ],
)
async def test_from_is_checked(line: bytes, code: str) -> None:
    stage = Stage()
    message = MESSAGE.replace(b"From: you@here.test", line)
    outcome = await stage.submit("x@far.test", message=message)
    assert str(outcome).startswith(code), outcome
    assert await stage.queue.items(10) == []
    await stage.close()


async def test_own_aliases_and_subaddresses_are_own() -> None:
    stage = Stage()
    stage.book.aliases["me@here.test"] = ("you@here.test",)
    message = MESSAGE.replace(b"From: you@", b"From: You <me@")
    message = message.replace(b"me@here.test", b"me@here.test>", 1)
    outcome = await send(
        stage.submission, user(), "you+tag@here.test", "x@far.test", message=message
    )
    assert outcome.ok
    await stage.close()


async def test_what_is_missing_is_added() -> None:
    stage = Stage()
    outcome = await stage.submit("alice@here.test", message=b"Subject: x\r\n\r\nhi\r\n")
    assert outcome.ok
    [octets] = await stage.inbox(2)
    assert b"\r\nFrom: you@here.test\r\n" in octets
    assert b"\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n" in octets
    assert b"\r\nMessage-ID: <" in octets
    assert octets.endswith(b"Subject: x\r\n\r\nhi\r\n")
    assert stage.ledger.events[-1].message_id.endswith("@mail.here.test")
    await stage.close()


async def test_what_is_there_stays() -> None:
    stage = Stage()
    await stage.submit("alice@here.test")
    [octets] = await stage.inbox(2)
    assert octets.endswith(MESSAGE)
    assert octets.count(b"Message-ID") == 1
    await stage.close()


async def test_read_receipts_may_be_sent() -> None:
    stage = Stage()
    outcome = await send(stage.submission, user(), "", "x@far.test")
    assert outcome.ok
    await stage.close()


async def test_korean_addresses_work() -> None:
    stage = Stage()
    envelope = Envelope(Mailbox.parse("you@here.test"), (), smtputf8=True)
    outcome = await send(
        stage.submission, user(), "you@here.test", "받는이@다른.test", envelope=envelope
    )
    assert outcome.ok
    [item] = await stage.queue.items(1)
    assert item.recipients[0].destination.startswith("xn--")
    assert item.envelope.smtputf8
    await stage.close()
