"""Messages we write, read back by us and by the standard library."""

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.message.address import Mailbox
from pabal.message.build import (
    Letter,
    Person,
    format_person,
    message_body,
    message_id,
    multipart_message,
    simple_message,
    status_body,
    text_body,
)
from pabal.message.facts import scan_facts
from pabal.message.mime import decode_body, scan
from pabal.message.text import part_text

ALICE = Person(Mailbox.parse("alice@example.com"), "김앨리스")
BOB = Person(Mailbox.parse("bob@example.org"), 'Bob "B", esq.')


def letter(subject: str = "회의록", extra: tuple[tuple[str, str], ...] = ()) -> Letter:
    return Letter(
        sender=ALICE,
        recipients=[BOB],
        subject=subject,
        sent_at=1795494213,
        message_id=message_id("m1", "mail.example.com"),
        offset_minutes=540,
        extra=extra,
    )


@given(
    subject=st.text(max_size=120),
    text=st.text(max_size=300),
    eight_bit=st.booleans(),
)
def test_written_and_read_again(subject: str, text: str, *, eight_bit: bool) -> None:
    subject = "".join(c if c.isprintable() else "?" for c in subject).strip()
    octets = simple_message(letter(subject), text_body(text, eight_bit=eight_bit))
    facts = scan_facts(octets)
    assert facts.subject == subject
    assert facts.from_ == "김앨리스 <alice@example.com>"
    assert facts.sent_at == 1795494213
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")
    assert octets.isascii() or eight_bit
    lines = part_text(octets, scan(octets)).replace("\r\n", "\n")
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    expected = expected.encode("utf-8", "replace").decode()
    assert lines == expected if expected.endswith("\n") else expected + "\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain", "7bit"),
        ("mostly ascii, café", "quoted-printable"),
        ("안녕하세요", "base64"),
        ("x" * 2_000, "quoted-printable"),
    ],
)
def test_the_encoding_suits_the_text(text: str, encoding: str) -> None:
    octets = simple_message(letter(), text_body(text))
    assert scan(octets).encoding == encoding
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert message["subject"] == "회의록"
    assert message["to"].addresses[0].display_name == BOB.name
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().rstrip() == text


def test_eight_bit_stays_where_it_may() -> None:
    assert scan(
        simple_message(letter(), text_body("안녕", eight_bit=True))
    ).encoding == ("8bit")


def test_a_report() -> None:
    original = b"Subject: x\r\n\r\nbody\r\n"
    status = status_body(
        [
            [("Reporting-MTA", "dns; mail.example.com")],
            [("Final-Recipient", "rfc822; bob@example.org"), ("Action", "failed")],
        ]
    )
    octets = multipart_message(
        letter(extra=(("Auto-Submitted", "auto-replied"),)),
        [text_body("It failed."), status, message_body(original)],
        boundary="b0undary",
        subtype="report",
        params=[("report-type", "delivery-status")],
    )
    root = scan(octets)
    assert (root.subtype, root.params[-1]) == (
        "report",
        ("report-type", "delivery-status"),
    )
    human, machine, returned = root.children
    assert decode_body(octets, human) == b"It failed.\r\n"
    assert (machine.type, machine.subtype) == ("message", "delivery-status")
    assert decode_body(octets, returned) == original
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert message["auto-submitted"] == "auto-replied"
    groups = message.get_payload(1)
    assert isinstance(groups, email.message.Message)
    blocks = groups.get_payload()
    assert isinstance(blocks, list)
    messages = [block for block in blocks if isinstance(block, email.message.Message)]
    assert [block["action"] for block in messages] == [None, "failed"]


def test_headers_only_and_eight_bit_reports() -> None:
    part = message_body("Subject: 회의\r\n\r\n".encode(), headers_only=True)
    assert part.header == (
        b"Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: 8bit\r\n"
    )
    status = status_body([[("Final-Recipient", "utf-8; 홍@example.kr")]])
    assert b"global-delivery-status" in status.header


def test_nobody_injects_a_field() -> None:
    octets = simple_message(
        letter("a\r\nBcc: x@y", extra=(("X-A", "b\r\nBcc: x@y"),)), text_body("x")
    )
    assert b"\nBcc" not in octets


def test_nobody_to_write_to() -> None:
    nobody = Letter(ALICE, [], "s", 0, "<m@x>")
    assert b"To: undisclosed-recipients:;\r\n" in simple_message(nobody, text_body("x"))


def test_people() -> None:
    assert format_person(Person(BOB.mailbox)) == b"bob@example.org"
    assert format_person(BOB) == b'"Bob \\"B\\", esq." <bob@example.org>'
    assert format_person(Person(BOB.mailbox, "Bob")) == b"Bob <bob@example.org>"
