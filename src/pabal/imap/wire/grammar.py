r"""The grammar of IMAP: one method an ABNF rule, over octets with literals in place.

Sans-IO. A command is one run of octets, its literals standing where they were sent:
``a1 LOGIN {4}\r\nuser "x"``. Methods named ``take_`` try, others raise.
Source: RFC 9051 §9, RFC 3501 §9; RFC 7888 (non-synchronizing literals).

Security: depth and sizes are bounded; whatever comes, only ``ScanError`` leaves.
"""

import datetime as dt
import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Final, TypeVar

from pabal.base.scan import ScanError, Scanner
from pabal.imap.wire.sequence import NUMBER_MAX, RANGES_MAX, STAR, SequenceSet
from pabal.store.flags import SYSTEM_FLAGS, Flags, canonical

Item = TypeVar("Item")

NUMBER64_MAX: Final = (1 << 63) - 1
"""Largest number64 and mod-sequence-value (RFC 9051 §9, RFC 7162 §7)."""

LIST_ITEMS_MAX: Final = 10_000
"""Elements of one parenthesized list; a line of 64 KiB hardly holds more."""

FLAG_MAX_OCTETS: Final = 255
"""Longest keyword: stored names must stay indexable."""

MONTHS: Final = MappingProxyType(
    {
        name: number
        for number, name in enumerate(
            (
                *(b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN"),
                *(b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC"),
            ),
            1,
        )
    }
)

# RFC 9051 §9: atom-specials are "(" ")" "{" SP CTL list-wildcards quoted-specials "]".
_ATOM: Final = re.compile(rb'[^(){ \x00-\x1f\x7f%*"\\\]\x80-\xff]+')
_ASTRING: Final = re.compile(rb'[^(){ \x00-\x1f\x7f%*"\\\x80-\xff]+')
# Names of mailboxes are sent as raw UTF-8 by clients that trust UTF8=ACCEPT.
_LIST_MAILBOX: Final = re.compile(rb'[^(){ \x00-\x1f\x7f"\\]+')
_TAG: Final = re.compile(rb'[^(){ \x00-\x1f\x7f%*"\\+\x80-\xff]+')
_QUOTED: Final = re.compile(rb'"([^"\\\r\n\x00]*(?:\\["\\][^"\\\r\n\x00]*)*)"')
_LITERAL: Final = re.compile(rb"\{(\d{1,19})\+?\}\r\n")
_NUMBER: Final = re.compile(rb"\d{1,20}")
_SET: Final = re.compile(rb"[0-9*:,]+")
_DATE: Final = re.compile(rb"(\d{1,2})-([A-Za-z]{3})-(\d{4})")
_DATE_TIME: Final = re.compile(
    rb'"([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"'
)


RECENT: Final = "\\Recent"
"""Told by the server, set by nobody (RFC 3501 §2.3.2)."""

_WITH_SLASH: Final = frozenset((*SYSTEM_FLAGS, RECENT))


class Reader(Scanner):
    """A scanner that knows the rules every IMAP command is made of."""

    __slots__ = ()

    def fail(self, expected: str) -> ScanError:
        """Return the error of something else standing here than ``expected``."""
        return ScanError(expected, self.position)

    def _take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        match = pattern.match(self.data, self.position)
        if match:
            self.position = match.end()
        return match

    def sp(self) -> None:
        """Consume one space (RFC 9051 §9, SP)."""
        self.expect(b" ", "a space")

    def take_sp(self) -> bool:
        """Consume one space if it comes next."""
        return self.take(b" ")

    def tag(self) -> bytes:
        """Consume a tag (RFC 9051 §9, tag)."""
        match = self._take(_TAG)
        if match is None:
            raise self.fail("a tag")
        return match[0]

    def take_atom(self) -> bytes | None:
        """Consume an atom if one comes next."""
        match = self._take(_ATOM)
        return match[0] if match else None

    def atom(self, name: str = "an atom") -> bytes:
        """Consume an atom."""
        atom = self.take_atom()
        if atom is None:
            raise self.fail(name)
        return atom

    def word(self, name: str = "a word") -> bytes:
        """Consume an atom and return it in upper case: names compare so."""
        return self.atom(name).upper()

    def take_string(self) -> bytes | None:
        """Consume a quoted string or a literal if one comes next."""
        match = self._take(_QUOTED)
        if match:
            octets = match[1]
            if b"\\" in octets:
                octets = re.sub(rb"\\(.)", rb"\1", octets)
            return octets
        match = self._take(_LITERAL)
        if match is None:
            return None
        size = int(match[1])
        octets = self.data[self.position : self.position + size]
        if len(octets) < size:
            raise self.fail("the octets of a literal")
        self.position += size
        return octets

    def string(self) -> bytes:
        """Consume a string (RFC 9051 §9, string)."""
        octets = self.take_string()
        if octets is None:
            raise self.fail("a string")
        return octets

    def nstring(self) -> bytes | None:
        """Consume a string or NIL."""
        octets = self.take_string()
        if octets is None and not self.take_word(b"NIL"):
            raise self.fail("a string or NIL")
        return octets

    def astring(self, name: str = "a string") -> bytes:
        """Consume an atom or a string (RFC 9051 §9, astring)."""
        match = self._take(_ASTRING)
        if match:
            return match[0]
        octets = self.take_string()
        if octets is None:
            raise self.fail(name)
        return octets

    def mailbox(self) -> bytes:
        """Consume a mailbox name as sent: its encoding is the session's to know."""
        octets = self.astring("a mailbox name")
        if b"\0" in octets or b"\r" in octets or b"\n" in octets:
            raise self.fail("a mailbox name")
        return octets

    def list_mailbox(self) -> bytes:
        """Consume a mailbox name with wildcards (RFC 9051 §9, list-mailbox)."""
        match = self._take(_LIST_MAILBOX)
        if match:
            return match[0]
        octets = self.take_string()
        if octets is None:
            raise self.fail("a mailbox pattern")
        return octets

    def number(self, name: str = "a number", largest: int = NUMBER_MAX) -> int:
        """Consume a number of at most ``largest``."""
        match = self._take(_NUMBER)
        if match is None or int(match[0]) > largest:
            raise self.fail(name)
        return int(match[0])

    def number64(self, name: str = "a number") -> int:
        """Consume a number of 63 bits (RFC 9051 §9, number64)."""
        return self.number(name, NUMBER64_MAX)

    def list_of(self, item: Callable[[], Item], name: str) -> list[Item]:
        """Consume ``( item *( SP item ) )``; the list may be empty."""
        self.expect(b"(", f"a list of {name}")
        found: list[Item] = []
        if self.take(b")"):
            return found
        while True:
            found.append(item())
            if len(found) > LIST_ITEMS_MAX:
                raise self.fail("a shorter list")
            if self.take(b")"):
                return found
            self.sp()

    def flag(self) -> str:
        """Consume a flag or keyword a client may set (RFC 9051 §9, flag)."""
        start = self.position
        name = self.attribute("a flag")
        if name.startswith("\\") and name not in _WITH_SLASH:
            # RFC 9051 §9, flag-extension: no server may generate what nobody defined.
            raise ScanError("a flag there is", start)
        return name

    def attribute(self, what: str) -> str:
        """Consume an atom that may begin with a backslash; ``what`` it should be."""
        start = self.position
        slash = b"\\" if self.take(b"\\") else b""
        atom = self.take_atom()
        if atom is None or len(atom) > FLAG_MAX_OCTETS:
            self.position = start
            raise self.fail(what)
        return canonical((slash + atom).decode("ascii"))

    def flag_list(self) -> Flags:
        """Consume a parenthesized list of flags."""
        return frozenset(self.list_of(self.flag, "flags"))

    def sequence_set(self) -> SequenceSet:
        """Consume a set of numbers (RFC 9051 §9, sequence-set)."""
        if self.take(b"$"):
            return SequenceSet((), saved=True)
        start = self.position
        match = self._take(_SET)
        if match is None:
            raise self.fail("a set of numbers")
        parts = match[0].split(b",")
        if len(parts) > RANGES_MAX:
            raise ScanError("a shorter set of numbers", start)
        try:
            return SequenceSet(tuple(map(_range, parts)))
        except ValueError:
            raise ScanError("a set of numbers", start) from None

    def date(self) -> dt.date:
        """Consume a date, quoted or not (RFC 9051 §9, date)."""
        quoted = self.take(b'"')
        start = self.position
        match = self._take(_DATE)
        if match is None:
            raise self.fail("a date")
        if quoted:
            self.expect(b'"')
        return _day(match, start)

    def date_time(self) -> float:
        """Consume a date-time; return seconds since 1970 (RFC 9051 §9, date-time)."""
        start = self.position
        match = self._take(_DATE_TIME)
        if match is None:
            raise self.fail("a date and time")
        day = _day(match, start)
        hour, minute, second = int(match[4]), int(match[5]), int(match[6])
        offset = int(match[8]) * 60 + int(match[9])
        if hour > 23 or minute > 59 or second > 60 or int(match[9]) > 59:
            raise ScanError("a date and time", start)
        if match[7] == b"-":
            offset = -offset
        seconds = hour * 3600 + minute * 60 + second - offset * 60
        return float(day_start(day) + seconds)


def day_start(day: dt.date) -> int:
    """Return when ``day`` begins in UTC, seconds since 1970."""
    return (day.toordinal() - 719_163) * 86_400


def _day(match: re.Match[bytes], start: int) -> dt.date:
    try:
        month = MONTHS[match[2].upper()]
        return dt.date(int(match[3]), month, int(match[1]))
    except (KeyError, ValueError):
        raise ScanError("a date", start) from None


def _range(part: bytes) -> tuple[int, int]:
    first, colon, last = part.partition(b":")
    low = _bound(first)
    return low, _bound(last) if colon else low


def _bound(octets: bytes) -> int:
    if octets == b"*":
        return STAR
    number = int(octets)
    if not 0 < number <= NUMBER_MAX:
        raise ValueError
    return number
