"""What a connection says unasked; pushes are in test_connection and test_notices."""

import asyncio
from collections.abc import Sequence

from typing_extensions import override

from pabal.imap.settings import ImapSettings
from pabal.store.memory.account import MemoryAccount, MemoryStore
from pabal.store.ports import Uid
from pabal.store.predicate import Predicate
from tests.imap.rig import FakeClock, Rig


class SlowStore(MemoryStore):
    """Whose accounts take their time to search."""

    @override
    async def account(self, account_id: int) -> MemoryAccount:
        account = await super().account(account_id)
        search = account.search

        async def slow(mailbox_id: int, predicate: Predicate) -> Sequence[Uid]:
            await asyncio.sleep(0.05)
            return await search(mailbox_id, predicate)

        account.search = slow  # type: ignore[method-assign]  # one call made slow
        return account


async def test_long_work_is_said_to_go_on() -> None:
    settings = ImapSettings(progress_interval_s=0.02)
    rig = Rig(settings, store=SlowStore(FakeClock()))
    async with rig.client("INBOX") as client:
        told = await client.ok("SEARCH ALL")
    line = b'* OK [INPROGRESS ("t3" NIL NIL)] Still at it'
    assert (set(told[:-1]), told[-1]) == ({line}, b"* SEARCH")


async def test_a_tag_that_would_end_the_code_is_left_out() -> None:
    settings = ImapSettings(progress_interval_s=0.02)
    rig = Rig(settings, store=SlowStore(FakeClock()))
    async with rig.client("INBOX") as client:
        client.stream.send(b"a]b SEARCH ALL\r\n")
        assert await client.read_line() == b"* OK [INPROGRESS] Still at it"
