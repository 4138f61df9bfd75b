from pathlib import Path

import pytest

from pabal.app.shared import QUEUE_BELL, make
from pabal.base.errors import OperatorError, PabalError
from pabal.config.settings import Settings
from tests.app.rig import Wakes, opened
from tests.app.test_office import Ear


async def test_everything_is_opened_and_closed_again(settings: Settings) -> None:
    async with opened(settings) as shared:
        assert list(shared.book.domains()) == ["a.test"]
        assert shared.station.settings.hostname == "mail.a.test"
        assert len(list(shared.layout.run.iterdir())) == 1
    assert list(shared.layout.run.iterdir()) == []
    for name in ("directory.db", "queue.db", "trace.db"):
        assert (settings.data / name).exists()


async def test_work_for_the_queue_wakes_it_here_and_elsewhere(
    settings: Settings,
) -> None:
    wakes = Wakes()
    async with opened(settings, wakes) as shared:
        ear = Ear(settings)
        shared.desk.acceptor._ringer.ring()
        assert wakes.count == 1
        assert await ear.listen() == [QUEUE_BELL]


async def test_a_database_that_is_none_is_named(settings: Settings) -> None:
    (settings.data / "directory.db").write_bytes(b"nonsense" * 1000)
    with pytest.raises(PabalError, match=r"directory\.db"):
        async with opened(settings):
            pass


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    def work() -> None:
        raise PermissionError(13, "Permission denied", "/data/mail")

    with pytest.raises(OperatorError, match=r"/data/mail: Permission denied.*chown"):
        make(tmp_path, work)
