import pytest

from pabal.message.address import Mailbox
from pabal.smtp.envelope import BodyType, Envelope, Recipient
from pabal.smtp.wire.command import (
    Auth,
    Bdat,
    Command,
    CommandError,
    Context,
    Data,
    Ehlo,
    Expn,
    Help,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
    decode_base64,
    decode_xtext,
    encode_xtext,
    parse_command,
)

HERE = Context("mail.example.com")
YOU = Mailbox("you", "example.org")


def parse(line: str, context: Context = HERE) -> Command:
    return parse_command(line.encode(), context)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("EHLO a.example", Ehlo("a.example")),
        ("ehlo [192.0.2.1] extra", Ehlo("[192.0.2.1]")),
        ("HELO a_b", Ehlo("a_b", extended=False)),
        ("MAIL FROM:<>", Mail(Envelope(None, ()))),
        ("mail from: <you@example.org>", Mail(Envelope(YOU, ()))),
        ("MAIL FROM:<you@example.org> SIZE=12", Mail(Envelope(YOU, ()), 12)),
        (
            "MAIL FROM:<you@example.org> body=8bitmime SMTPUTF8 RET=full ENVID=a+2Bb",
            Mail(
                Envelope(
                    YOU,
                    (),
                    BodyType.EIGHT_BIT,
                    smtputf8=True,
                    envelope_id="a+b",
                    ret="FULL",
                )
            ),
        ),
        ("RCPT TO:<you@example.org>", Rcpt(Recipient(YOU))),
        ("RCPT TO:<@a.example,@b.example:you@example.org>", Rcpt(Recipient(YOU))),
        (
            "RCPT TO:<pOstmaster>",
            Rcpt(Recipient(Mailbox("postmaster", "mail.example.com"))),
        ),
        (
            "RCPT TO:<you@example.org> NOTIFY=failure,DELAY ORCPT=rfc822;you@a.example",
            Rcpt(
                Recipient(YOU, frozenset({"FAILURE", "DELAY"}), "rfc822;you@a.example")
            ),
        ),
        ("DATA", Data()),
        ("data ", Data()),
        ("BDAT 0", Bdat(0)),
        ("BDAT 12 last", Bdat(12, last=True)),
        ("RSET", Rset()),
        ("NOOP anything", Noop()),
        ("VRFY user", Vrfy()),
        ("EXPN list", Expn()),
        ("HELP", Help()),
        ("QUIT", Quit()),
        ("StartTLS", StartTls()),
        ("AUTH PLAIN", Auth("PLAIN")),
        ("auth scram-sha-256 YQ==", Auth("SCRAM-SHA-256", b"a")),
        ("AUTH EXTERNAL =", Auth("EXTERNAL", b"")),
    ],
)
def test_commands(line: str, command: Command) -> None:
    assert parse(line) == command


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("", "500 5.5.2"),
        ("XYZZ", "500 5.5.2"),
        ("DATAX", "500 5.5.2"),
        ("STARTTLSX", "500 5.5.2"),
        ("START", "500 5.5.2"),
        (" EHLO x", "500 5.5.2"),
        ("EHLO", "501 5.5.4"),
        ("EHLO 받", "501 5.5.4"),
        ("QUIT now", "501 5.5.4"),
        ("STARTTLS now", "501 5.5.4"),
        ("NOOP \x07", "501 5.5.2"),
        ("NOOP " + "x" * 510, "500 5.5.2"),
        ("MAIL", "501 5.5.2"),
        ("MAIL FROM:", "501 5.1.7"),
        ("MAIL FROM:<you>", "501 5.1.7"),
        ("MAIL FROM:<" + "y" * 65 + "@example.org>", "501 5.1.7"),
        ("MAIL FROM:<you@example.org> ENVID=a+2", "501 5.5.4"),
        ("MAIL FROM:<you@example.org> SIZE", "501 5.5.4"),
        ("MAIL FROM:<you@example.org> SIZE=" + "9" * 21, "501 5.5.4"),
        ("MAIL FROM:<you@example.org> SMTPUTF8=yes", "501 5.5.4"),
        ("MAIL FROM:<you@example.org> XYZZY=1", "555 5.5.4"),
        ("MAIL FROM:<받@example.org>", "553 5.6.7"),
        ("RCPT FROM:<you@example.org>", "501 5.5.2"),
        ("RCPT TO:<you@example.org>x", "501 5.5.2"),
        ("RCPT TO:<you@example.org> NOTIFY=", "501 5.5.4"),
        ("RCPT TO:<받@example.org>", "553 5.6.7"),
        ("BDAT", "501 5.5.2"),
        ("BDAT -1", "501 5.5.2"),
        ("BDAT 1 FIRST", "501 5.5.2"),
        ("BDAT " + "9" * 21, "501 5.5.2"),
        ("AUTH", "501 5.5.2"),
        ("AUTH PLAIN a b", "501 5.5.2"),
        ("AUTH PLAIN a", "501 5.5.2"),
    ],
)
def test_refusals(line: str, reply: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(line)
    assert str(caught.value).startswith(reply)


def test_utf8_addresses_after_smtputf8() -> None:
    command = parse("RCPT TO:<받@보기.example>", Context("x", smtputf8=True))
    assert command == Rcpt(Recipient(Mailbox("받", "보기.example")))


def test_base64_is_strict() -> None:
    assert decode_base64(b"") == b""
    for bad in (b"a", b"YQ", b"Y Q=", b"YQ==!"):
        with pytest.raises(CommandError):
            decode_base64(bad)


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(Auth("PLAIN", b"secret"))


def test_xtext() -> None:
    assert decode_xtext(b"a+2Bb+3D") == "a+b="
    assert encode_xtext("a+b= 받") == "a+2Bb+3D+20+EB+B0+9B"
    with pytest.raises(CommandError):
        decode_xtext(b"+2b")
