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


@dataclass(frozen=True, slots=True)
class FlagChange:
    """A change to apply to the flags of messages."""

    action: FlagAction
    flags: Flags

    def apply(self, current: Flags) -> Flags:
        """Return ``current`` with the change made."""
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
