"""Arrays of mailboxes nobody has open, kept a while: who comes back waits for nothing.

One for a process, whatever the number of accounts: its memory is bounded as a whole.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from pabal.store.view import MailboxArrays

IDLE_MESSAGES_MAX: Final = 2_500_000
"""Messages in arrays kept though nobody uses them: 60 MB a process."""

IDLE_LEAST: Final = 64
"""An array counts as having so many messages at least: objects around it."""


class IdleArrays:
    """Arrays nobody uses, those unused for longest thrown away first."""

    __slots__ = ("_kept", "_messages")

    def __init__(self) -> None:
        self._kept: OrderedDict[
            int, tuple[MailboxArrays, int, Callable[[], object]]
        ] = OrderedDict()
        self._messages = 0

    def keep(self, arrays: MailboxArrays, forget: Callable[[], object]) -> None:
        """Keep ``arrays``; ``forget`` is called when they are thrown away."""
        self.take(arrays)
        messages = max(IDLE_LEAST, len(arrays))
        self._kept[id(arrays)] = arrays, messages, forget
        self._messages += messages
        while self._messages > IDLE_MESSAGES_MAX:
            _, (_, less, thrown) = self._kept.popitem(last=False)
            self._messages -= less
            thrown()

    def take(self, arrays: MailboxArrays) -> bool:
        """Stop keeping ``arrays``: they are used, or gone; return whether they were."""
        kept = self._kept.pop(id(arrays), None)
        if kept is None:
            return False
        self._messages -= kept[1]
        return True
