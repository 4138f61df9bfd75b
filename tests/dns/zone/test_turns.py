import os
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from pabal.dns.zone.turns import ALONE, places, turn


def waiting(directory: Path, count: int) -> tuple[threading.Thread, list[str]]:
    """Return a thread that wants a turn, and what it has done once it got one."""
    done: list[str] = []

    def work() -> None:
        with turn(directory, count):
            done.append("mine")

    thread = threading.Thread(target=work)
    thread.start()
    return thread, done


@pytest.mark.parametrize("count", [ALONE, 3])
def test_who_finds_no_place_waits(tmp_path: Path, count: int) -> None:
    with ExitStack() as opened:
        for _ in range(count):
            opened.enter_context(turn(tmp_path, count))
        thread, done = waiting(tmp_path, count)
        thread.join(0.05)
        assert not done
    thread.join(5)
    assert done


def test_there_are_places_for_some(tmp_path: Path) -> None:
    with turn(tmp_path, 2), turn(tmp_path, 2):
        pass  # nobody waits


def test_nobody_waits_where_there_is_no_directory(tmp_path: Path) -> None:
    with turn(tmp_path / "none", ALONE), turn(tmp_path / "none", ALONE):
        pass


@pytest.mark.parametrize(("cores", "count"), [(None, 1), (1, 1), (2, 1), (8, 4)])
def test_half_of_the_cores_work(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, count: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert places() == count
