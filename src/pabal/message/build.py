"""Messages written by this program: bounces, the lab's letters.

Sans-IO: the caller brings the time and the message id. Line ends are CRLF.
Source: RFC 5322 §3.6 (fields), RFC 2045 §6 (encodings), RFC 6522 §3 (multipart/report).

Security: no argument can start a new field; line ends in header text become spaces.
"""

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pabal.message.address import Mailbox
from pabal.message.date import format_date
from pabal.message.header import LINE_MAX_OCTETS, build_field
from pabal.message.words import encode_words

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_PLAIN_PHRASE: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_SPECIALS: Final = re.compile(rb'(["\\])')
_QP_LINE: Final = re.compile(rb"(?<!\r)\n")

BASE64_LINE_OCTETS: Final = 57
"""Octets a line of base64 carries: 76 letters (RFC 2045 §6.8)."""


@dataclass(frozen=True, slots=True)
class Person:
    """An address with the name people know it by; the name may be empty."""

    mailbox: Mailbox
    name: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What the header of a message says.

    Attributes:
        sender: Goes to From.
        recipients: Go to To; empty gives ``undisclosed-recipients:;``.
        subject: Any text; encoded as needed.
        sent_at: UTC seconds for Date.
        offset_minutes: Minutes east of UTC to write Date in.
        message_id: With its angle brackets; see ``message_id``.
        extra: Further fields in order, name and text; text is encoded as needed.
    """

    sender: Person
    recipients: Sequence[Person]
    subject: str
    sent_at: float
    message_id: str
    offset_minutes: int = 0
    extra: Sequence[tuple[str, str]] = field(default=())


@dataclass(frozen=True, slots=True)
class Body:
    """A MIME part ready to be put in: its fields, ``MIME-Version`` not among them.

    Attributes:
        header: Content fields, each with its CRLF.
        octets: The body in its transfer encoding, CRLF line ends.
    """

    header: bytes
    octets: bytes


def message_id(unique: str, host: str) -> str:
    """Return a message id of a ``unique`` word at ``host`` (RFC 5322 §3.6.4)."""
    return f"<{unique}@{host}>"


def text_body(text: str, *, eight_bit: bool = False) -> Body:
    """Return ``text`` as a text/plain part with the encoding that suits it.

    ASCII stays as it is; mostly ASCII becomes quoted-printable; the rest base64, or
    8bit when the way is known to be clean (RFC 6152).

    Args:
        eight_bit: Whether octets beyond ASCII may be sent as they are.
    """
    lines = _LINE_END.sub("\r\n", text)
    if not lines.endswith("\r\n"):
        lines += "\r\n"
    octets = lines.encode("utf-8", "replace")
    fits = max(map(len, octets.split(b"\r\n"))) <= LINE_MAX_OCTETS
    fits = fits and b"\0" not in octets
    if octets.isascii() and fits:
        return Body(_text_header("us-ascii", "7bit"), octets)
    if eight_bit and fits:
        return Body(_text_header("utf-8", "8bit"), octets)
    high = sum(octet > 126 for octet in octets)
    if high * 6 < len(octets):
        encoded = binascii.b2a_qp(octets, istext=True)
        # b2a_qp ends soft line breaks with a lone LF when it has seen no CRLF yet.
        encoded = _QP_LINE.sub(b"\r\n", encoded)
        return Body(_text_header("utf-8", "quoted-printable"), encoded)
    return Body(_text_header("utf-8", "base64"), encode_base64(octets))


def message_body(octets: bytes, *, headers_only: bool = False) -> Body:
    """Return a message, or only its header, as a part of a report (RFC 6522 §3).

    Eight-bit octets stay: neither type may be encoded (RFC 2046 §5.2.1).
    """
    kind = b"text/rfc822-headers" if headers_only else b"message/rfc822"
    header = b"Content-Type: " + kind + b"\r\n"
    if not octets.isascii():
        header += b"Content-Transfer-Encoding: 8bit\r\n"
    return Body(header, octets)


def status_body(groups: Sequence[Sequence[tuple[str, str]]]) -> Body:
    """Return a message/delivery-status part (RFC 3464 §2.1).

    Args:
        groups: Fields of the message, then of each recipient.
    """
    blocks = [
        b"".join(build_field(name.encode(), _one_line(value)) for name, value in group)
        for group in groups
    ]
    octets = b"\r\n".join(blocks)
    # RFC 6533 §3: addresses beyond ASCII make it message/global-delivery-status.
    if octets.isascii():
        return Body(b"Content-Type: message/delivery-status\r\n", octets)
    return Body(
        b"Content-Type: message/global-delivery-status\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n",
        octets,
    )


def simple_message(letter: Letter, body: Body) -> bytes:
    """Return the message with one part."""
    return _header(letter) + body.header + b"\r\n" + body.octets


def multipart_message(
    letter: Letter,
    parts: Sequence[Body],
    boundary: str,
    subtype: str = "mixed",
    params: Sequence[tuple[str, str]] = (),
) -> bytes:
    """Return the message with several parts.

    Args:
        boundary: A word that is in none of them: at most 70 letters and digits.
        subtype: ``report`` for a DSN, with the parameter ``report-type``.
        params: Further parameters of Content-Type, in ASCII.
    """
    content_type = f'multipart/{subtype}; boundary="{boundary}"' + "".join(
        f"; {name}={value}" for name, value in params
    )
    delimiter = b"--" + boundary.encode()
    pieces = [
        _header(letter),
        build_field(b"Content-Type", content_type.encode()),
        b"\r\n",
    ]
    for part in parts:
        pieces += [delimiter, b"\r\n", part.header, b"\r\n", part.octets, b"\r\n"]
    pieces += [delimiter, b"--\r\n"]
    return b"".join(pieces)


def format_person(person: Person) -> bytes:
    """Return ``person`` for a header field: ``Name <local@domain>``."""
    address = str(person.mailbox).encode()
    name = " ".join(person.name.split())
    if not name:
        return address
    if name.isascii() and "=?" not in name:
        phrase = name.encode()
        if not _PLAIN_PHRASE.fullmatch(name):
            phrase = b'"' + _SPECIALS.sub(rb"\\\1", phrase) + b'"'
    else:
        phrase = encode_words(name)
    return phrase + b" <" + address + b">"


def encode_base64(octets: bytes) -> bytes:
    """Return ``octets`` in base64, lines of 76 with CRLF (RFC 2045 §6.8)."""
    step = BASE64_LINE_OCTETS
    return b"".join(
        binascii.b2a_base64(octets[start : start + step], newline=False) + b"\r\n"
        for start in range(0, len(octets), step)
    )


def _header(letter: Letter) -> bytes:
    to = b", ".join(map(format_person, letter.recipients))
    date = format_date(letter.sent_at, letter.offset_minutes)
    pieces = [
        build_field(b"Date", date.encode()),
        build_field(b"Message-ID", _one_line(letter.message_id)),
        build_field(b"From", format_person(letter.sender)),
        build_field(b"To", to or b"undisclosed-recipients:;"),
        build_field(b"Subject", encode_words(letter.subject, len("Subject: "))),
    ]
    pieces += [
        build_field(name.encode("ascii"), encode_words(value, len(name) + 2))
        for name, value in letter.extra
    ]
    return b"".join(pieces) + b"MIME-Version: 1.0\r\n"


def _text_header(charset: str, encoding: str) -> bytes:
    return (
        f"Content-Type: text/plain; charset={charset}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n"
    ).encode()


def _one_line(value: str) -> bytes:
    return " ".join(value.split()).encode("utf-8", "replace")
