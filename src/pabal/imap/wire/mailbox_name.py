"""Mailbox names on the wire: modified UTF-7, or UTF-8 once both sides agree.

Sans-IO.
Source: RFC 3501 §5.1.3 (modified UTF-7), RFC 9051 §5.1 (UTF-8, Net-Unicode).
"""

import base64
import binascii
import re
import unicodedata
from typing import Final

from pabal.base.errors import ProtocolError

NAME_MAX_OCTETS: Final = 4096
"""Longest name read; the store has a limit of its own far below."""

_SHIFTED: Final = re.compile(rb"&([^&-]*)-")
_PLAIN: Final = re.compile(rb"[\x20-\x25\x27-\x7e]*")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f]")
_NOT_PLAIN: Final = re.compile("[^\x20-\x25\x27-\x7e]+")


class NameEncodingError(ProtocolError):
    """The octets are not a mailbox name in the encoding in force."""


def decode(octets: bytes) -> str:
    """Return the name: UTF-8 if any octet has its high bit, else modified UTF-7.

    Clients of IMAP4rev1 send UTF-8 too; the two cannot be confused.

    Raises:
        NameEncodingError: It is neither.
    """
    if len(octets) > NAME_MAX_OCTETS:
        raise NameEncodingError("the mailbox name is too long")
    try:
        if octets.isascii():
            return _nfc(_decode_utf7(octets))
        return decode_utf8(octets)
    except UnicodeDecodeError as error:
        raise NameEncodingError("the mailbox name is not valid UTF-8") from error


def decode_utf8(octets: bytes) -> str:
    """Return the name in ``octets``, which are UTF-8, in Unicode form C.

    Raises:
        NameEncodingError: They are not.
    """
    if len(octets) > NAME_MAX_OCTETS:
        raise NameEncodingError("the mailbox name is too long")
    try:
        return _nfc(octets.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise NameEncodingError("the mailbox name is not valid UTF-8") from error


def encode(name: str) -> bytes:
    """Return ``name`` in modified UTF-7."""
    if name.isascii() and "&" not in name and name.isprintable():
        return name.encode("ascii")
    escaped = name.replace("&", "\0")
    text = _NOT_PLAIN.sub(_shift, escaped)
    return text.encode("ascii")


def _shift(match: re.Match[str]) -> str:
    parts = []
    for run in re.split("(\0)", match[0]):
        if run == "\0":
            parts.append("&-")
        elif run:
            octets = base64.b64encode(run.encode("utf-16-be")).rstrip(b"=")
            parts.append("&" + octets.decode("ascii").replace("/", ",") + "-")
    return "".join(parts)


def _decode_utf7(octets: bytes) -> str:
    if b"&" not in octets:
        if not _PLAIN.fullmatch(octets):
            raise NameEncodingError("the mailbox name has a control character")
        return octets.decode("ascii")
    parts: list[str] = []
    position = 0
    for match in _SHIFTED.finditer(octets):
        parts.append(_plain(octets[position : match.start()]))
        parts.append(_unshift(match[1]))
        position = match.end()
    parts.append(_plain(octets[position:]))
    return "".join(parts)


def _plain(octets: bytes) -> str:
    if not _PLAIN.fullmatch(octets):
        raise NameEncodingError("the mailbox name is not valid modified UTF-7")
    return octets.decode("ascii")


def _unshift(run: bytes) -> str:
    if not run:
        return "&"
    padded = run.replace(b",", b"/") + b"=" * (-len(run) % 4)
    try:
        text = base64.b64decode(padded, validate=True).decode("utf-16-be")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise NameEncodingError(
            "the mailbox name is not valid modified UTF-7"
        ) from error
    if not text:
        raise NameEncodingError("the mailbox name is not valid modified UTF-7")
    return text


def _nfc(name: str) -> str:
    if _CONTROL.search(name):
        raise NameEncodingError("the mailbox name has a control character")
    # RFC 9051 §5.1: names are Net-Unicode (RFC 5198), which is form C.
    return name if name.isascii() else unicodedata.normalize("NFC", name)
