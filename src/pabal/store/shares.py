"""Who shares mailboxes with whom: the port.

Sans-IO.
"""

from collections.abc import Collection, Sequence
from typing import Protocol


class Shares(Protocol):
    """Who shares mailboxes with whom: where to look, not what is allowed."""

    async def owners(self, identifiers: Sequence[str]) -> Sequence[int]:
        """Return the accounts that noted one of ``identifiers``, ascending."""
        ...

    async def note(self, owner: int, identifiers: Collection[str]) -> None:
        """Note with whom ``owner`` shares anything; durable; replaces what was."""
        ...
