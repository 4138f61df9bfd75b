import asyncio
from pathlib import Path

import pytest

from pabal.store.ports import Added, Change
from pabal.store.sqlite import openings
from pabal.store.sqlite.account import SqliteAccount
from pabal.store.sqlite.store import SqliteStore
from tests.store.contract.letters import Bell, FakeClock, letter, put


def is_open(account: SqliteAccount) -> bool:
    return account.access.database.is_open


async def test_files_nobody_uses_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openings, "LOOK_S", 0.005)
    monkeypatch.setattr(openings, "UNUSED_LOOKS", 20)
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    waiting, working = await store.account(1), await store.account(2)
    inbox = await waiting.mailbox("INBOX")
    view = await waiting.view(inbox.id)
    heard: list[Change] = []
    stop = waiting.watch(heard.append)
    while is_open(waiting):
        await working.mailboxes()
        await asyncio.sleep(0.005)
    assert is_open(working)
    # Who waited hears all the same, and its files are open again.
    await put(await store.account(1), inbox, letter("1"))
    assert [type(change) for change in heard] == [Added]
    assert list(view.uids) == [1]
    assert is_open(waiting)
    stop()
    view.close()
    await store.close()
