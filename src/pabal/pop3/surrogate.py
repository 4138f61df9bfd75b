"""Messages for clients that did not say UTF8: no header has octets above 127.

Sans-IO. Nothing a person reads is lost: texts become encoded words, parameters keep
their values in the long form; an address that only knows UTF-8 becomes a name, with an
address nobody has. What only programs read is left out where it cannot be told. Bodies
stay as they are: MIME says what their octets mean.
Source: RFC 6856 §2.1; RFC 6858 §2; RFC 2047 §5; RFC 2231 §4.
"""

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Final
from urllib.parse import quote_from_bytes

from pabal.message.charset import decode
from pabal.message.header import build_field, raw_fields, split, unfold
from pabal.message.mime import Octets, scan
from pabal.message.text import header_spans
from pabal.message.words import encode_words

_CLOSED_BY: Final = MappingProxyType({b'"': b'"', b"(": b")", b"<": b">"})

NOBODY: Final = b"<invalid@internationalized-address.invalid>"
"""Stands for an address beyond ASCII; nobody can have it (RFC 6858 §2.1)."""

_ADDRESSES: Final = frozenset(
    (
        *(b"bcc", b"cc", b"from", b"reply-to", b"sender", b"to", b"return-path"),
        *(b"resent-bcc", b"resent-cc", b"resent-from", b"resent-sender"),
        *(b"resent-to", b"resent-reply-to"),
    )
)
_PARAMETERS: Final = frozenset((b"content-type", b"content-disposition"))
_TEXTS: Final = frozenset(
    (b"subject", b"comments", b"keywords", b"content-description", b"organization")
)
# What is open to the end is taken to the end: nothing is looked at twice.
_QUOTED: Final = rb'"[^"\\]*(?:\\.[^"\\]*)*"?'
_TOKEN: Final = re.compile(
    _QUOTED + rb'|<[^<>]*>?|\([^()\\]*(?:\\.[^()\\]*)*\)?|[,;:]|[^\s,;:<>"()]+',
    re.DOTALL,
)
_PARAMETER: Final = re.compile(rb';((?:[^;"]+|' + _QUOTED + rb")*)", re.DOTALL)
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)


def of_message(octets: bytes) -> bytes:
    """Return a whole message for such a client. Cost: a scan, if it is not ASCII."""
    if octets.isascii():
        return octets
    pieces, position = [], 0
    for start, end in spans_of(octets):
        pieces += [octets[position:start], of_header(octets[start:end])]
        position = end
    return b"".join(pieces) + octets[position:]


def spans_of(octets: Octets) -> Iterator[tuple[int, int]]:
    """Yield where the headers of a message and of its parts are, in their order."""
    position = 0
    for start, end in sorted(header_spans(scan(octets))):
        if start >= position:
            yield start, end
            position = end


def of_header(header: bytes) -> bytes:
    """Return a header, with its empty line, for such a client."""
    if header.isascii():
        return header
    found = raw_fields(header)
    end = header[sum(map(len, found)) :]
    return b"".join(map(_field, found)) + end


def top_of(octets: bytes) -> tuple[bytes, bytes]:
    """Return header and body of ``of_message``."""
    shown = of_message(octets)
    length = split(shown)
    return shown[:length], shown[length:]


def _field(raw: bytes) -> bytes:
    """Return a field as told, empty if there is no way to tell it (RFC 6858 §2.4)."""
    if raw.isascii():
        return raw
    name, _, value = raw.partition(b":")
    name, value = name.strip(), unfold(value)
    lower = name.lower()
    if not name.isascii():
        return b""
    if lower in _ADDRESSES:
        return build_field(name, b" ".join(_addresses(value)).replace(b" ,", b","))
    if lower in _PARAMETERS:
        kept = _parameters(value)
        return build_field(name, kept) if kept else b""
    if lower in _TEXTS or lower.startswith(b"x-"):
        return build_field(name, encode_words(decode(value.strip())))
    return b""


def _addresses(value: bytes) -> Iterator[bytes]:
    """Yield the words of a list of addresses; texts side by side are one text."""
    texts: list[str] = []
    for token in _TOKEN.findall(value):
        told = token.isascii()
        if not told and token[:1] != b"<" and b"@" not in token:
            texts.append(_text(token))
            continue
        if not told and not texts:
            texts.append(_text(token))
        if texts:
            yield encode_words(" ".join(texts))
            texts.clear()
        yield token if told else NOBODY
    if texts:
        yield encode_words(" ".join(texts))


def _text(token: bytes) -> str:
    """Return what a quoted string, a comment, an address or a word says."""
    opened = token[:1]
    if opened in _CLOSED_BY:
        token = token[1:].removesuffix(_CLOSED_BY[opened])
        token = _ESCAPED.sub(rb"\1", token)
    return decode(token)


def _parameters(value: bytes) -> bytes:
    """Return a value with parameters, those beyond ASCII in the form of RFC 2231."""
    first = value.partition(b";")[0].strip()
    if not first.isascii():
        return b""
    kept = [first]
    for parameter in _PARAMETER.findall(value):
        name, _, said = parameter.partition(b"=")
        if parameter.isascii():
            kept.append(parameter.strip())
        elif name.isascii() and b"*" not in name:
            octets = _text(said.strip()).encode("utf-8", "replace")
            long = quote_from_bytes(octets, safe="").encode("ascii")
            kept.append(b"%b*=utf-8''%b" % (name.strip(), long))
    return b"; ".join(kept)
