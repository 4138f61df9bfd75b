import pytest

from pabal.store.memory.account import MemoryStore
from pabal.store.ports import Store
from tests.store.contract import FakeClock, StoreContract


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self, clock: FakeClock) -> Store:
        return MemoryStore(clock)
