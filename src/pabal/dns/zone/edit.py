"""A master file that is edited: its serial number, and what changes in its records.

Sans-IO. Source: RFC 1982 §3.2 (newer serials), RFC 1912 §2.2 (dates as serials).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pabal.dns.wire.rrset import RRset, to_dnspython
from pabal.dns.zone.entry import Entries
from pabal.dns.zone.history import Change, is_newer
from pabal.dns.zone.overlay import next_serial
from pabal.dns.zone.problem import Problem

_DATE: Final = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])\d\d")
"""A serial number that is a day and a counter of two digits."""

_SERIAL_AFTER: Final = 3
"""The serial number is the third word after ``SOA`` (RFC 1035 §3.3.13)."""


@dataclass(frozen=True, slots=True)
class Serial:
    """The serial number in a file's text: ``text[start:end]``."""

    value: int
    start: int
    end: int


def find_serial(text: str) -> Serial | None:
    """Return the serial number of the first SOA of ``text``; ``None`` without one."""
    problems: list[Problem] = []
    entries = Entries("", problems)
    starts = [0]
    for number, line in enumerate(text.split("\n"), 1):
        starts.append(starts[-1] + len(line) + 1)
        entry = entries.feed(number, line)
        tokens = () if entry is None else entry.tokens
        for index, token in enumerate(tokens[:-_SERIAL_AFTER]):
            serial = tokens[index + _SERIAL_AFTER]
            digits = serial.text
            if token.text.upper() == "SOA" and digits.isascii() and digits.isdigit():
                start = starts[serial.line - 1] + serial.column - 1
                return Serial(int(digits), start, start + len(digits))
    return None


def raised(text: str, than: int, today: str) -> str:
    """Return ``text`` with a serial number newer than ``than``, if it has none yet.

    Args:
        today: ``YYYYMMDD``, for files whose serial numbers are dates.
    """
    found = find_serial(text)
    if found is None or is_newer(found.value, than):
        return text
    serial = next_serial(than)
    if _DATE.fullmatch(str(than)):
        serial = max(serial, int(today) * 100)
    return f"{text[: found.start]}{serial}{text[found.end :]}"


def shown(change: Change) -> list[str]:
    """Return a change as lines, ``-`` before what goes and ``+`` before what comes."""
    lines = [
        *(f"- {line}" for line in _lines(change.removed)),
        *(f"+ {line}" for line in _lines(change.added)),
    ]
    return sorted(lines, key=lambda line: (line[2:].split(" ", 1)[0], line[0] == "+"))


def _lines(rrsets: Iterable[RRset]) -> Iterable[str]:
    for rrset in rrsets:
        made = to_dnspython(rrset)
        for rdata in made:
            yield f"{made.name} {made.ttl} {made.rdtype.name} {rdata.to_text()}"
