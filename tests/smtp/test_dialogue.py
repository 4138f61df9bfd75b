from pabal.message.address import Mailbox
from pabal.smtp.dialogue import Delivery, mail_command, outcome_of, rcpt_command
from pabal.smtp.envelope import BodyType, Envelope, Recipient
from pabal.smtp.outcome import Permanence, permanent
from pabal.smtp.wire.extensions import Extensions
from pabal.smtp.wire.reply import Reply

YOU = Mailbox("you", "client.example")
EVERYTHING = Extensions(frozenset({"SIZE", "8BITMIME", "SMTPUTF8", "DSN"}), 1000)
NOTHING = Extensions()


def test_what_replies_mean() -> None:
    outcome = outcome_of(Reply(550, ("5.1.1 No",)), "RCPT")
    assert (outcome.permanence, outcome.status) == (Permanence.PERMANENT, "1.1")
    assert outcome.detail == "RCPT: 550 5.1.1 No"
    assert outcome_of(Reply(354, ("go",)), "RCPT").permanence is Permanence.TEMPORARY
    # RFC 5321 §4.5.3.1.10; a full mailbox is another matter.
    many, full = Reply(552, ("Too many",)), Reply(552, ("5.2.2 Full",))
    assert outcome_of(many, "RCPT").permanence is Permanence.TEMPORARY
    assert outcome_of(full, "RCPT").permanence is Permanence.PERMANENT
    assert outcome_of(many, "MAIL").permanence is Permanence.PERMANENT


def test_parameters_only_where_they_are_understood() -> None:
    envelope = Envelope(
        YOU, (), BodyType.EIGHT_BIT, smtputf8=True, envelope_id="a b", ret="FULL"
    )
    assert mail_command(envelope, 12, EVERYTHING) == (
        b"MAIL FROM:<you@client.example> SIZE=12 BODY=8BITMIME SMTPUTF8"
        b" RET=FULL ENVID=a+20b\r\n"
    )
    assert mail_command(envelope, 12, NOTHING) == b"MAIL FROM:<you@client.example>\r\n"
    assert mail_command(Envelope(None, ()), 1, NOTHING) == b"MAIL FROM:<>\r\n"
    to = Recipient(
        Mailbox("a b", "보기.example"),
        frozenset({"SUCCESS", "DELAY"}),
        "rfc822;x@a.example",
    )
    assert rcpt_command(to, EVERYTHING, utf8=False) == (
        b'RCPT TO:<"a b"@xn--ok0b03z.example> NOTIFY=DELAY,SUCCESS'
        b" ORCPT=rfc822;x@a.example\r\n"
    )
    assert rcpt_command(to, NOTHING, utf8=True) == (
        'RCPT TO:<"a b"@보기.example>\r\n'.encode()
    )


def test_a_decision_is_never_changed() -> None:
    delivery = Delivery(Envelope(YOU, (Recipient(YOU), Recipient(YOU))), EVERYTHING)
    delivery.recipient_answered(0, Reply(550, ("no",)))
    delivery.recipient_answered(1, Reply(250, ("ok",)))
    assert list(delivery.undecided) == [1]
    delivery.decide_all(permanent(54, "7.1", "no"))
    codes = [outcome and outcome.reply_code for outcome in delivery.outcomes]
    assert codes == [550, 554]


def test_utf8_headers_need_smtputf8() -> None:
    envelope = Envelope(YOU, (Recipient(YOU),), smtputf8=True)
    head = "Subject: 안녕\r\n\r\n".encode()
    for offered, octets, undecided in (
        (EVERYTHING, head, 1),
        (NOTHING, head, 0),
        (NOTHING, b"Subject: x\r\n\r\n" + head, 1),
    ):
        delivery = Delivery(envelope, offered)
        delivery.refuse_impossible(100, octets)
        assert len(delivery.undecided) == undecided
