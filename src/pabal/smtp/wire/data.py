"""The octets of a message on the wire: dot-stuffing, both ways, in bulk.

Sans-IO. Never looks at single octets in Python: finding, counting and replacing are
the C library's.

Lines longer than the 1,000 octets of RFC 5321 §4.5.3.1.6 are taken, as §4.5.3.1 wishes
and real mail needs; the size of the message is the limit.

Source: RFC 5321 §4.5.2 (transparency), §2.3.8 (lines), §4.1.1.4 (end of mail data).
Security: only ``<CRLF>.<CRLF>`` ends a message, and a message with a CR or LF alone is
an error wherever it stands. So no second reader of the same octets, here or at the
next hop, can see an end that we did not see: SMTP smuggling has nothing to work with.
"""

from dataclasses import dataclass, field
from typing import Final

from pabal.net.framing import BareNewlineError

END: Final = b"\r\n.\r\n"
"""What ends a message (RFC 5321 §4.1.1.4)."""

_PREFIXES: Final = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")
"""Starts of ``END``, longest first: what may have to wait for the next octets."""


@dataclass(slots=True)
class DataDecoder:
    """Takes the octets after 354, gives the octets of the message.

    Cost: linear in the octets fed, however small the pieces.
    """

    # The line before the first one counts as ended: a message may start with a dot.
    _held: bytes = field(default=b"\r\n", init=False, repr=False)
    _virtual: int = field(default=2, init=False, repr=False)

    def feed(self, octets: bytes) -> tuple[bytes, bytes | None]:
        """Return octets of the message, and what follows its end.

        The second is ``None`` as long as the end has not come.

        Raises:
            BareNewlineError: A lone CR or LF; the message must not be taken.
        """
        data = self._held + octets
        dot = data.find(b"\n.")
        # The first dot that starts a line is nearly always the one that ends it all.
        end = data.find(END, dot - 1) if dot > 0 else -1
        if end >= 0:
            rest = data[end + 5 :]
            data = data[: end + 2]
            self._held = b""
        else:
            rest = None
            self._held = next(filter(data.endswith, _PREFIXES), b"")
            if self._held:
                data = data[: -len(self._held)]
        if not data:
            return b"", rest
        check_line_ends(data)
        text = data
        if 0 <= dot < len(data):
            text = data.replace(b"\r\n.", b"\r\n")
        if self._virtual:
            text = text[self._virtual :]
            self._virtual = 0
        return text, rest


@dataclass(slots=True)
class DataEncoder:
    """Takes the octets of a message in pieces, gives the octets to send after 354.

    Line ends are passed on as they are: whoever took the message made sure of them.
    """

    _tail: bytes = field(default=b"\r\n", init=False, repr=False)

    def encode(self, octets: bytes) -> bytes:
        """Return ``octets``, a dot doubled where it starts a line."""
        if not octets:
            return b""
        text = octets.replace(b"\r\n.", b"\r\n..")
        # A line end may have come with the piece before, or half of it.
        if self._tail == b"\r\n" and octets[:1] == b".":
            text = b"." + text
        elif self._tail[-1:] == b"\r" and octets[:2] == b"\n.":
            text = b"\n." + text[1:]
        self._tail = (self._tail + octets[-2:])[-2:]
        return text

    def finish(self) -> bytes:
        """Return what ends the message; adds the last line's CRLF if it lacks one."""
        return b".\r\n" if self._tail == b"\r\n" else END


def check_line_ends(octets: bytes) -> None:
    """Check that every CR and LF is part of a CRLF.

    Raises:
        BareNewlineError: One is not.
    """
    ends = octets.count(b"\n")
    if octets.count(b"\r") != ends or octets.count(b"\r\n") != ends:
        raise BareNewlineError("a CR or LF alone in the message")
