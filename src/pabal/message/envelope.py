"""Ready octets of IMAP: strings and the ENVELOPE of a header.

Sans-IO. Made once when a message arrives and handed out as they are at every FETCH.
Source: RFC 9051 §7.5.2 (ENVELOPE), §4.3 (strings), §9 (envelope).
"""

import re
from collections.abc import Sequence
from typing import Final

from pabal.message.address import HeaderAddress, HeaderGroup, parse_address_list
from pabal.message.header import Header

QUOTED_MAX_OCTETS: Final = 1_000
"""Longest quoted string: lines beyond that trouble clients (RFC 9051 §4.3)."""

_SAFE: Final = re.compile(rb"[ !#-\[\]-~\t]*")
_SEVEN_BIT: Final = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")
_SPECIALS: Final = re.compile(rb'(["\\])')

Addresses = Sequence[HeaderAddress | HeaderGroup]


def imap_string(value: bytes) -> bytes:
    r"""Return ``value`` as a string of IMAP: quoted where it can be, else a literal.

    Eight-bit octets go into a literal as they are, NUL is left out: no string of IMAP
    may have it (RFC 9051 §9, CHAR8).
    """
    if len(value) <= QUOTED_MAX_OCTETS:
        # Two steps: nearly nothing has a quote or a backslash inside.
        if _SAFE.fullmatch(value):
            return b'"' + value + b'"'
        if _SEVEN_BIT.fullmatch(value):
            return b'"' + _SPECIALS.sub(rb"\\\1", value) + b'"'
    value = value.replace(b"\0", b"")
    return b"{%d}\r\n%b" % (len(value), value)


def imap_nstring(value: bytes | None) -> bytes:
    """Return ``value`` as a string of IMAP, ``NIL`` for ``None``."""
    return b"NIL" if value is None else imap_string(value)


def envelope(
    header: Header,
    from_: Addresses | None = None,
    to: Addresses | None = None,
    cc: Addresses | None = None,
) -> bytes:
    """Return the ENVELOPE of ``header``, parentheses included.

    Args:
        from_: The addresses of From, when the caller has read them already.
        to: The same of To.
        cc: The same of Cc.
    """
    author = _addresses(_read(header, b"from") if from_ is None else from_)
    sender = author
    if b"sender" in header:
        # Absent or empty is the same as From (RFC 9051 §7.5.2).
        sender = _addresses(_read(header, b"sender"), author)
    reply_to = author
    if b"reply-to" in header:
        reply_to = _addresses(_read(header, b"reply-to"), author)
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        imap_nstring(header.get(b"date")),
        imap_nstring(header.get(b"subject")),
        author,
        sender,
        reply_to,
        _addresses(_read(header, b"to") if to is None else to),
        _addresses(_read(header, b"cc") if cc is None else cc),
        _addresses(_read(header, b"bcc")) if b"bcc" in header else b"NIL",
        imap_nstring(header.get(b"in-reply-to")),
        imap_nstring(header.get(b"message-id")),
    )


def _read(header: Header, name: bytes) -> Addresses:
    return parse_address_list(header.joined(name)) if name in header else ()


def _addresses(addresses: Addresses, empty: bytes = b"NIL") -> bytes:
    if not addresses:
        return empty
    pieces: list[bytes] = []
    for entry in addresses:
        if isinstance(entry, HeaderAddress):
            pieces.append(_address(entry))
            continue
        # RFC 9051 §7.5.2: a group is its name with a NIL host, members, all NIL.
        pieces.append(b"(NIL NIL %b NIL)" % imap_string(entry.name))
        pieces.extend(map(_address, entry.members))
        pieces.append(b"(NIL NIL NIL NIL)")
    return b"(" + b"".join(pieces) + b")"


def _address(address: HeaderAddress) -> bytes:
    # Never a NIL host for an address without one: that would start a group.
    name, local, domain = address.name, address.local_part, address.domain
    if not address.route:
        together = name + local + domain
        if len(together) <= QUOTED_MAX_OCTETS and _SAFE.fullmatch(together):
            quoted = b'"%b"' % name if name else b"NIL"
            return b'(%b NIL "%b" "%b")' % (quoted, local, domain)
    return b"(%b %b %b %b)" % (
        imap_string(name) if name else b"NIL",
        imap_string(address.route) if address.route else b"NIL",
        imap_string(local),
        imap_string(domain),
    )
