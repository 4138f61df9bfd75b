"""Responses: values to octets.

Sans-IO.
Source: RFC 9051 §7 and §9.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import floor
from typing import Final

from pabal.imap.wire import mailbox_name
from pabal.store.flags import SYSTEM_FLAGS, Flags

CRLF: Final = b"\r\n"

_MONTH_NAMES: Final = (
    *(b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun"),
    *(b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"),
)
_HOURS: Final = tuple(b"%02d:" % hour for hour in range(24))
_REST: Final = tuple(
    b'%02d:%02d +0000"' % divmod(seconds, 60) for seconds in range(3600)
)
"""What follows the hour: 200 kB, and a fourth of the time."""

_DAYS_MAX: Final = 4096
"""Days whose date is remembered: eleven years, 400 kB."""

_SYSTEM: Final[Flags] = frozenset(SYSTEM_FLAGS)
_NO_QUOTED: Final = frozenset(b"\r\n\0")


@dataclass(frozen=True, slots=True)
class Tagged:
    """How a command ended, without its tag.

    Attributes:
        text: For people.
        code: Response code without brackets, empty if none.
        status: OK, NO or BAD.
    """

    text: bytes
    code: bytes = b""
    status: bytes = b"OK"

    def line(self, tag: bytes, text: bytes | None = None) -> bytes:
        """Return it as a line with ``tag``, and ``text`` in place of its own."""
        text = self.text if text is None else text
        if self.code:
            return b"%b %b [%b] %b\r\n" % (tag, self.status, self.code, text)
        return b"%b %b %b\r\n" % (tag, self.status, text)


def quoted(octets: bytes, *, utf8: bool = True) -> bytes:
    """Return ``octets`` as a string: quoted if they can be, else a literal.

    Args:
        utf8: Whether octets with the high bit may stand in a quoted string.
    """
    if (not utf8 and not octets.isascii()) or not _NO_QUOTED.isdisjoint(octets):
        return b"{%d}\r\n%b" % (len(octets), octets)
    if b"\\" in octets or b'"' in octets:
        octets = octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"%b"' % octets


def mailbox(name: str, *, utf8: bool) -> bytes:
    """Return a mailbox's name: UTF-8 where it was agreed on, else modified UTF-7."""
    octets = name.encode("utf-8") if utf8 else mailbox_name.encode(name)
    if octets.isalnum() and octets.isascii():
        return octets
    return quoted(octets)


def flag_names(flags: Flags) -> bytes:
    """Return flags side by side: system flags first, in their order, then keywords."""
    names: list[str] = [name for name in SYSTEM_FLAGS if name in flags]
    if len(names) != len(flags):
        names += sorted(flags - _SYSTEM)
    return " ".join(names).encode("utf-8")


def date_time(seconds: float) -> bytes:
    """Return seconds since 1970 as a date-time in UTC (RFC 9051 §9, date-time)."""
    hours, rest = divmod(floor(seconds), 3600)
    return _day(hours // 24) + _HOURS[hours % 24] + _REST[rest]


@lru_cache(maxsize=_DAYS_MAX)
def _day(days: int) -> bytes:
    """Return the date of a day counted from 1970-01-01: ``" 1-Jan-1970 ``."""
    year, month, day = _civil(days)
    return b'"%2d-%b-%04d ' % (day, _MONTH_NAMES[month - 1], year)


def _civil(days: int) -> tuple[int, int, int]:
    """Return year, month, day of a day counted from 1970-01-01.

    The proleptic Gregorian calendar in eras of 400 years, which have 146,097 days.
    """
    days += 719_468
    era, of_era = divmod(days, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    day = of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year + era * 400 + (month <= 2), month, day
