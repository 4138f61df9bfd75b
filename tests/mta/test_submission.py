import pytest

from pabal.message.address import Mailbox
from pabal.smtp.envelope import Envelope
from tests.mta.stage import MESSAGE, Stage, send, stranger, user


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
    stage.book.add_alias("me@here.test", ("you@here.test",))
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
