"""The connections of one account, and what others do to the file meanwhile."""

from pathlib import Path

import apsw
import pytest

from pabal.store.sqlite import database as module
from pabal.store.sqlite.database import Database


class Busy:
    """A connection whose log another process is moving into the file just now."""

    def __init__(self) -> None:
        self.asked = 0

    def wal_checkpoint(self) -> None:
        self.asked += 1
        raise apsw.BusyError

    def close(self, *, force: bool) -> None:
        del force


def test_a_log_another_process_shortens_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_PAGES", 0)
    database = Database(tmp_path / "17")
    busy = Busy()
    monkeypatch.setattr(database, "_writer", busy)
    database.shorten_log()
    assert busy.asked == 1
