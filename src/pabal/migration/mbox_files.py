r"""An mbox: where messages begin, and what a server noted in their headers.

Sans-IO. Reads what is out there, as none of it is one format: ``From `` lines after an
empty line, quoted (``mboxrd``: any number of ``>``, ``mboxo``: one) or counted
(``mboxcl2``: Content-Length). Flags as of UW-IMAP, Dovecot, Mutt (Status, X-Status,
X-Keywords) and Thunderbird (X-Mozilla-Status).

Our own are mboxrd, and exact: each message begins with ``X-Pabal: SIZE lf``, the octets
it has with CRLF line ends, or ``raw``, when it was not in the file with LF because that
could not be undone.

Source: RFC 4155 (and its appendix), qmail's mbox(5), c-client's and Dovecot's notes.
"""

import mmap
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pabal.message.date import parse_date
from pabal.store.flags import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN, Flags

_GAP_MAX_OCTETS: Final = 4
"""Two line ends at most between messages that are counted."""

HEADER_MAX_OCTETS: Final = 1024 * 1024
"""Longest header that is looked at for notes."""

Octets = bytes | mmap.mmap

_BEGIN: Final = re.compile(rb"From [^\n]*[0-9][0-9]:[0-9][0-9][^\n]*\n")
_GAPS: Final = (b"\n\n", b"\n\r\n")
"""What is before a ``From `` line, but for the first."""

_END_OF_HEADER: Final = re.compile(rb"\n\r?\n")
_AFTER: Final = re.compile(rb"(?:\r?\n){0,2}(?:From |\Z)")
_NOTES: Final = re.compile(
    rb"^(?:Status|X-Status|X-Keywords|X-UID|X-IMAP|X-IMAPbase|Content-Length|X-Pabal"
    rb"|X-Mozilla-Status2?|X-Mozilla-Keys):[^\n]*\n(?:[ \t][^\n]*\n)*",
    re.IGNORECASE | re.MULTILINE,
)
_OURS: Final = (b"X-Pabal", b"X-UID", b"Status", b"X-Status", b"X-Keywords")
"""What we write before a message, in this order; nothing else is taken away."""

_OUR_SIZE: Final = re.compile(rb"X-Pabal: ([0-9]{1,12}) (lf|raw)\n")
_QUOTED: Final = re.compile(rb"^>(>*From )", re.MULTILINE)
_QUOTED_ONCE: Final = re.compile(rb"^>(From )", re.MULTILINE)
_TO_QUOTE: Final = re.compile(rb"^(>*From )", re.MULTILINE)
_DATE: Final = re.compile(
    rb"([A-Z][a-z]{2}) +([0-9]{1,2}) ([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?"
    rb"(?: [A-Z]{3,5})? ([0-9]{4})(?: ([+-])([0-9]{2})([0-9]{2}))?"
)
_MONTHS: Final = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_INTERNAL: Final = b"FOLDER INTERNAL DATA"
_STATUS: Final = {"R": SEEN}
_X_STATUS: Final = {"A": ANSWERED, "D": DELETED, "F": FLAGGED, "T": DRAFT}
_MOZILLA: Final = {1: SEEN, 2: ANSWERED, 4: FLAGGED, 0x1000: "$Forwarded"}
_MOZILLA_EXPUNGED: Final = 8


@dataclass(frozen=True, slots=True)
class Span:
    """Where a message is in a file.

    Attributes:
        start: Of its ``From `` line.
        header: Of its header.
        body: Of its body, or ``end``.
        end: Behind its last octet, without the empty line that follows.
        counted: Content-Length says so.
    """

    start: int
    header: int
    body: int
    end: int
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Notes:
    """What a header says about a message besides the message.

    Attributes:
        uid: X-UID, 0: none.
        validity: UIDVALIDITY of the file, if this message has it; else 0.
        size: Octets with CRLF, of our own; -1: not ours.
        raw: Of our own: it is in the file as it is.
        internal: No message: a server keeps notes in it.
        expunged: Removed already, though still in the file.
    """

    flags: Flags = frozenset()
    uid: int = 0
    validity: int = 0
    size: int = -1
    raw: bool = False
    internal: bool = False
    expunged: bool = False


def spans(octets: Octets) -> Iterator[Span]:
    """Yield where each message is, in order."""
    match = _BEGIN.match(octets)
    while match:
        header = match.end()
        end_of_header = _END_OF_HEADER.search(octets, header - 1)
        body = end_of_header.end() if end_of_header else len(octets)
        counted = _counted(octets, header, body)
        if counted >= 0:
            yield Span(match.start(), header, body, counted, counted=True)
            start = octets.find(b"From ", counted, counted + _GAP_MAX_OCTETS + 5)
            match = _BEGIN.match(octets, start) if start >= 0 else None
            continue
        following = _next(octets, header - 1)
        end = following.start() if following else len(octets)
        yield Span(match.start(), header, min(body, end), _without_gap(octets, end))
        match = following


def _next(octets: Octets, position: int) -> "re.Match[bytes] | None":
    """Return the next ``From `` line behind an empty one."""
    # Looking for a fixed text first: a file may have gigabytes.
    while (found := octets.find(b"\nFrom ", position)) >= 0:
        position = found + 1
        if octets[max(0, found - 2) : position].endswith(_GAPS):
            match = _BEGIN.match(octets, position)
            if match:
                return match
    return None


def _without_gap(octets: Octets, end: int) -> int:
    """Return ``end`` before the empty line that separates messages."""
    if octets[max(0, end - 2) : end] == b"\n\n":
        return end - 1
    if octets[max(0, end - 3) : end] == b"\n\r\n":
        return end - 2
    return end


