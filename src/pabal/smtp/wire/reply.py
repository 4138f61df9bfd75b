"""Replies: octets both ways.

Sans-IO.
Source: RFC 5321 §4.2 (replies), §4.2.1 (many lines), §4.5.3.1.5 (line length),
RFC 2034 §4 and RFC 3463 §2 (enhanced status codes).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pabal.base.errors import ProtocolError
from pabal.net.framing import BareNewlineError, InputBuffer, LineTooLongError
from pabal.smtp.outcome import Outcome

REPLY_LINE_MAX_OCTETS: Final = 512
"""Longest reply line we send, CRLF included (RFC 5321 §4.5.3.1.5)."""

REPLY_LINE_ACCEPTED_MAX_OCTETS: Final = 4096
"""Longest reply line we take: some servers pass 512 with long explanations."""

REPLY_LINES_MAX: Final = 128
"""Lines of one reply we take: an EHLO reply of today has about 20."""

SHORT_TEXT: Final = 400
"""Characters of a text that needs no folding, whatever the codes in front of it."""

_LINE: Final = re.compile(rb"([2-5][0-5][0-9])(?:([ -])(.*))?", re.DOTALL)
_ENHANCED: Final = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: |\Z)")
_CONTROLS: Final = dict.fromkeys((*range(32), 127, *range(128, 160)), "?")


class ReplyError(ProtocolError):
    """The server's octets are not a reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server said.

    Attributes:
        code: Three digits, 200 to 559.
        lines: Their texts without codes, at least one, control characters replaced.
    """

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The texts on one line, enhanced codes left out."""
        return " ".join(_ENHANCED.sub("", line, count=1) for line in self.lines).strip()

    @property
    def status(self) -> str:
        """Subject and detail of the enhanced code, ``0.0`` if there was none.

        One whose class is not the code's is none (RFC 2034 §4).
        """
        match = _ENHANCED.match(self.lines[-1])
        if match is None or match[1][0] != str(self.code)[0]:
            return "0.0"
        return match[1][2:]

    @property
    def ok(self) -> bool:
        """Whether the code is 2xx."""
        return self.code < 300


@dataclass(slots=True)
class ReplyReader:
    """Splits what a server sends into replies; bounded whatever it sends."""

    _buffer: InputBuffer = field(default_factory=InputBuffer, init=False, repr=False)
    _lines: list[str] = field(default_factory=list, init=False, repr=False)
    _code: bytes = field(default=b"", init=False, repr=False)

    def feed(self, octets: bytes) -> None:
        """Take octets read from the server."""
        self._buffer.feed(octets)

    def next_reply(self) -> Reply | None:
        """Return the next complete reply, or ``None`` if more is needed.

        Raises:
            ReplyError: Not a reply, a line or a reply too long, a CR or LF alone.
        """
        while True:
            try:
                line = self._buffer.next_line(REPLY_LINE_ACCEPTED_MAX_OCTETS)
            except LineTooLongError as error:
                raise ReplyError("a reply line too long") from error
            except BareNewlineError as error:
                raise ReplyError("a CR or LF alone in a reply") from error
            if line is None:
                return None
            if self._take_line(line):
                reply = Reply(int(self._code), tuple(self._lines))
                self._lines, self._code = [], b""
                return reply

    def clear(self) -> None:
        """Forget what came before STARTTLS (RFC 3207 §4.2)."""
        self._buffer.clear()
        self._lines, self._code = [], b""

    def _take_line(self, line: bytes) -> bool:
        match = _LINE.fullmatch(line)
        if match is None or (self._code and match[1] != self._code):
            raise ReplyError(f"not a reply: {line[:80]!r}")
        if len(self._lines) >= REPLY_LINES_MAX:
            raise ReplyError("a reply of too many lines")
        self._code = match[1]
        self._lines.append(clean_text((match[3] or b"").decode("utf-8", "replace")))
        return match[2] != b"-"


def clean_text(text: str) -> str:
    """Return ``text`` with control characters replaced: nothing forges a line."""
    return text if text.isprintable() else text.translate(_CONTROLS)


def format_reply(code: int, lines: Sequence[str], *, utf8: bool = False) -> bytes:
    """Return the octets of a reply; lines that are too long are folded.

    Args:
        lines: Texts, at least one; may be empty.
        utf8: Whether the client may be sent UTF-8 (RFC 6531 §3.7.4.2).
    """
    return _format(code, "", lines, utf8=utf8)


def format_outcome(outcome: Outcome, *, utf8: bool = False) -> bytes:
    """Return the octets that tell the peer of ``outcome``."""
    text = outcome.text
    if text and len(text) < SHORT_TEXT and text.isascii() and text.isprintable():
        return f"{outcome.reply_code} {outcome.enhanced} {text.rstrip()}\r\n".encode()
    return _format(outcome.reply_code, f"{outcome.enhanced} ", (text,), utf8=utf8)


def _format(code: int, enhanced: str, lines: Sequence[str], *, utf8: bool) -> bytes:
    encoding = "utf-8" if utf8 else "ascii"
    room = REPLY_LINE_MAX_OCTETS - len(enhanced) - 6
    pieces: list[bytes] = []
    for line in lines:
        pieces += _folded(clean_text(line).encode(encoding, "replace"), room)
    start, mark = f"{code}".encode(), enhanced.encode()
    # RFC 2034 §4: each line of a reply carries the enhanced code.
    *head, last = pieces
    octets = b"".join(b"%b-%b%b\r\n" % (start, mark, piece) for piece in head)
    return octets + (b"%b %b%b" % (start, mark, last)).rstrip() + b"\r\n"


def _folded(text: bytes, room: int) -> list[bytes]:
    pieces = []
    while len(text) > room:
        cut = text.rfind(b" ", 1, room)
        if cut < 0:
            cut = room
            while text[cut] & 0xC0 == 0x80:  # not inside a UTF-8 sequence
                cut -= 1
        pieces.append(text[:cut])
        text = text[cut:].lstrip(b" ")
    return [*pieces, text]
