"""Addresses and subject out of a stored ENVELOPE, for sorting and threading.

Sans-IO. The store keeps envelopes ready for the wire; reading them back costs a match
where all strings are quoted, and the grammar's reader where one is a literal.
Source: RFC 9051 §7.5.2 (envelope), RFC 5957 §3 (display sort value).
"""

import re
from types import MappingProxyType
from typing import Final, NamedTuple

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import Reader
from pabal.message.charset import decode
from pabal.message.words import decode_words

FROM: Final = 0
TO: Final = 3
CC: Final = 4
"""Places of the lists of addresses in an ENVELOPE."""

_LISTS: Final = 6
"""From, sender, reply-to, to, cc, bcc."""

_STRING: Final = rb'(?:NIL|"[^"\\]*(?:\\.[^"\\]*)*")'
_ADDRESS: Final = rb"\(%b %b %b %b\)" % (_STRING, _STRING, _STRING, _STRING)
_LIST: Final = rb"(?:NIL|\((?:%b)+\))" % _ADDRESS
_FAST: Final = MappingProxyType(
    {
        place: re.compile(
            rb"\(%b %b %b(?:NIL|\(\((%b) %b (%b) (%b)\))"
            % (_STRING, _STRING, (_LIST + rb" ") * place, *(_STRING,) * 4),
            re.DOTALL,
        )
        for place in (FROM, TO, CC)
    }
)
_SUBJECT: Final = re.compile(rb"\(%b (%b)" % (_STRING, _STRING), re.DOTALL)


class Address(NamedTuple):
    """The first address of a field; empty where the envelope says NIL."""

    name: bytes = b""
    mailbox: bytes = b""
    host: bytes = b""

    @property
    def display(self) -> str:
        """The name for people, else the address (RFC 5957 §3)."""
        name = decode_words(self.name).strip() if self.name else ""
        if name:
            return name
        mailbox, host = decode(self.mailbox), decode(self.host)
        return f"{mailbox}@{host}" if mailbox and host else mailbox


NOBODY: Final = Address()


def first_address(envelope: bytes, place: int) -> Address:
    """Return the first address of a list in ``envelope``; ``NOBODY`` if it is NIL."""
    match = _FAST[place].match(envelope)
    if match is not None:
        if match[1] is None:
            return NOBODY
        return Address(_plain(match[1]), _plain(match[2]), _plain(match[3]))
    try:
        return _read_lists(envelope)[place]
    except (ScanError, IndexError):
        return NOBODY


def subject_of(envelope: bytes) -> str:
    """Return the decoded subject in ``envelope``."""
    match = _SUBJECT.match(envelope)
    if match is not None:
        return decode_words(_plain(match[1]))
    reader = Reader(envelope, 1)
    try:
        reader.nstring()
        reader.sp()
        return decode_words(reader.nstring() or b"")
    except ScanError:
        return ""


def _plain(string: bytes) -> bytes:
    if string == b"NIL":
        return b""
    octets = string[1:-1]
    return re.sub(rb"\\(.)", rb"\1", octets) if b"\\" in octets else octets


def _read_lists(envelope: bytes) -> list[Address]:
    reader = Reader(envelope, 1)
    for _ in range(2):
        reader.nstring()
        reader.sp()
    found = []
    for _ in range(_LISTS):
        found.append(_read_list(reader))
        reader.sp()
    return found


def _read_list(reader: Reader) -> Address:
    if reader.take_word(b"NIL"):
        return NOBODY
    reader.expect(b"(")
    first = NOBODY
    while reader.take(b"("):
        name = reader.nstring() or b""
        reader.sp()
        reader.nstring()
        reader.sp()
        mailbox = reader.nstring() or b""
        reader.sp()
        host = reader.nstring() or b""
        reader.expect(b")")
        first = first if first is not NOBODY else Address(name, mailbox, host)
    reader.expect(b")")
    return first
