import pytest

from pabal.store.memory.account import MemoryStore
from pabal.store.ports import Store
from tests.store.contract.letters import FakeClock
from tests.store.contract.undelete import UndeleteContract


class TestMemoryUndelete(UndeleteContract):
    @pytest.fixture
    def store(self, clock: FakeClock) -> Store:
        return MemoryStore(clock, keep_expunged_s=600)
