"""The parts of a message, as offsets into its octets.

Sans-IO. Nothing is copied: a part says where it begins and ends. Octets are searched
in bulk, also in a mapped file. What is malformed gives a smaller tree, never an error.
Source: RFC 2045 (fields), RFC 2046 §5.1 (multipart), §5.2.1 (message/rfc822),
RFC 9051 §6.4.5.1 (part numbers).

Security: depth, number of parts and octets searched are bounded, so that no message
costs more than a few readings of itself.
"""

import binascii
import mmap
import re
from dataclasses import dataclass
from typing import Final, Self

from pabal.message.header import HEADER_MAX_OCTETS, Header
from pabal.message.parameters import Parameters, parameter, parse_parameters
from pabal.message.words import decode_base64, decode_words

DEPTH_MAX: Final = 32
"""Multiparts and messages within each other; real mail has at most about ten."""

PARTS_MAX: Final = 2_000
"""Parts of one message; the rest stays inside the last one."""

READINGS_MAX: Final = 8
"""How often all octets may be searched for boundaries, nesting taken together."""

FALSE_DELIMITERS_MAX: Final = 100_000
"""Lines that start like a delimiter and are none, looked at in one message."""

LANGUAGES_MAX: Final = 20
"""Tags of Content-Language kept."""

BOUNDARY_MAX_OCTETS: Final = 200
"""Longest boundary understood; RFC 2046 §5.1.1 allows 70."""

_PIECE_OCTETS: Final = 1024 * 1024
"""Octets of a mapped file copied at once to be searched: ``mmap.find`` is slow."""

_TRAILING: Final = re.compile(rb"[ \t]+(?=\r?\n|\Z)")
_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_AFTER_DELIMITER: Final = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")
_TYPE: Final = re.compile(r"([!#$%&'*+.^_`{|}~0-9a-z-]+)\s*/\s*([^\s/;]+)")
_LANGUAGE: Final = re.compile(rb"[A-Za-z0-9-]{1,99}")
_UU_LENGTH: Final = re.compile(rb"[!-_]")
_UU_BEGIN: Final = re.compile(rb"^begin [0-7]{3,4} [^\r\n]*\r?\n", re.MULTILINE)

_MESSAGES: Final = frozenset({"rfc822", "global"})
"""Subtypes of message/* that have a message inside (RFC 2046 §5.2.1, RFC 6532 §3.7)."""

Octets = bytes | mmap.mmap
"""A message: octets in memory or a file mapped."""


@dataclass(frozen=True, slots=True)
class Part:
    """One node of the tree; offsets count from the start of the message.

    Attributes:
        type: Media type in lower case, ``text`` when nothing else was said.
        subtype: Media subtype in lower case.
        params: Parameters of Content-Type, decoded.
        encoding: Content-Transfer-Encoding in lower case, ``7bit`` by default.
        disposition: ``inline``, ``attachment``, …; empty when none was given.
        disposition_params: Parameters of Content-Disposition, decoded.
        id: Content-ID as written, with its angle brackets; ``None`` when none.
        description: Content-Description as written (encoded words kept).
        md5: Content-MD5 as written.
        languages: Tags of Content-Language.
        location: Content-Location as written.
        header_start: Where the part's own header begins.
        body_start: Behind the empty line: where the body begins.
        body_end: Behind the body's last octet.
        lines: Line ends in the body, of text and messages only; else 0.
        children: The parts of a multipart, in order.
        message: The message inside a message/rfc822 or message/global.
    """

    type: str
    subtype: str
    params: Parameters
    encoding: str
    disposition: str
    disposition_params: Parameters
    id: bytes | None
    description: bytes | None
    md5: bytes | None
    languages: tuple[str, ...]
    location: bytes | None
    header_start: int
    body_start: int
    body_end: int
    lines: int = 0
    children: tuple[Self, ...] = ()
    message: Self | None = None

    @property
    def size(self) -> int:
        """Octets of the body in its transfer encoding."""
        return self.body_end - self.body_start

    @property
    def charset(self) -> str:
        """The charset label given; empty when none was."""
        return parameter(self.params, "charset")

    @property
    def filename(self) -> str:
        """The file name for people, from wherever it was given; may be empty."""
        name = parameter(self.disposition_params, "filename")
        name = name or parameter(self.params, "name")
        # Forbidden by RFC 2047 §5 (3), and what half of the world writes.
        return decode_words(name.encode("utf-8", "replace")) if "=?" in name else name

    def part(self, path: tuple[int, ...]) -> Self | None:
        """Return the part IMAP calls ``path`` (RFC 9051 §6.4.5.1), if there is one.

        Call it on a whole message. The empty path is the message itself.
        """
        current, scope = self, self
        for depth, number in enumerate(path):
            if depth:
                inner = current if current.type == "multipart" else current.message
                if inner is None:
                    return None
                scope = inner
            if scope.type == "multipart":
                if not 0 < number <= len(scope.children):
                    return None
                current = scope.children[number - 1]
            elif number == 1:
                current = scope
            else:
                return None
        return current


