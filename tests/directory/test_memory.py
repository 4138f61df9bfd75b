import pytest

from pabal.directory.memory import MemoryTables
from tests.directory.contract import DirectoryContract, Opener


class TestMemory(DirectoryContract):
    @pytest.fixture
    def opener(self) -> Opener:
        tables = MemoryTables()
        return lambda: tables


def test_a_transaction_that_fails_changes_nothing() -> None:
    tables = MemoryTables()
    with pytest.raises(ValueError), tables.transaction() as rows:
        rows.add_domain("example.com")
        raise ValueError
    assert not tables.rows.hosts("example.com")
