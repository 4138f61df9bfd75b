"""How much more an account may have.

Sans-IO but for the counters asked of the store.
"""

from collections.abc import Sequence

from pabal.store.ports import AccountStore


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
    boxes = await account.mailboxes()
    used = sum(box.size_octets for box in boxes)
    count = len(sizes)
    if messages:
        there = sum(box.message_count for box in boxes)
        count = min(count, max(0, messages - there))
    if octets:
        for number, size in enumerate(sizes[:count]):
            used += size
            if used > octets:
                return number
    return count
