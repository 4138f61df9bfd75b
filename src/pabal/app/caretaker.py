"""What goes by itself, account by account: expired mail, expunged mail."""

import asyncio
from typing import Final

from pabal.admin.expiry import expire
from pabal.app import parts
from pabal.app.shared import Shared
from pabal.base.errors import PabalError
from pabal.base.log import Log

FIRST_S: Final = 60.0
"""How long after the start the first round begins: a restart has other things to do."""

ROUND_S: Final = 3_600.0
"""How often each account is looked at: days are counted."""

PAUSE_S: Final = 0.02
"""Between two accounts: 10,000 of them take minutes, and nobody notices."""

log = Log("housekeeping")


class Caretaker:
    """One in a server: the process that has the queue.

    Accounts that were never used are left alone: looking would make their files.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._policy = parts.expiry_policy(shared.settings)

    async def run(self) -> None:
        """Go round for ever."""
        await asyncio.sleep(FIRST_S)
        while True:
            await self.go_round()
            await asyncio.sleep(ROUND_S)

    async def go_round(self) -> None:
        """Look at every account once."""
        for account in self._shared.book.accounts():
            if (self._shared.layout.mail / str(account.id)).is_dir():
                try:
                    await self._look_after(account.id, account.address)
                except PabalError as error:
                    # The next round may find it well; the other accounts are.
                    log.warning("failed", account=account.address, error=repr(error))
                await asyncio.sleep(PAUSE_S)

    async def _look_after(self, account_id: int, address: str) -> None:
        clock = self._shared.clock
        before = clock.now() - parts.keep_expunged_s(self._shared.settings)
        async with self._shared.store.visit(account_id) as mailboxes:
            for name, count in await expire(mailboxes, self._policy, clock):
                log.info("expired", account=address, mailbox=name, messages=count)
            count = await mailboxes.undeletion.discard(before)
        if count:
            log.info("discarded", account=address, messages=count)
