"""What an operator does to the queue; works beside a running server and without one.

Every verb is a change in the database; whoever runs the queue acts on it.
"""

from collections.abc import Callable, Sequence
from typing import Final

from pabal.base.errors import NotFoundError
from pabal.message.spool import Spool
from pabal.mta.queue.item import QueueItem
from pabal.mta.queue.ports import QueueOffice, Verb

PAGE_ITEMS: Final = 1_000
"""Items returned at once unless asked otherwise."""


class QueueControl:
    """The verbs of ``pabal queue``.

    Args (of the constructor):
        queue: The queue.
        wake: Tells whoever runs the queue to look now.
    """

    def __init__(self, queue: QueueOffice, wake: Callable[[], None]) -> None:
        self._queue = queue
        self._wake = wake

    async def list(
        self, limit: int = PAGE_ITEMS, after: str = ""
    ) -> Sequence[QueueItem]:
        """Return items oldest first; ``after`` is the id the last page ended with."""
        return await self._queue.items(limit, after)

    async def show(self, item_id: str) -> QueueItem:
        """Return one item.

        Raises:
            NotFoundError: It is not in the queue.
        """
        item = await self._queue.item(item_id)
        if item is None:
            raise _unknown(item_id)
        return item

    async def octets(self, item_id: str) -> Spool:
        """Return the message; the caller closes it.

        Raises:
            NotFoundError: It is not in the queue.
        """
        await self.show(item_id)
        return await self._queue.body(item_id)

    async def retry(self, item_id: str) -> None:
        """Try now whoever is not on hold.

        Raises:
            NotFoundError: It is not in the queue.
        """
        await self._apply(item_id, Verb.RETRY)

    async def hold(self, item_id: str) -> None:
        """Try no more until ``release``.

        Raises:
            NotFoundError: It is not in the queue.
        """
        await self._apply(item_id, Verb.HOLD)

    async def release(self, item_id: str) -> None:
        """End the hold and try now.

        Raises:
            NotFoundError: It is not in the queue.
        """
        await self._apply(item_id, Verb.RELEASE)

    async def bounce(self, item_id: str) -> None:
        """Send it back to its sender, now or when the server runs again.

        Raises:
            NotFoundError: It is not in the queue.
        """
        await self._apply(item_id, Verb.RETURN)

    async def remove(self, item_id: str) -> None:
        """Forget it; nobody is told.

        Raises:
            NotFoundError: It is not in the queue.
        """
        if not await self._queue.remove(item_id):
            raise _unknown(item_id)

    async def _apply(self, item_id: str, verb: Verb) -> None:
        if not await self._queue.apply(item_id, verb):
            raise _unknown(item_id)
        self._wake()


def _unknown(item_id: str) -> NotFoundError:
    return NotFoundError(
        f"{item_id} is not in the queue.", "`pabal queue list` shows what is."
    )