def section(root: Part, path: tuple[int, ...], name: str) -> tuple[int, int] | None:
    """Return where a section of IMAP begins and ends (RFC 9051 §6.4.5.1).

    Args:
        root: The whole message.
        path: Part numbers; may be empty.
        name: ``""``, ``HEADER``, ``TEXT`` or ``MIME``, in upper case.

    Returns:
        ``None`` when the message has no such section.
    """
    part = root.part(path)
    if part is None:
        return None
    if name == "MIME":
        return (part.header_start, part.body_start) if path else None
    message = part.message if path else part
    if name == "":
        return (part.body_start if path else part.header_start), part.body_end
    if message is None:
        return None
    if name == "HEADER":
        return message.header_start, message.body_start
    return (message.body_start, message.body_end) if name == "TEXT" else None


def scan(octets: Octets) -> Part:
    """Return the tree of the message ``octets``; never raises.

    Cost: linear; a few readings for nested multiparts, at most ``READINGS_MAX``.
    """
    return scan_with_header(octets)[0]


def scan_with_header(octets: Octets) -> tuple[Part, Header]:
    """Return the tree and the message's own header, which was read on the way."""
    end = len(octets)
    body = header_end(octets, 0, end)
    header = Header(octets[: min(body, HEADER_MAX_OCTETS)])
    return _Scan(octets).described(header, (0, body, end), 0, "text/plain"), header


def header_end(octets: Octets, start: int, end: int) -> int:
    """Return the offset behind the empty line that ends a header; ``end`` if none."""
    head = octets[start : min(start + 2, end)]
    if head == b"\r\n":
        return start + 2
    if head[:1] == b"\n":
        return start + 1
    match = _EMPTY_LINE.search(octets, start, end)
    return match.end() if match else end


def decode_body(octets: Octets, part: Part, limit: int | None = None) -> bytes:
    """Return the body of ``part`` without its transfer encoding; never raises.

    Args:
        limit: Octets of the encoded body to look at, from its start; all by default.
    """
    end = part.body_end
    if limit is not None:
        end = min(end, part.body_start + limit)
    body = octets[part.body_start : end]
    if part.encoding == "base64":
        return decode_base64(body)
    if part.encoding == "quoted-printable":
        return decode_quoted(body)
    if part.encoding in {"x-uuencode", "uuencode", "x-uue"}:
        return _decode_uu(body)
    return body


def decode_quoted(octets: bytes) -> bytes:
    """Return quoted-printable decoded, whole lines.

    RFC 2045 §6.7 rule 3: blanks at the end of a line came on the way, also behind "=".
    """
    if _TRAILING.search(octets):
        octets = _TRAILING.sub(b"", octets)
    return binascii.a2b_qp(octets)


