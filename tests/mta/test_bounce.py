from pabal.base.errors import UnavailableError
from pabal.message.address import Mailbox
from pabal.mta.queue.item import RecipientState
from pabal.smtp.envelope import Envelope, Recipient
from pabal.smtp.outcome import permanent
from pabal.trace.ports import Stage as TraceStage
from tests.mta.stage import MESSAGE, Stage, send, user

NEVER = permanent(50, "1.1", "no such user")


async def test_refused_comes_back_to_a_mailbox_here() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    mx.replies = [NEVER]
    await stage.submit("a@far.test", "b@far.test")
    await stage.turn()
    assert mx.recipients == ["b@far.test"]
    [notice] = await stage.inbox(1)
    assert notice.startswith(b"Return-Path: <>\r\n")
    assert b"Final-Recipient: rfc822; a@far.test\r\n" in notice
    assert b"Status: 5.1.1\r\n" in notice
    assert b"Remote-MTA: dns; mx.far.test\r\n" in notice
    assert b"b@far.test>: " not in notice
    assert MESSAGE in notice
    assert await stage.queue.items(10) == []
    assert "bounced" in stage.ledger.stages()
    await stage.close()


async def test_a_notification_to_elsewhere_is_queued() -> None:
    stage = Stage()
    stage.book.add_alias("fwd@here.test", ("x@far.test",))
    [far] = stage.net.domain("far.test", (10, "mx.far.test"))
    [there] = stage.net.domain("there.test", (10, "mx.there.test"))
    far.replies = [NEVER]
    await stage.receive("fwd@here.test")
    await stage.turn()
    [(envelope, octets)] = there.mails
    assert envelope.reverse_path is None
    assert there.recipients == ["bob@there.test"]
    assert b"Original-Recipient: rfc822;fwd@here.test\r\n" in octets
    await stage.close()


async def test_no_notification_about_a_notification() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    mx.replies = [NEVER]
    await send(stage.submission, user(), "", "a@far.test")
    await stage.turn()
    assert await stage.queue.items(10) == []
    assert await stage.inbox(1) == []
    [facts] = stage.ledger.facts(TraceStage.BOUNCED)
    assert facts["notification"] == "nobody told: sender <>"
    await stage.close()


async def test_an_unknown_sender_is_not_told() -> None:
    stage = Stage()
    stage.book.add_alias("fwd@here.test", ("x@far.test",))
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    mx.replies = [NEVER]
    await stage.receive("fwd@here.test", sender="nobody@here.test")
    await stage.turn()
    assert await stage.queue.items(10) == []
    await stage.close()


async def test_notify_never_is_kept() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    mx.replies = [NEVER]
    quiet = Recipient(Mailbox.parse("a@far.test"), frozenset({"NEVER"}))
    await send(stage.submission, user(), "you@here.test", quiet)
    await stage.turn()
    assert await stage.inbox(1) == []
    assert await stage.queue.items(10) == []
    await stage.close()


async def test_ret_hdrs_returns_the_header_only() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    mx.replies = [NEVER]
    envelope = Envelope(
        Mailbox.parse("you@here.test"), (), envelope_id="e42", ret="HDRS"
    )
    await send(
        stage.submission, user(), "you@here.test", "a@far.test", envelope=envelope
    )
    await stage.turn()
    [notice] = await stage.inbox(1)
    assert b"text/rfc822-headers" in notice
    assert b"Subject: x\r\n" in notice
    assert b"hello" not in notice
    assert b"Original-Envelope-Id: e42\r\n" in notice
    await stage.close()


async def test_a_notification_that_cannot_be_written_is_tried_again() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    mx.replies = [NEVER, NEVER]
    await stage.submit("a@far.test")
    good = stage.mda.deliver

    async def away(*_: object) -> None:
        raise UnavailableError("away")

    stage.mda.deliver = away  # type: ignore[method-assign, assignment] # a store that is away
    await stage.turn()
    assert (await stage.queue.items(1))[0].recipients[
        0
    ].state is RecipientState.DEFERRED
    stage.mda.deliver = good  # type: ignore[method-assign] # it is back
    await stage.turn(300)
    assert len(await stage.inbox(1)) == 1
    assert await stage.queue.items(10) == []
    await stage.close()


async def test_a_delivery_here_is_confirmed_to_who_asked() -> None:
    stage = Stage()
    asked = Recipient(Mailbox.parse("alice@here.test"), frozenset({"SUCCESS"}))
    other = Recipient(Mailbox.parse("bob@here.test"))
    await send(stage.submission, user(), "you@here.test", asked, other)
    [notice] = await stage.inbox(1)
    assert b"Final-Recipient: rfc822; alice@here.test\r\nAction: delivered" in notice
    assert b"bob@here.test" not in notice.partition(b"message/delivery-status")[2]
    assert b"text/rfc822-headers" in notice
    await stage.close()


async def test_a_relay_that_promises_nothing_is_told_of() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    asked = Recipient(Mailbox.parse("a@far.test"), frozenset({"SUCCESS"}))
    await send(stage.submission, user(), "you@here.test", asked)
    await stage.turn()
    assert await stage.inbox(1) == []
    mx.notifies = False
    mx.replies = [permanent(50, "1.1", "no"), permanent(50, "1.1", "no")]
    await send(stage.submission, user(), "you@here.test", "b@far.test")
    await stage.turn()
    mx.replies = []
    await send(stage.submission, user(), "you@here.test", asked)
    await stage.turn()
    failed, relayed = await stage.inbox(1)
    assert b"Action: failed" in failed
    assert b"Action: relayed\r\n" in relayed
    assert mx.mails[0][0].recipients[0].notify == {"SUCCESS"}
    await stage.close()
