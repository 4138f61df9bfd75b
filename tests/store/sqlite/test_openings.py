import asyncio
from pathlib import Path

import pytest

from pabal.store.ports import Added, Change
from pabal.store.predicate import UidsIn
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
    monkeypatch.setattr(openings, "KEPT_OPEN", 1)
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


async def test_a_few_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openings, "LOOK_S", 0.001)
    monkeypatch.setattr(openings, "UNUSED_LOOKS", 1)
    monkeypatch.setattr(openings, "KEPT_OPEN", 2)
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    held = [await store.account(number) for number in range(4)]
    for _ in range(50):  # looks
        await asyncio.sleep(0.002)
    assert sum(map(is_open, held)) == openings.KEPT_OPEN
    await store.close()


async def test_closing_gets_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openings, "LOOK_S", 0.0005)
    monkeypatch.setattr(openings, "UNUSED_LOOKS", 0)
    monkeypatch.setattr(openings, "KEPT_OPEN", 0)
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    view = await account.view(inbox.id)
    closed: list[bool] = []

    async def work(number: int) -> None:
        for _ in range(10):
            closed.append(not is_open(account))
            await put(account, inbox, letter(str(number)))
            assert await account.search(inbox.id, UidsIn(((1, 2),))) == [1, 2]
            await asyncio.sleep(0.002)

    await put(account, inbox, letter("a"), letter("b"))
    await asyncio.gather(*(work(number) for number in range(4)))
    assert any(closed)
    assert list(view.uids) == list(range(1, 43))
    view.close()
    await store.close()
