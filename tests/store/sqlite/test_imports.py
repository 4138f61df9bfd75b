from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pabal.store.ports import Added, Change, MailboxInfo, Store
from pabal.store.sqlite.account import SqliteAccount
from pabal.store.sqlite.check import check
from pabal.store.sqlite.store import SqliteStore
from tests.store.contract.imports import SOURCE, ImportContract, imported
from tests.store.contract.letters import Bell, FakeClock


class TestSqliteImports(ImportContract):
    @pytest.fixture
    async def store(self, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
        store = SqliteStore(tmp_path / "mail", clock, Bell())
        yield store
        await store.close()
        assert check(tmp_path / "mail" / "17") == []

    async def test_other_processes_hear(
        self,
        tmp_path: Path,
        account: SqliteAccount,
        inbox: MailboxInfo,
        clock: FakeClock,
    ) -> None:
        other = SqliteStore(tmp_path / "mail", clock, Bell())
        there = await other.account(17)
        heard: list[Change] = []
        there.watch(heard.append)
        await account.imports.adopt(inbox.id, 77)
        await account.imports.put(inbox.id, SOURCE, [imported(1, 5), imported(2, 9)])
        other.changed_elsewhere(17)
        (added,) = heard
        assert isinstance(added, Added)
        assert list(added.uids) == [5, 9]
        assert (await there.mailbox("INBOX")).uid_validity == 77
        await other.close()
