from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pabal.store.ports import Store
from pabal.store.sqlite.store import SqliteStore
from tests.store.contract import FakeClock, StoreContract


class Bell:
    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, subject: str) -> None:
        self.rung.append(subject)


class TestSqlite(StoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
        store = SqliteStore(tmp_path / "mail", clock, Bell())
        yield store
        await store.close()
