"""What goes by itself, account by account: expired mail, expunged mail."""

import asyncio
from typing import Final

from pabal.admin.expiry import expire
from pabal.app import parts
from pabal.app.shared import Shared
from pabal.base.errors import PabalError
from pabal.base.log import Log
from pabal.store.sqlite.store import CLOCK_FILE
from pabal.store.trusted import JUMP_S, TrustedTime, note, read

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
        self._noted = shared.layout.mail / CLOCK_FILE
        self._time = TrustedTime(shared.clock, read(self._noted))

    async def run(self) -> None:
        """Go round for ever."""
        await asyncio.sleep(FIRST_S)
        while True:
            await self.go_round()
            await asyncio.sleep(ROUND_S)

    async def go_round(self) -> None:
        """Look at every account once."""
        now = self._time.now()
        ahead_s = self._shared.clock.now() - now
        if ahead_s > JUMP_S:
            text = "the clock jumped ahead: nothing goes by it until it stays for a day"
            log.warning(text, seconds=int(ahead_s))
        for account in self._shared.book.accounts():
            if (self._shared.layout.mail / str(account.id)).is_dir():
                try:
                    await self._look_after(account.id, account.address)
                except PabalError as error:
                    # The next round may find it well; the other accounts are.
                    log.warning("failed", account=account.address, error=repr(error))
                await asyncio.sleep(PAUSE_S)
        try:
            note(self._noted, now)
        except OSError as error:
            log.warning("the time cannot be noted", error=repr(error))

    async def _look_after(self, account_id: int, address: str) -> None:
        before = self._time.now() - parts.keep_expunged_s(self._shared.settings)
        async with self._shared.store.visit(account_id) as mailboxes:
            for name, count in await expire(mailboxes, self._policy, self._time):
                log.info("expired", account=address, mailbox=name, messages=count)
            count = await mailboxes.undeletion.discard(before)
        if count:
            log.info("discarded", account=address, messages=count)
