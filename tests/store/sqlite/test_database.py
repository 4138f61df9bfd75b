"""The connections of one account, and what others do to the file meanwhile."""

import errno
import os
from pathlib import Path

import pytest

from pabal.base.sqlite import ROOM_OCTETS
from pabal.store.sqlite.database import FILE_NAME, Database


def append(database: Database, numbers: range) -> None:
    """Commit as often, as the event loop does."""
    connection = database.writer()
    database.log.sync()
    for number in numbers:
        assert database.try_begin()
        connection.execute("INSERT INTO blob VALUES (?, 1, ?)", (number, b"x" * 9000))
        connection.execute("COMMIT")


def committed(path: Path) -> int:
    database = Database(path)
    rows = database.reader().execute("SELECT count(*) FROM blob").fetchall()
    database.close()
    return int(str(rows[0][0]))


def test_room_is_made_ahead_and_means_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "17")
    log = tmp_path / "17" / f"{FILE_NAME}-wal"
    append(database, range(3))
    assert log.stat().st_size < ROOM_OCTETS  # who gets little mail: none
    append(database, range(3, 120))
    octets = log.read_bytes()
    assert len(octets.rstrip(b"\0")) + ROOM_OCTETS // 8 < len(octets)
    # As a crash leaves it: the log alone has the messages.
    crashed = tmp_path / "18"
    crashed.mkdir()
    for name in (FILE_NAME, f"{FILE_NAME}-wal"):
        (crashed / name).write_bytes((tmp_path / "17" / name).read_bytes())
    assert committed(crashed) == 120
    database.close()
    assert committed(tmp_path / "17") == 120


def test_without_room_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refused(*_: int) -> None:
        asked.append(1)
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "pwrite", refused)
    database = Database(tmp_path / "17")
    append(database, range(120))
    database.close()
    assert committed(tmp_path / "17") == 120
    assert len(asked) == 1
