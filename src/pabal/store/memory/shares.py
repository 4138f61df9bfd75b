"""Who shares mailboxes with whom, in memory."""

from collections.abc import Collection, Sequence

from pabal.store.ports import AccountId


class MemoryShares:
    """``pabal.store.ports.Shares`` without a disk."""

    def __init__(self) -> None:
        self._of: dict[AccountId, frozenset[str]] = {}

    async def owners(self, identifiers: Sequence[str]) -> Sequence[AccountId]:
        """Return the accounts that noted one of ``identifiers``, ascending."""
        wanted = set(identifiers)
        return sorted(owner for owner, noted in self._of.items() if noted & wanted)

    async def note(self, owner: AccountId, identifiers: Collection[str]) -> None:
        """Note with whom ``owner`` shares anything; replaces what was."""
        self._of[owner] = frozenset(identifiers)

    def forget(self, account_id: AccountId) -> None:
        """Forget an account that is gone, as owner and as friend."""
        self._of.pop(account_id, None)
        for owner, noted in self._of.items():
            self._of[owner] = noted - {str(account_id)}