def _counted(octets: Octets, header: int, body: int) -> int:
    """Return where a message ends by its Content-Length; -1: it has no true one."""
    head = octets[header : min(body, header + HEADER_MAX_OCTETS)]
    if _OUR_SIZE.match(head):
        return -1
    value = field(head, b"Content-Length")
    if not value.isdigit() or len(value) > 15:
        return -1
    end = body + int(value)
    if end > len(octets) or not _AFTER.match(octets, end):
        return -1
    return end


def field(header: bytes, name: bytes) -> bytes:
    """Return the value of the first field called ``name``, empty without one."""
    found = re.search(
        rb"^" + re.escape(name) + rb":[ \t]*([^\r\n]*)",
        header,
        re.IGNORECASE | re.MULTILINE,
    )
    return found[1].strip() if found else b""


def notes(header: bytes) -> Notes:
    """Return what ``header`` notes about its message."""
    flags = {flag for c, flag in _STATUS.items() if c in _text(header, b"Status")}
    x_status = _text(header, b"X-Status")
    flags |= {flag for c, flag in _X_STATUS.items() if c in x_status}
    keywords = _text(header, b"X-Keywords") + " " + _text(header, b"X-Mozilla-Keys")
    flags |= set(keywords.split())
    mozilla = _hexadecimal(_text(header, b"X-Mozilla-Status"))
    flags |= {flag for bit, flag in _MOZILLA.items() if mozilla & bit}
    base = (field(header, b"X-IMAPbase") or field(header, b"X-IMAP")).split()
    ours = _OUR_SIZE.match(header)
    return Notes(
        frozenset(flags),
        _number(field(header, b"X-UID")),
        _number(base[0]) if base else 0,
        int(ours[1]) if ours else -1,
        raw=bool(ours and ours[2] == b"raw"),
        internal=_INTERNAL in field(header, b"Subject") and bool(base),
        expunged=bool(mozilla & _MOZILLA_EXPUNGED),
    )


def plain_header(header: bytes, *, first: bool) -> bytes:
    """Return ``header`` without what servers noted in it.

    Args:
        first: It is the first message of the file.
    """
    if not _OUR_SIZE.match(header):
        return _NOTES.sub(b"", header)
    for name in (*_OURS, b"X-IMAPbase") if first else _OURS:
        if header.startswith(name + b":"):
            header = header[header.index(b"\n") + 1 :]
    return header


def unquoted(octets: bytes, style: str) -> bytes:
    """Return ``octets`` without the ``>`` before ``From ``.

    Args:
        octets: Whole lines.
        style: ``mboxrd``, ``mboxo``, or ``mboxcl2``, which has none.
    """
    if b"From " not in octets or style == "mboxcl2":
        return octets
    return (_QUOTED_ONCE if style == "mboxo" else _QUOTED).sub(rb"\1", octets)


def quoted(octets: bytes) -> bytes:
    """Return ``octets`` as mboxrd has them."""
    return _TO_QUOTE.sub(rb">\1", octets) if b"From " in octets else octets


def received_at(from_line: bytes, header: bytes) -> float:
    """Return when a message came, seconds since 1970; 0: nobody knows."""
    match = _DATE.search(from_line)
    if match and match[1] in _MONTHS:
        zone = timedelta(hours=int(match[8] or 0), minutes=int(match[9] or 0))
        try:
            then = datetime(
                int(match[6]),
                _MONTHS.index(match[1]) + 1,
                int(match[2]),
                int(match[3]),
                int(match[4]),
                min(int(match[5] or 0), 59),
                tzinfo=UTC,
            )
            return (then - zone if match[7] != b"-" else then + zone).timestamp()
        except (ValueError, OverflowError):
            pass
    sent = parse_date(field(header, b"Date"))
    return sent.utc_seconds if sent else 0.0


def from_line(sender: bytes, seconds: float) -> bytes:
    """Return a ``From `` line (RFC 4155 §4)."""
    then = datetime.fromtimestamp(int(seconds), UTC)
    text = then.strftime("%a %b %e %H:%M:%S %Y")
    return b"From %b %b\n" % (sender, text.encode("ascii"))


def header_notes(
    uid: int, flags: Flags, size: int, base: tuple[int, int] | None, *, raw: bool
) -> bytes:
    """Return what we write before a message.

    Args:
        uid: Its UID.
        flags: Its flags.
        size: Its octets, with CRLF.
        base: Of the first message: UIDVALIDITY, and the last UID there was.
        raw: It follows as it is.
    """
    keywords = sorted(flag for flag in flags if not flag.startswith("\\"))
    status = "".join(c for c, flag in _STATUS.items() if flag in flags) + "O"
    x_status = "".join(c for c, flag in _X_STATUS.items() if flag in flags)
    lines = [
        f"X-Pabal: {size} {'raw' if raw else 'lf'}",
        f"X-UID: {uid}",
        f"Status: {status}",
        f"X-Status: {x_status}",
        f"X-Keywords: {' '.join(keywords)}",
    ]
    if base:
        lines.append(f"X-IMAPbase: {base[0]} {base[1]:010}")
    return "".join(line + "\n" for line in lines).encode()


def ascending(uids: Sequence[int]) -> bool:
    """Return whether each UID is there and greater than the one before."""
    return all(a < b for a, b in zip((0, *uids), uids, strict=False))


def _text(header: bytes, name: bytes) -> str:
    return field(header, name).decode("utf-8", "replace")


def _number(octets: bytes) -> int:
    return int(octets) if octets.isdigit() and len(octets) < 12 else 0


def _hexadecimal(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0
