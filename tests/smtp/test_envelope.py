from pabal.message.address import Mailbox
from pabal.smtp.envelope import BodyType, Envelope, Recipient


def test_other_recipients_and_nothing_else() -> None:
    you = Mailbox("you", "example.com")
    first = Envelope(
        you, (), BodyType.EIGHT_BIT, smtputf8=True, envelope_id="id", ret="HDRS"
    )
    to = (Recipient(you),)
    assert first.with_recipients(to) == Envelope(
        you, to, BodyType.EIGHT_BIT, smtputf8=True, envelope_id="id", ret="HDRS"
    )
