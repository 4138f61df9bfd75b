from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pabal.store.imports import Imported
from pabal.store.ports import Store
from pabal.store.sqlite import housekeeping
from pabal.store.sqlite.check import check
from pabal.store.sqlite.store import SqliteStore
from tests.store.contract.letters import NOW, Bell, FakeClock, letter, new_email, put
from tests.store.contract.undelete import UndeleteContract


class TestSqliteUndelete(UndeleteContract):
    @pytest.fixture
    async def store(self, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
        store = SqliteStore(tmp_path / "mail", clock, Bell())
        yield store
        await store.close()
        assert check(tmp_path / "mail" / "17") == []


async def test_long_ones_go_a_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "PURGE_MAX_OCTETS", 2 * len(letter()))
    clock = FakeClock()
    store = SqliteStore(tmp_path, clock, Bell())
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    await account.append(inbox.id, [new_email(letter()) for _ in range(5)])
    await account.expunge(inbox.id, range(1, 6))
    clock.at += 10_000
    left = []
    for _ in range(3):
        left.append((await account.undeletion.kept()).messages)
        await put(account, inbox, letter())
    assert left == [5, 3, 1]
    await store.close()


async def test_history_of_a_removed_mailbox_goes_too(tmp_path: Path) -> None:
    clock = FakeClock()
    store = SqliteStore(tmp_path, clock, Bell())
    account = await store.account(1)
    box = await account.create("a")
    await put(account, box, letter())
    await account.remove(box.id)
    assert len(await account.undeletion.gone()) == 1
    clock.at += housekeeping.HISTORY_S + 10
    inbox = await account.mailbox("INBOX")
    await put(account, inbox, letter())
    connection = account.access.reader()
    assert connection.execute("SELECT count(*) FROM expunged").fetchall() == [(0,)]
    await store.close()


async def test_a_unique_id_comes_back(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    imported = Imported(new_email(letter()).spool, NOW, 1, uidl="old")
    (done,) = await account.imports.put(inbox.id, 1, [imported])
    assert done is not None
    await account.expunge(inbox.id, [1])
    await account.undeletion.restore([done.email_id], inbox.id)
    assert await account.imports.uidls(inbox.id, [1, 2]) == {2: "old"}
    await store.close()
