"""Notes in the trace that a message was read by its recipient's program."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from pabal.base.errors import PabalError
from pabal.base.tasks import Tasks
from pabal.mta.station import Station
from pabal.store.ports import AccountId, Column, EmailId, Store
from pabal.trace.ports import Stage

WAITING_MAX: Final = 1_000
"""Fetches waiting to be noted; a program that downloads a mailbox is not a way."""

A_CALL_MAX: Final = 20
"""Messages of one command that are noted: more is a synchronisation."""


class FetchTracer:
    """Turns "email 7 was read" into a FETCHED event, off the hot path."""

    def __init__(self, store: Store, station: Station) -> None:
        self._store = store
        self._station = station
        self._waiting: deque[tuple[AccountId, EmailId]] = deque(maxlen=WAITING_MAX)
        self._tasks = Tasks()
        self._busy = False

    def fetched(self, account_id: AccountId, emails: Sequence[EmailId]) -> None:
        """Take note; returns at once."""
        if len(emails) > A_CALL_MAX:
            return
        self._waiting.extend((account_id, email) for email in emails)
        if not self._busy:
            self._busy = True
            self._tasks.start(self._note(), "fetched")

    async def stop(self) -> None:
        """Note what waits."""
        await self._tasks.wait(1.0)
        await self._tasks.stop()

    async def _note(self) -> None:
        try:
            while self._waiting:
                account_id, email = self._waiting.popleft()
                try:
                    account = await self._store.account(account_id)
                    rows = await account.read((email,), (Column.MESSAGE_ID,))
                except PabalError:
                    continue
                if rows[0] is not None and isinstance(rows[0][0], str) and rows[0][0]:
                    way = self._station.new_way().named(rows[0][0])
                    way.note(Stage.FETCHED, detail="read by its recipient's program")
                await asyncio.sleep(0)
        finally:
            self._busy = False
