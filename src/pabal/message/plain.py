"""Whether a message holds a text, told without taking it apart where that can be.

Sans-IO. Most mail somebody searches is one text without a transfer encoding: its octets
are looked into as they are. What is not beyond doubt goes the long way, so answers are
those of ``pabal.message.text.contains``; some ten times faster for English.
"""

import re
import unicodedata
from typing import Final

from pabal.message.folding import fold
from pabal.message.header import HEADER_MAX_OCTETS, fields
from pabal.message.mime import Octets
from pabal.message.needle import Needle
from pabal.message.text import TEXT_MAX_OCTETS, contains, header_text

_CASELESS: Final = re.compile("[ 0-9\uac00-\ud7a3\u4e00-\u9fff\u3041-\u3096]*")
"""Syllables of Hangul, ideographs, Hiragana."""

KNOWN_MAX: Final = 1_000
"""Fields with encoded words remembered in one search: senders are often the same."""

_SIMPLE: Final = re.compile(
    rb"\ncontent-t(?:ype: text/plain(?:; charset=(\"?)(?:utf-8|us-ascii)\1)?"
    rb"|ransfer-encoding: (?:7bit|8bit))\r?(?=\n[^ \t])"
)
"""Fields, in lower case, that say nothing else than what is so without them."""

_COMMENTED: Final = re.compile(rb"\n(?:from|to|cc|bcc)[ \t]*:(?:[^\n(]|\n[ \t])*\(")
"""An address field, in lower case, with a comment: the address is found without it."""

_CONTENT: Final = b"content-t"
"""What the names of both fields begin with that say how a body is to be read."""


class PlainTest:
    """Tells of messages whether they hold a text: SEARCH TEXT and BODY.

    Args (of the constructor):
        needle: What to look for.
        headers: Look into header fields too (SEARCH TEXT).
    """

    __slots__ = (
        "_headers",
        "_is_caseless",
        "_is_short",
        "_known",
        "_needle",
        "_octets",
        "_words",
    )

    def __init__(self, needle: Needle, *, headers: bool) -> None:
        text = needle.text
        self._needle = needle
        self._headers = headers
        self._octets = text.encode("utf-8", "surrogatepass")
        # One line of a header each: what has line ends may be in two of them.
        self._is_short = bool(text) and "\n" not in text and "\r" not in text
        # Behind a name there may be blanks that are left out.
        # Case folding makes none of these characters and takes none away.
        self._is_caseless = _CASELESS.fullmatch(text) is not None
        self._known: dict[bytes, bool] = {}
        self._words = [] if ":" in text else self._octets.split()

    def __call__(self, octets: Octets) -> bool:
        """Return whether a message holds it."""
        if isinstance(octets, bytes) and self._is_short:
            found = self._quick(octets)
            if found is not None:
                return found
        return contains(octets, self._needle, headers=self._headers)

    def _quick(self, octets: bytes) -> bool | None:
        """Return whether a plain message holds it; ``None``: it is not plain."""
        end = octets.find(b"\n\r\n")
        if (
            not 2 < end < HEADER_MAX_OCTETS
            or len(octets) > TEXT_MAX_OCTETS
            or octets.find(b"\n\n", 0, end) >= 0
            or octets.startswith((b"\n", b"\r\n"))
        ):
            return None
        header = octets[: end + 1]
        # A line end in front and a letter behind, as if there were fields around.
        lower = b"\n%bx" % header.lower()
        named = lower.count(_CONTENT)
        if named and len(_SIMPLE.findall(lower)) != named:
            return None
        found = self._in_body(octets[end + 3 :])
        if found is False and self._headers:
            return self._in_header(header, lower)
        return found

    def _in_body(self, body: bytes) -> bool | None:
        if body.isascii():
            # What is not ASCII is in no such text, and its lower case is its folding.
            return self._octets in body.lower()
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return None
        if self._is_caseless and unicodedata.is_normalized("NFKC", text):
            return any(one in text for one in self._needle.variants)
        return self._needle.is_in(fold(text))

    def _in_header(self, header: bytes, lower: bytes) -> bool:
        if (
            not header.isascii()
            or header.count(b"\r") != header.count(b"\r\n")  # unfolding joins there
            or all(word in lower for word in self._words)
            or (b"(" in lower and _COMMENTED.search(lower))
        ):
            return self._needle.is_in(fold(header_text(header)))
        # Not in what is written there; in encoded words it still may be.
        if b"=?" not in header:
            return False
        return any(
            self._in_field(b"%b:%b\n" % (name, raw))
            for name, raw in fields(header)
            if b"=?" in raw
        )

    def _in_field(self, field: bytes) -> bool:
        known = self._known.get(field)
        if known is None:
            known = self._needle.is_in(fold(header_text(field)))
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            self._known[field] = known
        return known
