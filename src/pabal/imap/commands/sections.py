"""Sections of a message in memory: BODY[…] and BINARY[…] to octets.

Sans-IO.
Source: RFC 9051 §6.4.5.1, RFC 3516 §4 (BINARY).
"""

import mmap

from pabal.imap.commands.refusal import RefusedError
from pabal.imap.wire.fetch import Binary, Body, Section, SectionText
from pabal.message import header as headers
from pabal.message.mime import Part, decode_body, scan

Octets = bytes | mmap.mmap

_DECODED = frozenset(
    ("7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode", "uuencode")
)
"""Transfer encodings BINARY can take off (RFC 3516 §4.2)."""


class UnknownEncodingError(RefusedError):
    """A part's transfer encoding that nobody can take off (RFC 3516 §4.3)."""

    def __init__(self) -> None:
        super().__init__("The transfer encoding is unknown", b"UNKNOWN-CTE")


class Message:
    """One message; its tree is scanned when the first part is asked for.

    Attributes:
        octets: All of it.
    """

    __slots__ = ("_root", "octets")

    def __init__(self, octets: Octets) -> None:
        self.octets = octets
        self._root: Part | None = None

    @property
    def root(self) -> Part:
        """The tree."""
        if self._root is None:
            self._root = scan(self.octets)
        return self._root

    def span(self, section: Section) -> tuple[int, int] | None:
        """Return where the octets of ``section`` are, ``None`` if there are none.

        For FIELDS and FIELDS_NOT it is the header they are taken from.
        """
        if section.text is SectionText.WHOLE and not section.part:
            return 0, len(self.octets)
        return span_of(self.root, section)

    def section(self, section: Section) -> bytes | None:
        """Return the octets of ``section``, ``None`` if there are none."""
        if section.text is SectionText.TEXT and not section.part:
            return self.octets[headers.split(self.octets) :]
        span = self.span(section)
        if span is None:
            return None
        return subset(self.octets[span[0] : span[1]], section)

    def binary(self, part: tuple[int, ...]) -> bytes | None:
        """Return a part without its transfer encoding, ``None`` if there is none.

        Raises:
            UnknownEncodingError: The encoding is unknown.
        """
        if not part:
            return self.octets[:]
        found = self.root.part(part)
        if found is None:
            return None
        if found.encoding not in _DECODED:
            raise UnknownEncodingError
        return decode_body(self.octets, found)


def span_of(root: Part, section: Section) -> tuple[int, int] | None:
    """Return where the octets of ``section`` of a part are, ``None``: nowhere."""
    part = root.part(section.part)
    if part is None:
        return None
    if section.text is SectionText.WHOLE:
        return part.body_start, part.body_end
    if section.text is SectionText.MIME:
        return part.header_start, part.body_start
    # Only a message has HEADER and TEXT (RFC 9051 §6.4.5.1).
    return _message_span(part.message if section.part else part, section)


def _message_span(message: Part | None, section: Section) -> tuple[int, int] | None:
    if message is None:
        return None
    if section.text is SectionText.TEXT:
        return message.body_start, message.body_end
    return message.header_start, message.body_start


def subset(header: bytes, section: Section) -> bytes:
    """Return the fields of ``header`` a section asks for; all if it names none."""
    if section.text is SectionText.FIELDS:
        return headers.select(header, section.names)
    if section.text is SectionText.FIELDS_NOT:
        return headers.select_not(header, section.names)
    return header


def cut(octets: bytes, partial: tuple[int, int] | None) -> bytes:
    """Return the octets ``<first.count>`` asks for; none behind the end."""
    if partial is None:
        return octets
    return octets[partial[0] : partial[0] + partial[1]]


def rendered(item: Body, octets: bytes | None) -> bytes:
    """Return a body item of the response."""
    if octets is None:
        return item.label + b" NIL"
    octets = cut(octets, item.partial)
    return b"%b {%d}\r\n%b" % (item.label, len(octets), octets)


def rendered_binary(item: Binary, octets: bytes | None) -> bytes:
    """Return a BINARY item of the response."""
    if item.size_only:
        return b"%b %d" % (item.label, len(octets or b""))
    if octets is None:
        return item.label + b" NIL"
    octets = cut(octets, item.partial)
    # RFC 3516 §4.2: literal8 where a NUL is in it.
    mark = b"~" if b"\0" in octets else b""
    return b"%b %b{%d}\r\n%b" % (item.label, mark, len(octets), octets)
