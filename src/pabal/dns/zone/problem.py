"""What is wrong with a zone, and where.

Sans-IO.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from typing_extensions import override


class Severity(enum.Enum):
    """Whether a zone can be served all the same."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a master file something stands.

    Attributes:
        file: The file as it was given, or what else the text came from.
        line: From 1; 0 means the file as a whole.
        column: From 1, in characters; 0 means the line as a whole.
        text: The line.
    """

    file: str
    line: int = 0
    column: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.

    Attributes:
        severity: Whether it keeps the zone from being served.
        place: Where it is.
        reason: What is wrong, one sentence without a full stop.
        fix: What to do about it; may be empty.
    """

    severity: Severity
    place: Place
    reason: str
    fix: str = ""

    @override
    def __str__(self) -> str:
        """Return ``file:line:column: severity: reason``, the line and a caret."""
        place = self.place
        where = place.file
        if place.line:
            where += f":{place.line}"
        if place.column:
            where += f":{place.column}"
        lines = [f"{where}: {self.severity.value}: {self.reason}"]
        if place.text:
            lines.append(f"    {place.text}")
            if place.column:
                # Tabs are kept, so that the caret stands under its character.
                before = place.text[: place.column - 1]
                blank = "".join("\t" if char == "\t" else " " for char in before)
                lines.append(f"    {blank}^")
        if self.fix:
            lines.append(f"    {self.fix}")
        return "\n".join(lines)


def undecodable(file: str, error: UnicodeDecodeError) -> Problem:
    """Return what to say of a file that is not UTF-8, at its first such octet."""
    octet = error.object[error.start : error.start + 1]
    if error.start == 0 and len(error.object) <= len(b"\xff\xfe"):
        return Problem(Severity.ERROR, Place(file), f"cannot be read: {error.reason}")
    before = error.object[: error.start]
    line = before.count(b"\n") + 1
    start = before.rfind(b"\n") + 1
    end = error.object.find(b"\n", error.start)
    shown = error.object[start : end if end >= 0 else None].decode("utf-8", "replace")
    column = len(before[start:].decode("utf-8", "replace")) + 1
    reason = f"the octet {octet.hex().upper()} is not UTF-8"
    fix = f"save the file as UTF-8, or write \\{octet[0]:03d} for it in a name or text"
    return Problem(
        Severity.ERROR, Place(file, line, column, shown.rstrip("\r")), reason, fix
    )


def has_errors(problems: Sequence[Problem]) -> bool:
    """Return whether any of ``problems`` keeps a zone from being served."""
    return any(problem.severity is Severity.ERROR for problem in problems)
