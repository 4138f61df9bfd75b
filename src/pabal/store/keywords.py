"""Keywords that messages of a mailbox had and may not have any more.

Sans-IO. Clients keep what they know of messages while they are away, and take the flags
named when they come back for all there are (RFC 9051 §7.3.5). So a mailbox remembers a
keyword from the moment a message loses it; those in use nobody needs to remember.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from pabal.store.flags import Flags

REMEMBERED_MAX: Final = 100
"""Keywords a mailbox remembers: a client that makes a keyword a day must not fill the
table, and clients are told of 256 at most. The longest unused are forgotten."""


class Keywords(Protocol):
    """Keywords that messages of the mailboxes of an account lost."""

    async def lost(self, mailbox_id: int) -> Sequence[str]:
        """Return what a mailbox remembers, none if it is gone; last used come first.

        It may be in use all the same.
        """
        ...


def lost(
    flags_of: Callable[[int], Flags], changes: Iterable[tuple[int, int]]
) -> set[str]:
    """Return the keywords that messages lose.

    Args:
        flags_of: Returns the names in a flag set.
        changes: Flag sets before and after; 0, the empty one, if a message goes.
    """
    return {
        name
        for old, new in set(changes)
        if old != new
        for name in flags_of(old) - flags_of(new)
        if not name.startswith("\\")
    }


class RememberedKeywords:
    """What one mailbox remembers, in memory."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def note(self, names: Iterable[str]) -> None:
        """Take note that messages lost these just now."""
        for name in sorted(names):
            self._names.pop(name, None)
            self._names[name] = None
        for name in list(self._names)[:-REMEMBERED_MAX]:
            del self._names[name]

    def latest_first(self) -> list[str]:
        """Return them; those used last come first."""
        return list(reversed(self._names))
