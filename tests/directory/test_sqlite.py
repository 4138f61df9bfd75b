import stat
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from pabal.base.errors import OperatorError, StorageFullError, UnavailableError
from pabal.directory import sqlite
from pabal.directory.sqlite import SqliteTables
from tests.directory.contract import DirectoryContract, Opener


class TestSqlite(DirectoryContract):
    @pytest.fixture
    def opener(self, tmp_path: Path) -> Opener:
        return lambda: SqliteTables(tmp_path / "directory.db")


def test_durable_and_private(tmp_path: Path) -> None:
    path = tmp_path / "directory.db"
    tables = SqliteTables(path)
    with tables.transaction() as rows:
        rows.add_domain("example.com")
    assert tables._writer.pragma("journal_mode") == "wal"
    assert tables._writer.pragma("synchronous") == 2
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = SqliteTables(path)
    assert again.rows.hosts("example.com")
    assert again.secret == tables.secret
    assert len(again.secret) == 32
    tables.close()
    again.close()


def test_a_transaction_that_fails_changes_nothing(tmp_path: Path) -> None:
    tables = SqliteTables(tmp_path / "directory.db")
    with pytest.raises(ValueError), tables.transaction() as rows:
        rows.add_domain("example.com")
        raise ValueError
    assert not tables.rows.hosts("example.com")
    tables.close()


def test_not_a_database(tmp_path: Path) -> None:
    (tmp_path / "directory.db").write_bytes(b"x" * 4096)
    with pytest.raises(OperatorError, match=r"directory\.db"):
        SqliteTables(tmp_path / "directory.db")
    with pytest.raises(OperatorError, match="missing"):
        SqliteTables(tmp_path / "missing" / "directory.db")


def test_an_older_schema_is_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "directory.db"
    tables = SqliteTables(path)
    with tables.transaction() as rows:
        rows.add_domain("a.test")
        rows.add_account("x@a.test")
    tables.close()
    with apsw.Connection(str(path)) as connection:
        connection.execute("ALTER TABLE account DROP COLUMN quota_messages")
        connection.execute("DROP TABLE public_key")
        connection.pragma("user_version", 1)
    connection.close()
    for _ in range(2):
        tables = SqliteTables(path)
        with tables.transaction() as rows:
            (account,) = rows.accounts()
            rows.update_account(replace(account, quota_messages=7))
        assert tables.rows.accounts()[0].quota_messages == 7
        assert tables.rows.public_keys(account.id) == []
        tables.close()


def test_a_newer_schema(tmp_path: Path) -> None:
    path = tmp_path / "directory.db"
    SqliteTables(path).close()
    with apsw.Connection(str(path)) as connection:
        connection.pragma("user_version", 99)
    connection.close()
    with pytest.raises(OperatorError, match="newer pabal"):
        SqliteTables(path)


def test_full_and_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 10)
    path = tmp_path / "directory.db"
    tables, other = SqliteTables(path), SqliteTables(path)
    tables._writer.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StorageFullError), tables.transaction() as rows:
        for number in range(1000):
            rows.add_domain(f"d{number}.test")
    with other.transaction(), pytest.raises(UnavailableError), tables.transaction():
        pass
    tables.close()
    other.close()
