"""How much an account has, and how much more it may have.

Sans-IO but for the counters asked of the store.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pabal.store.limits import Limits
from pabal.store.ports import AccountStore


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account has.

    Attributes:
        octets: Of all its messages.
        messages: How many there are.
    """

    octets: int
    messages: int

    def plus(self, octets: int, messages: int) -> "Usage":
        """Return what it has with so much more, or less."""
        return Usage(self.octets + octets, self.messages + messages)

    def within(self, *, octets: int, messages: int) -> bool:
        """Return whether it is no more than that; 0: no limit."""
        return Limits(octets, messages).allow(self.octets, self.messages)


async def used(account: AccountStore) -> Usage:
    """Return what an account has in all its mailboxes."""
    boxes = await account.mailboxes()
    return Usage(
        sum(box.size_octets for box in boxes), sum(box.message_count for box in boxes)
    )


async def fitting(
    account: AccountStore, sizes: Sequence[int], *, octets: int, messages: int
) -> int:
    """Return how many messages of ``sizes``, from the first on, still find room.

    Args:
        account: Where they go.
        sizes: Octets of each.
        octets: What the account may have of all its mail; 0: no limit.
        messages: How many it may have; 0: no limit.
    """
    if not octets and not messages:
        return len(sizes)
    usage = await used(account)
    for number, size in enumerate(sizes):
        usage = usage.plus(size, 1)
        if not usage.within(octets=octets, messages=messages):
            return number
    return len(sizes)
