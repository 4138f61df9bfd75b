"""Text of a message as people see it: for searching and for previews.

Sans-IO. Every text part is decoded (transfer encoding, charset), HTML loses its tags,
header fields lose their encoded words, flowed text its soft line breaks.
Source: RFC 9051 §6.4.4 (SEARCH BODY and TEXT: decoded before comparing), RFC 3676
(format=flowed).
"""

import html
import re
from collections.abc import Iterator
from typing import Final

from pabal.message.address import HeaderGroup, parse_address_list
from pabal.message.charset import decode
from pabal.message.folding import fold
from pabal.message.header import HEADER_MAX_OCTETS, Header, fields, unfold
from pabal.message.mime import Octets, Part, decode_body, scan
from pabal.message.needle import Needle
from pabal.message.parameters import parameter
from pabal.message.words import decode_words

TEXT_MAX_OCTETS: Final = 16 * 1024 * 1024
"""Octets of text, still encoded, that are searched in one message."""

_ADDRESSES: Final = frozenset((b"from", b"to", b"cc", b"bcc"))
"""Fields SEARCH has keys for whose values are addresses."""

# No "<" inside: or every unclosed tag would be followed to the very end.
_INLINE_TAG: Final = re.compile(
    r"</?(?:a|abbr|b|big|code|em|font|i|ins|mark|o:p|s|small|span|strong|sub|sup|u|wbr)"
    r"(?:\s[^<>]*)?>",
    re.IGNORECASE,
)
# Each branch ends at its closing mark or at the very end, so the whole is linear.
_MARKUP: Final = re.compile(
    r"<(?:!--.*?(?:-->|\Z)"
    r"|(script|style|title)\b.*?(?:</\1\s*>|\Z)"
    r"|[/!?a-z][^>]*(?:>|\Z))",
    re.IGNORECASE | re.DOTALL,
)


def contains(
    octets: Octets, needle: Needle, *, headers: bool = True, body: bool = True
) -> bool:
    """Return whether the message has a text, part by part, the cheap ones first.

    Args:
        needle: What to look for.
        headers: Look into header fields (SEARCH TEXT).
        body: Look into the text parts (SEARCH TEXT and BODY).
    """
    if not needle.text:
        return True
    part = scan(octets)
    return (headers and any(map(needle.is_in, header_texts(octets, part)))) or (
        body and any(map(needle.is_in, body_texts(octets, part)))
    )


def header_texts(octets: Octets, part: Part) -> Iterator[str]:
    """Yield the header of the message, of its parts and of messages in it, folded.

    Together with ``body_texts`` this is what SEARCH TEXT looks into, one by one.
    """
    for start, end in header_spans(part):
        yield fold(header_text(octets[start:end]))


def body_texts(octets: Octets, part: Part) -> Iterator[str]:
    """Yield the text parts, folded: what SEARCH BODY looks into, one by one."""
    left = TEXT_MAX_OCTETS
    for leaf in text_parts(part):
        if left <= 0:
            return
        yield fold(part_text(octets, leaf, left))
        left -= leaf.size


def header_text(header: bytes) -> str:
    """Return a header as SEARCH looks into it, not folded: a line a field."""
    lines = (
        f"{name.decode('latin-1')}: {_searched(name.lower(), unfold(raw))}"
        for name, raw in fields(header)
    )
    return "\n".join(lines)


def field_texts(header: Header, name: bytes) -> list[str]:
    """Return every field ``name`` (lower case) as SEARCH compares it, folded."""
    return [fold(_searched(name, value)) for value in header.all(name)]


def _searched(name: bytes, value: bytes) -> str:
    """Return what is looked into of an unfolded field, ``name`` in lower case.

    RFC 9051 §6.4.4: FROM and its like look into the envelope, where an address has no
    comment inside. So one that is broken by a comment is there as people know it, too.
    """
    text = decode_words(value)
    if b"(" not in value or name not in _ADDRESSES:
        return text
    entries = parse_address_list(value)
    addresses = [
        b"%b@%b" % (address.local_part, address.domain)
        for entry in entries
        for address in (entry.members if isinstance(entry, HeaderGroup) else (entry,))
        if address.domain
    ]
    broken = [decode(address) for address in addresses if address not in value]
    return " ".join((text, *broken))


def part_text(octets: Octets, part: Part, limit: int | None = None) -> str:
    """Return the text of a text part, HTML without its markup.

    Args:
        limit: Octets of the encoded body to look at; a cut character is left out.
    """
    body = decode_body(octets, part, limit)
    if limit is not None and part.size > limit:
        body = _whole_characters(body)
    text = decode(body, part.charset or None)
    if part.subtype == "html":
        return strip_html(text)
    if parameter(part.params, "format").lower() == "flowed":
        deletes = parameter(part.params, "delsp").lower() == "yes"
        return unflow(text, deletes_space=deletes)
    return text


def strip_html(text: str) -> str:
    """Return the text of HTML: no tags, scripts, styles; entities resolved.

    Tags within words vanish, the others become a space: ``회<b>의</b>`` is ``회의``.
    """
    return html.unescape(_MARKUP.sub(" ", _INLINE_TAG.sub("", text)))


def unflow(text: str, *, deletes_space: bool = False) -> str:
    """Return format=flowed text with each paragraph on one line.

    Args:
        text: As it was sent.
        deletes_space: Whether the blank in front of a soft line break goes (DelSp=yes):
            scripts without spaces are broken like that.

    Source: RFC 3676 §4.2 (soft breaks), §4.3 (signature), §4.4 (stuffing), §4.5.
    """
    pieces: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        ended = line.removesuffix("\r")
        content = ended.lstrip(">")
        depth = len(ended) - len(content)
        content = content.removeprefix(" ")
        is_signature = content == "-- "
        if depth != open_depth or is_signature:
            pieces += ("\r\n", ended[:depth])
        open_depth = -1
        if content.endswith(" ") and not is_signature:
            open_depth = depth
            content = content[:-1] if deletes_space else content
        pieces.append(content)
    return "".join(pieces[1:])


def text_parts(part: Part) -> Iterator[Part]:
    """Yield the text parts of a tree in order, those of messages inside included."""
    waiting = [part]
    while waiting:
        current = waiting.pop()
        if current.type == "text":
            yield current
        elif current.message is not None:
            waiting.append(current.message)
        else:
            waiting.extend(reversed(current.children))


def header_spans(part: Part) -> Iterator[tuple[int, int]]:
    """Yield where the headers of the message, its parts and messages in it are."""
    waiting = [part]
    while waiting:
        current = waiting.pop()
        end = min(current.body_start, current.header_start + HEADER_MAX_OCTETS)
        yield current.header_start, end
        if current.message is not None:
            waiting.append(current.message)
        waiting.extend(reversed(current.children))


def _whole_characters(octets: bytes) -> bytes:
    """Return ``octets`` cut back to the last white space, where no character is cut."""
    cut = max(octets.rfind(b" "), octets.rfind(b"\n"))
    return octets[:cut] if cut > len(octets) // 2 else octets
