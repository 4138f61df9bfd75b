"""Octets of POP3 to values and back.

Sans-IO.
Source: RFC 1939 §3 (commands, multi-line responses), RFC 2449 §4 (parameters),
RFC 5034 §4 (AUTH).
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pabal.base.errors import ProtocolError

NUMBER_MAX_DIGITS: Final = 10
"""Digits of a number: more messages or lines than that nobody has."""

END: Final = b".\r\n"
"""Ends a multi-line response (RFC 1939 §3)."""

_CRLF: Final = b"\r\n"

_RETRIEVALS: Final = re.compile(rb"(?:RETR [0-9]{1,10}\r\n)+", re.IGNORECASE)

_DOT_FIRST: Final = re.compile(rb"\n\.")
"""Where a line may begin with a dot. Finds in half the time ``in`` takes."""


class CommandError(ProtocolError):
    """No command, or its argument does not fit; the text is for the peer."""


@dataclass(frozen=True, slots=True)
class Command:
    """One line of a client.

    Attributes:
        verb: In upper case.
        argument: Everything after the first space; empty if there is none.
    """

    verb: bytes
    argument: bytes = b""


def parse_command(line: bytes) -> Command:
    """Return the command in ``line`` (without CRLF)."""
    verb, _, argument = line.partition(b" ")
    return Command(verb.upper(), argument)


def parse_numbers(argument: bytes, least: int, most: int) -> tuple[int, ...]:
    """Return the numbers in ``argument``.

    Raises:
        CommandError: There are not ``least`` to ``most`` of them, or one is no number.
    """
    words = argument.split()
    if not least <= len(words) <= most:
        raise CommandError("wrong number of arguments")
    for word in words:
        # bytes.isdigit knows ASCII digits only.
        if not word.isdigit() or len(word) > NUMBER_MAX_DIGITS:
            raise CommandError("a number is made of digits")
    return tuple(map(int, words))


def parse_retrievals(octets: bytes) -> Sequence[bytes]:
    """Return the numbers of the RETRs that ``octets`` begins with, as they are written.

    Each line is seven octets longer than its number.
    """
    found = _RETRIEVALS.match(octets)
    return found[0].split()[1::2] if found else ()


def parse_auth(argument: bytes) -> tuple[str, bytes | None]:
    """Return mechanism and initial response of AUTH; ``=`` is an empty one.

    Raises:
        CommandError: The arguments are not a mechanism and base64 (RFC 5034 §4).
    """
    mechanism, space, initial = argument.partition(b" ")
    if not mechanism or not mechanism.isascii():
        raise CommandError("which mechanism?")
    name = mechanism.decode("ascii").upper()
    if not space:
        return name, None
    return name, b"" if initial == b"=" else parse_base64(initial)


def parse_base64(line: bytes) -> bytes:
    """Return the octets of a client's SASL response.

    Raises:
        CommandError: It is not base64.
    """
    try:
        return base64.b64decode(line, validate=True)
    except binascii.Error as error:
        raise CommandError("not base64") from error


def parse_text(argument: bytes) -> str:
    """Return a user name or password (RFC 6856 §2.2: UTF-8).

    Raises:
        CommandError: It is empty, not UTF-8, or has a NUL.
    """
    try:
        text = argument.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CommandError("not UTF-8") from error
    if not text or "\0" in text:
        raise CommandError("an argument is missing")
    return text


def challenge(octets: bytes) -> bytes:
    """Return a SASL challenge as a line."""
    return b"+ " + base64.b64encode(octets) + _CRLF


def ok(text: str = "") -> bytes:
    """Return a positive single-line response."""
    return f"+OK {text}\r\n".encode() if text else b"+OK\r\n"


def err(text: str, code: str = "") -> bytes:
    """Return a negative response; ``code`` is one of RFC 2449 §8 or RFC 3206."""
    return f"-ERR [{code}] {text}\r\n".encode() if code else f"-ERR {text}\r\n".encode()


def listing(lines: Iterable[str]) -> bytes:
    """Return a whole multi-line response; no line starts with a dot."""
    return "\r\n".join(("+OK", *lines, ".", "")).encode()


def scan_lines(numbers: Sequence[int], values: Iterable[object]) -> bytes:
    """Return the lines of LIST or UIDL. Cost: one format operation a message."""
    lines = "\r\n".join(map("%d %s".__mod__, zip(numbers, values, strict=True)))
    return f"{lines}\r\n".encode() if lines else b""


def stuffed(octets: bytes) -> bytes:
    """Return a whole message as the body of a multi-line response, its end included.

    Cost: two passes of C over the octets when no line starts with a dot.
    """
    if _DOT_FIRST.search(octets):
        octets = octets.replace(b"\r\n.", b"\r\n..")
    if octets.startswith(b"."):
        octets = b"." + octets
    if octets.endswith(_CRLF) or not octets:
        return octets + END
    return octets + _CRLF + END


def retrieved(messages: Sequence[bytes]) -> bytes:
    """Return the responses to RETR of whole messages, one behind the other.

    Cost: two passes of C over their octets, if no line of theirs starts with a dot.
    """
    heads = list(map(b"+OK %d octets\r\n".__mod__, map(len, messages)))
    if all(one.endswith(_CRLF) for one in messages):
        pieces = [END] * (3 * len(messages))
        pieces[0::3] = heads
        pieces[1::3] = messages
        octets = b"".join(pieces)
        # Each end is a line that starts with a dot, and there are no others.
        if len(_DOT_FIRST.findall(octets)) == len(messages):
            return octets
    return b"".join(map(bytes.__add__, heads, map(stuffed, messages)))


class Stuffer:
    """Does what ``stuffed`` does, to a message that comes in pieces."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        # The line before the first one: a dot right after it is stuffed.
        self._tail = _CRLF

    def feed(self, octets: bytes) -> bytes:
        """Return ``octets`` with dots doubled, also where a piece ends in a CRLF."""
        tail = self._tail
        data = tail + octets
        self._tail = data[-2:]
        return data.replace(b"\r\n.", b"\r\n..")[len(tail) :]

    def end(self) -> bytes:
        """Return what ends the response."""
        return END if self._tail == _CRLF else _CRLF + END


class LineCounter:
    """Lets a number of lines pass: the body part of TOP."""

    __slots__ = ("_left",)

    def __init__(self, count: int) -> None:
        self._left = count

    @property
    def done(self) -> bool:
        """Whether nothing more passes."""
        return self._left <= 0

    def feed(self, octets: bytes) -> bytes:
        """Return as much of ``octets`` as passes."""
        if self._left <= 0:
            return b""
        lines = octets.count(b"\n")
        if lines < self._left:
            self._left -= lines
            return octets
        rest = octets.split(b"\n", self._left)[self._left]
        self._left = 0
        return octets[: len(octets) - len(rest)]
