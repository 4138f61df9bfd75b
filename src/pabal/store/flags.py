r"""Flags and keywords, interned: a set of them is a small integer in every array.

Sans-IO. Names are those of IMAP's keyword registry, ``\\Seen`` for system flags
(RFC 9051 §2.3.2), because every protocol here maps to them one to one.
"""

import enum
from dataclasses import dataclass
from typing import Final

SEEN: Final = "\\Seen"
ANSWERED: Final = "\\Answered"
FLAGGED: Final = "\\Flagged"
DELETED: Final = "\\Deleted"
DRAFT: Final = "\\Draft"

SYSTEM_FLAGS: Final = (ANSWERED, FLAGGED, DELETED, SEEN, DRAFT)
"""The permanent system flags, in the order they are shown (RFC 9051 §2.3.2)."""

Flags = frozenset[str]
"""A set of flag and keyword names."""

NO_FLAGS: Final[Flags] = frozenset()


class FlagAction(enum.Enum):
    """What to do with the given flags."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


class FlagScope(enum.Flag):
    """Which flags a change may touch."""

    SEEN = enum.auto()
    DELETED = enum.auto()
    OTHERS = enum.auto()

    def covers(self, name: str) -> bool:
        """Whether the flag ``name`` is among them."""
        if name == SEEN:
            return FlagScope.SEEN in self
        if name == DELETED:
            return FlagScope.DELETED in self
        return FlagScope.OTHERS in self

    def among(self, flags: Flags) -> Flags:
        """Return those of ``flags`` that are among them."""
        if self == EVERY_FLAG:
            return flags
        return frozenset(filter(self.covers, flags))


EVERY_FLAG: Final = FlagScope.SEEN | FlagScope.DELETED | FlagScope.OTHERS


@dataclass(frozen=True, slots=True)
class FlagChange:
    """A change to apply to the flags of messages; those out of ``scope`` stay."""

    action: FlagAction
    flags: Flags
    scope: FlagScope = EVERY_FLAG

    def apply(self, current: Flags) -> Flags:
        """Return ``current`` with the change made."""
        after = self._all(current)
        if self.scope == EVERY_FLAG:
            return after
        return self.scope.among(after) | (current - self.scope.among(current))

    def _all(self, current: Flags) -> Flags:
        if self.action is FlagAction.ADD:
            return current | self.flags
        if self.action is FlagAction.REMOVE:
            return current - self.flags
        return self.flags


def canonical(name: str) -> str:
    """Return ``name`` as stored: system flags spelt one way, keywords as first given.

    Flags compare case-insensitively (RFC 9051 §2.3.2): keywords are folded to the
    spelling a table has already (``pabal.store.flagtable``).
    """
    if name.startswith("\\"):
        return "\\" + name[1:].capitalize()
    return name
