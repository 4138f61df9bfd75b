from pathlib import Path

import pytest

from pabal.app.moving import Household, at_home
from pabal.config.load import load_or_raise
from pabal.directory.ports import DirectoryError
from tests.cli.desk import make


async def names(home: Household) -> list[str]:
    return [box.name for box in await home.mailboxes.mailboxes()]


def test_at_home(tmp_path: Path) -> None:
    make(tmp_path / "s")
    settings = load_or_raise(tmp_path / "s")
    assert at_home(settings, "alice@a.test", names) == [
        *("Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash")
    ]
    with pytest.raises(DirectoryError, match="no account"):
        at_home(settings, "bob@a.test", names)
