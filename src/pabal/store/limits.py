"""What an account may have: its quota.

Sans-IO.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol


class Counted(Protocol):
    """A mailbox with its counters."""

    @property
    def size_octets(self) -> int:
        """Sum of the messages' sizes."""
        ...

    @property
    def message_count(self) -> int:
        """Messages."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account may have in all its mailboxes; 0: as much as it likes."""

    octets: int = 0
    messages: int = 0

    def allow(self, octets: int, messages: int) -> bool:
        """Return whether an account may have so much."""
        too_large = 0 < self.octets < octets
        return not too_large and not 0 < self.messages < messages

    def have_room(
        self, boxes: Iterable[Counted], came: Iterable[int], went: Iterable[int] = ()
    ) -> bool:
        """Return whether an account may have what it has and a change.

        Args:
            boxes: What it has.
            came: Octets of each message that comes.
            went: Octets of each one that goes in exchange.
        """
        if not self.octets and not self.messages:
            return True
        coming, going = list(came), list(went)
        octets, messages = sum(coming) - sum(going), len(coming) - len(going)
        for box in boxes:
            octets += box.size_octets
            messages += box.message_count
        return self.allow(octets, messages)


NO_LIMITS: Final = Limits()
