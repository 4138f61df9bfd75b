"""What the contract does not see: how seldom the table is written."""

from pathlib import Path

from pabal.store.flags import FlagAction, FlagChange
from pabal.store.sqlite.keywords import NOTED_AGAIN_S
from pabal.store.sqlite.store import SqliteStore
from tests.store.contract.letters import Bell, FakeClock, letter, put

REMOVE = FlagChange(FlagAction.REMOVE, frozenset({"$Work"}))
ADD = FlagChange(FlagAction.ADD, frozenset({"$Work"}))


async def test_what_was_noted_lately_is_not_written_again(tmp_path: Path) -> None:
    clock = FakeClock()
    store = SqliteStore(tmp_path, clock, Bell())
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    await put(account, inbox, letter())

    async def lost_at() -> object:
        await account.set_flags(inbox.id, [1], ADD)
        await account.set_flags(inbox.id, [1], REMOVE)
        reader = account.access.reader()
        return reader.execute("SELECT lost_at FROM keyword").fetchall()

    first = await lost_at()
    clock.at += NOTED_AGAIN_S / 2
    assert await lost_at() == first
    clock.at += NOTED_AGAIN_S
    later = await lost_at()
    assert later == [(clock.now(),)]
    clock.at -= 10 * NOTED_AGAIN_S  # somebody set it right
    assert await lost_at() == [(clock.now(),)]
    await store.close()
