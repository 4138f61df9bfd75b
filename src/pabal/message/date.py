"""Dates of header fields: octets to an instant and back.

Sans-IO: never reads a clock.
Source: RFC 5322 §3.3 (format), §4.3 (obsolete forms).
"""

import datetime as dt
import re
from types import MappingProxyType
from typing import Final, NamedTuple

_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTH_NUMBER: Final = MappingProxyType(
    {name.lower().encode(): number for number, name in enumerate(_MONTHS, 1)}
)

_ZONES: Final = MappingProxyType(
    {
        name.encode(): minutes
        for minutes, names in {
            0: "UT GMT UTC Z",
            -240: "EDT",
            -300: "EST CDT",
            -360: "CST MDT",
            -420: "MST PDT",
            -480: "PST",
            # Not in RFC 5322 §4.3, yet written by programs of their countries.
            540: "KST JST",
            60: "CET MET BST",
            120: "CEST EET",
            180: "EEST MSK",
        }.items()
        for name in names.split()
    }
)
"""Minutes east of UTC. Anything else, military letters too, is 0 (RFC 5322 §4.3)."""

VALUE_MAX_OCTETS: Final = 256
"""Octets of a date looked at; a real one has about 40."""

_EPOCH_DAY: Final = 719_163
"""``date(1970, 1, 1).toordinal()``."""

_DATE: Final = re.compile(
    rb"\s*(?:[A-Za-z]+\.?\s*,?\s*)?"
    rb"(\d{1,2})(?:\s+|-)([A-Za-z]{3})[A-Za-z]*\.?(?:\s+|-)(\d{2,4})\s+"
    rb"(\d{1,2})\s*:\s*(\d{1,2})(?:\s*:\s*(\d{1,2})(?:\.\d+)?)?"
    rb"\s*(?:([+-]\d{4})\b|([A-Za-z]+))?"
)
_ASCTIME: Final = re.compile(
    rb"\s*[A-Za-z]{3}\s+([A-Za-z]{3})\s+(\d{1,2})\s+"
    rb"(\d{1,2}):(\d{2}):(\d{2})\s+(?:([+-]\d{4})\s+|([A-Za-z]+)\s+)?(\d{4})"
)
_COMMENT: Final = re.compile(rb"\([^()]*\)")
_COMMENT_DEPTH_MAX: Final = 8
"""Comments in comments taken out of a date."""


class Instant(NamedTuple):
    """A moment, and where on earth it was written.

    Attributes:
        utc_seconds: Seconds since 1970, UTC; negative before.
        offset_minutes: Minutes east of UTC of the writer's clock.
    """

    utc_seconds: float
    offset_minutes: int


def parse_date(value: bytes) -> Instant | None:
    """Return the instant a date field's ``value`` names, ``None`` if it names none.

    Obsolete forms, comments, folded and slightly broken dates are read; a zone nobody
    knows counts as UTC (RFC 5322 §4.3, "-0000").
    """
    value = value[:VALUE_MAX_OCTETS]
    match = _DATE.match(value)
    if b"(" in value and (match is None or match[7] is None):
        for _ in range(_COMMENT_DEPTH_MAX):
            value, found = _COMMENT.subn(b" ", value)
            if not found:
                break
        match = _DATE.match(value)
    if match is not None:
        day, month, year, hour, minute, second, zone, name = match.groups()
        return _instant((year, month, day), (hour, minute, second or b"0"), zone, name)
    match = _ASCTIME.match(value)
    if match is None:
        return None
    month, day, hour, minute, second, zone, name, year = match.groups()
    return _instant((year, month, day), (hour, minute, second), zone, name)


def format_date(utc_seconds: float, offset_minutes: int = 0) -> str:
    """Return the date field's value for an instant (RFC 5322 §3.3).

    Args:
        utc_seconds: Seconds since 1970, within the years 1 to 9999.
        offset_minutes: Minutes east of UTC to write it in.
    """
    seconds = int(utc_seconds // 1) + offset_minutes * 60
    days, rest = divmod(seconds, 86_400)
    day = dt.date.fromordinal(_EPOCH_DAY + days)
    sign = "-" if offset_minutes < 0 else "+"
    zone = abs(offset_minutes)
    return (
        f"{_DAYS[day.weekday()]}, {day.day:02} {_MONTHS[day.month - 1]} {day.year:04} "
        f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02} "
        f"{sign}{zone // 60:02}{zone % 60:02}"
    )


def _instant(
    ymd: tuple[bytes, bytes, bytes],
    hms: tuple[bytes, bytes, bytes],
    zone: bytes | None,
    name: bytes | None,
) -> Instant | None:
    month = _MONTH_NUMBER.get(ymd[1].lower())
    hour, minute, second = int(hms[0]), int(hms[1]), int(hms[2])
    if month is None or hour > 23 or minute > 59 or second > 60:
        return None
    try:
        days = dt.date(_year(ymd[0]), month, int(ymd[2])).toordinal()
    except ValueError:
        return None
    offset = _offset(zone, name)
    seconds = (days - _EPOCH_DAY) * 86_400 + hour * 3600 + minute * 60 + second
    return Instant(float(seconds - offset * 60), offset)


def _year(digits: bytes) -> int:
    """Return the year; two and three digits as in RFC 5322 §4.3."""
    year = int(digits)
    if len(digits) == 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if len(digits) == 3 else year


def _offset(zone: bytes | None, name: bytes | None) -> int:
    if zone is None:
        return _ZONES.get(name.upper(), 0) if name else 0
    minutes = int(zone[1:3]) * 60 + int(zone[3:5])
    if int(zone[3:5]) > 59 or minutes >= 24 * 60:
        return 0
    return -minutes if zone[:1] == b"-" else minutes
