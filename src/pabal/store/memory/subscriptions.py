"""Subscribed names that no mailbox has, in memory.

Sans-IO.
"""

from pabal.store.names import LOST_SUBSCRIPTIONS_MAX
from pabal.store.ports import NoSuchMailboxError, StoreError


class LostSubscriptions:
    """The names of one account.

    Attributes:
        names: The names.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()

    def subscribe(self, name: str, *, subscribed: bool) -> None:
        """Add or take away ``name``.

        Raises:
            NoSuchMailboxError: It is not there to be taken away.
            StoreError: There are too many.
        """
        if subscribed:
            if len(self.names) >= LOST_SUBSCRIPTIONS_MAX:
                raise StoreError("too many subscriptions without a mailbox")
            self.names.add(name)
        elif not self.take(name):
            raise NoSuchMailboxError(f"no mailbox {name!r}")

    def take(self, name: str) -> bool:
        """Return whether ``name`` was among them; from now on it is not."""
        was = name in self.names
        self.names.discard(name)
        return was
