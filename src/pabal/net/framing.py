"""Octets in, lines and counted runs out.

Sans-IO: never blocks, never reads a clock. One instance a connection; the one line
rule of every protocol here: CRLF ends a line, a lone CR or LF is an error
(RFC 5321 §2.3.8, RFC 9051 §2.2), so nothing can be smuggled past a second parser.
"""

from dataclasses import dataclass, field

from pabal.base.errors import LimitExceededError, ProtocolError


class LineTooLongError(LimitExceededError):
    """A line passed its limit before its CRLF came."""


class BareNewlineError(ProtocolError):
    """A CR or LF stood alone."""


@dataclass(slots=True)
class InputBuffer:
    """What the peer sent and nobody has taken yet.

    Cost: linear in the octets fed, however small the pieces.
    """

    _data: bytearray = field(default_factory=bytearray, init=False, repr=False)
    _start: int = field(default=0, init=False, repr=False)
    _searched: int = field(default=0, init=False, repr=False)

    def __len__(self) -> int:
        return len(self._data) - self._start

    def feed(self, data: bytes) -> None:
        """Append octets read from the peer."""
        if self._start:
            del self._data[: self._start]
            self._searched -= self._start
            self._start = 0
        self._data += data

    def next_line(self, limit_octets: int) -> bytes | None:
        """Return the next line without its CRLF, or ``None`` if more is needed.

        Args:
            limit_octets: Longest line accepted, CRLF included.

        Raises:
            LineTooLongError: No CRLF within ``limit_octets`` octets.
            BareNewlineError: A lone CR or LF came first.
        """
        data, start = self._data, self._start
        searched = self._searched
        end = data.find(b"\n", searched)
        if start < end < start + limit_octets and data.find(b"\r", start) == end - 1:
            # Nearly every line: its first CR is the one before its LF.
            line = bytes(data[start : end - 1])
            self._consume(end + 1)
            return line
        stop = end if end >= 0 else len(data)
        # The first fault decides, in whatever pieces the line came. A CR seen before
        # and not judged yet can only have been the last octet then.
        lone = data.find(
            b"\r", max(searched - 1, start), min(stop, start + limit_octets)
        )
        if 0 <= lone < len(data) - 1 and lone + 1 != end:
            raise BareNewlineError
        if stop - start + (end >= 0) > limit_octets:
            raise LineTooLongError
        if end < 0:
            self._searched = len(data)
            return None
        if lone < 0:
            raise BareNewlineError
        line = bytes(data[start : end - 1])
        self._consume(end + 1)
        return line

    def take(self, count_max: int) -> bytes:
        """Return and consume at most ``count_max`` octets; may be empty."""
        end = min(self._start + count_max, len(self._data))
        octets = bytes(self._data[self._start : end])
        self._consume(end)
        return octets

    def peek(self, count: int) -> bytes:
        """Return at most the next ``count`` octets without consuming them."""
        return bytes(self._data[self._start : self._start + count])

    def clear(self) -> None:
        """Forget everything: what came before STARTTLS (RFC 3207 §4.2)."""
        self._data.clear()
        self._start = self._searched = 0

    def _consume(self, end: int) -> None:
        if end == len(self._data):
            self.clear()
        else:
            self._start = self._searched = end
