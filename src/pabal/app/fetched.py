"""Notes in the trace that a message was read by its recipient's program."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from pabal.base.errors import PabalError
from pabal.base.tasks import Tasks
from pabal.mta.station import Station
from pabal.store.ports import AccountId, Column, EmailId, Store
from pabal.trace.memory import bare
from pabal.trace.ports import Stage

FetchedHook = Callable[[AccountId, Sequence[EmailId]], None]

WAITING_MAX: Final = 1_000
"""Fetches waiting to be noted; a program that downloads a mailbox is not a way."""

A_CALL_MAX: Final = 20
"""Messages of one command that are noted: more is a synchronisation."""

STOP_SECONDS: Final = 1.0
"""How long a stopping server gives the last notes; nothing hangs on them."""


class FetchTracer:
    """Turns "email 7 was read" into a FETCHED event, off the hot path."""

    def __init__(self, store: Store, station: Station) -> None:
        self._store = store
        self._station = station
        self._waiting: deque[tuple[str, AccountId, EmailId]] = deque(maxlen=WAITING_MAX)
        self._tasks = Tasks()
        self._busy = False

    def over(self, protocol: str) -> FetchedHook:
        """Return what a server of ``protocol`` tells; it returns at once."""

        def fetched(account_id: AccountId, emails: Sequence[EmailId]) -> None:
            self._take_note(protocol, account_id, emails)

        return fetched

    async def stop(self) -> None:
        """Note what waits."""
        await self._tasks.wait(STOP_SECONDS)
        await self._tasks.stop()

    def _take_note(
        self, protocol: str, account_id: AccountId, emails: Sequence[EmailId]
    ) -> None:
        if len(emails) > A_CALL_MAX:
            return
        self._waiting.extend((protocol, account_id, email) for email in emails)
        if not self._busy:
            self._busy = True
            self._tasks.start(self._note(), "fetched")

    async def _note(self) -> None:
        try:
            while self._waiting:
                protocol, account_id, email = self._waiting.popleft()
                message_id = await self._message_id(account_id, email)
                if message_id:
                    way = self._station.new_way().named(message_id)
                    way.note(Stage.FETCHED, detail=f"read over {protocol}")
                await asyncio.sleep(0)
        finally:
            self._busy = False

    async def _message_id(self, account_id: AccountId, email: EmailId) -> str:
        """Return it without brackets, as traces join by it; empty: it has none."""
        try:
            account = await self._store.account(account_id)
            (row,) = await account.read((email,), (Column.MESSAGE_ID,))
        except PabalError:
            return ""
        found = row[0] if row is not None else ""
        return bare(found) if isinstance(found, str) else ""