class _Scan:
    """One scan: the octets, and what may still be spent on them."""

    __slots__ = ("_octets", "_parts_left", "_search_left", "_tries_left")

    def __init__(self, octets: Octets) -> None:
        self._octets = octets
        self._parts_left = PARTS_MAX
        self._search_left = READINGS_MAX * len(octets)
        self._tries_left = PARTS_MAX + FALSE_DELIMITERS_MAX

    def _part(self, start: int, end: int, depth: int, default: str) -> Part:
        """Return what is in ``start:end``, header and body."""
        body = header_end(self._octets, start, end)
        header = Header(self._octets[start : min(body, start + HEADER_MAX_OCTETS)])
        return self.described(header, (start, body, end), depth, default)

    def described(
        self, header: Header, span: tuple[int, int, int], depth: int, default: str
    ) -> Part:
        """Return the part ``header`` describes.

        Args:
            span: Where the header starts, the body starts, the body ends.
            default: The type of a part that does not say (RFC 2046 §5.1.5).
        """
        start, body, end = span
        declared, params = parse_parameters(header.get(b"content-type") or b"")
        kind, subtype = _media_type(declared, default, depth)
        children: tuple[Part, ...] = ()
        message: Part | None = None
        if kind == "multipart":
            inner = "message/rfc822" if subtype == "digest" else "text/plain"
            boundary = parameter(params, "boundary")
            children = self._children((body, end), boundary, depth, inner)
        elif kind == "message" and subtype in _MESSAGES:
            message = self._part(body, end, depth + 1, "text/plain")
        lines = 0
        if message is not None:
            lines = self._lines_of(message, body)
        elif kind == "text":
            lines = count_lines(self._octets, body, end)
        disposition, disposition_params = parse_parameters(
            header.get(b"content-disposition") or b""
        )
        encoding, _ = parse_parameters(
            header.get(b"content-transfer-encoding") or b"7bit"
        )
        return Part(
            type=kind,
            subtype=subtype,
            params=params,
            encoding=encoding or "7bit",
            disposition=disposition,
            disposition_params=disposition_params,
            id=header.get(b"content-id"),
            description=header.get(b"content-description"),
            md5=header.get(b"content-md5"),
            languages=_languages(header.get(b"content-language")),
            location=header.get(b"content-location"),
            header_start=start,
            body_start=body,
            body_end=end,
            lines=lines,
            children=children,
            message=message,
        )

    def _lines_of(self, message: Part, start: int) -> int:
        """Return the lines of a message inside, which begins at ``start``.

        What was counted for its body is not counted again: messages in messages would
        be read once a level.
        """
        end = message.body_start if message.lines else message.body_end
        return message.lines + count_lines(self._octets, start, end)

    def _children(
        self, span: tuple[int, int], boundary: str, depth: int, default: str
    ) -> tuple[Part, ...]:
        """Return the parts of a multipart's body (RFC 2046 §5.1.1)."""
        delimiter = b"--" + boundary.rstrip().encode("utf-8", "replace")
        if not 2 < len(delimiter) <= BOUNDARY_MAX_OCTETS:
            return ()
        children: list[Part] = []
        position, end = span
        started = False
        while True:
            # A part ends at the next delimiter; the one before the first is prologue.
            cut, after, closing = self._next_delimiter(position, end, delimiter)
            if started:
                self._parts_left -= 1
                if self._parts_left <= 0:
                    cut, closing = end, True
                children.append(self._part(position, cut, depth + 1, default))
            if closing:
                return tuple(children)
            position, started = after, True

    def _next_delimiter(
        self, start: int, end: int, delimiter: bytes
    ) -> tuple[int, int, bool]:
        """Return where the text before the next delimiter ends, where the text behind
        it starts, and whether it was the last. Without one the end is the last.
        """  # noqa: D205 - three results, one sentence
        octets = self._octets
        position = start
        if octets[start : start + len(delimiter)] == delimiter:
            match = _AFTER_DELIMITER.match(octets, start + len(delimiter), end)
            if match:
                return start, match.end(), match[1] is not None
        while self._search_left > 0 and self._tries_left > 0:
            self._tries_left -= 1
            found = find(octets, b"\n" + delimiter, position, end)
            self._search_left -= (end if found < 0 else found) - position
            if found < 0:
                break
            position = found + 1 + len(delimiter)
            match = _AFTER_DELIMITER.match(octets, position, end)
            if match:
                # The line end in front belongs to the delimiter (RFC 2046 §5.1.1).
                cut = found
                if found > start and octets[found - 1 : found] == b"\r":
                    cut -= 1
                return cut, match.end(), match[1] is not None
        return end, end, True


def find(octets: Octets, needle: bytes, start: int, end: int) -> int:
    """Return the first offset of ``needle`` within ``start:end``, -1 if there is none.

    Cost: as ``bytes.find``, on a mapped file too.
    """
    if isinstance(octets, bytes):
        return octets.find(needle, start, end)
    overlap = len(needle) - 1
    while start < end:
        piece = octets[start : min(start + _PIECE_OCTETS + overlap, end)]
        found = piece.find(needle)
        if found >= 0:
            return start + found
        start += _PIECE_OCTETS
    return -1


def count_lines(octets: Octets, start: int, end: int) -> int:
    """Return the number of line ends within ``start:end``."""
    if isinstance(octets, bytes):
        return octets.count(b"\n", start, end)
    return sum(
        octets[position : min(position + _PIECE_OCTETS, end)].count(b"\n")
        for position in range(start, end, _PIECE_OCTETS)
    )


def _media_type(declared: str, default: str, depth: int) -> tuple[str, str]:
    """Return type and subtype; what is too deep to be looked into is just octets."""
    match = _TYPE.fullmatch(declared) or _TYPE.fullmatch(default)
    kind, subtype = (match[1], match[2]) if match else ("text", "plain")
    has_parts = kind == "multipart" or (kind == "message" and subtype in _MESSAGES)
    if depth >= DEPTH_MAX and has_parts:
        return "application", "octet-stream"
    return kind, subtype


def _languages(value: bytes | None) -> tuple[str, ...]:
    if value is None:
        return ()
    found: list[bytes] = _LANGUAGE.findall(value)
    return tuple(tag.decode("ascii") for tag in found[:LANGUAGES_MAX])


def _decode_uu(body: bytes) -> bytes:
    """Return the octets of uuencoded lines; what does not fit is left out."""
    begin = _UU_BEGIN.search(body)
    decoded: list[bytes] = []
    for line in body[begin.end() if begin else 0 :].splitlines():
        if line in {b"end", b"`"}:
            break
        if not _UU_LENGTH.match(line):
            continue
        try:
            # Encoders fill the last group with what they like: cut it off.
            length = ((line[0] - 32) * 4 + 5) // 3
            decoded.append(binascii.a2b_uu(line[:length]))
        except binascii.Error:
            continue
    return b"".join(decoded)
