import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import cast

import pytest

from pabal.app import looking
from pabal.app.certificate import ServerTls
from pabal.app.looking import ALL_FILES, Looking, subjects
from pabal.app.shared import ASKED_BELL, DIRECTORY_BELL, FILES_BELL, Shared
from pabal.config.settings import Settings
from pabal.dns.server.nameserver import NameServer
from pabal.dns.zone.batch import Report
from pabal.net.doorbell import SUBJECT_MAX_OCTETS
from tests.app.rig import opened
from tests.support.zones import HEAD


@dataclass
class Reloading:
    """Stands for the name server: notes what it is to reload, and does."""

    shared: Shared
    asked: list[object] = field(default_factory=list)

    async def reload(
        self, files: set[str] | None = None, *, asked: bool = False
    ) -> Report:
        self.asked.append(sorted(files) if files is not None else asked)
        return self.shared.zones.reload(files)

    async def look(self) -> None:
        pass


@dataclass
class Certificate:
    """Stands for the certificate: notes who looks after it."""

    threads: list[threading.Thread] = field(default_factory=list)

    def reload(self) -> bool:
        self.threads.append(threading.current_thread())
        return False


@dataclass
class Rig:
    looking: Looking
    server: Reloading
    rung: list[str]
    shared: Shared

    async def until(self, is_so: Callable[[], bool]) -> None:
        for _ in range(500):
            if is_so():
                return
            await asyncio.sleep(0.01)
        raise AssertionError((self.server.asked, self.rung))


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    *,
    leads: bool,
    tls: Certificate | None = None,
) -> AsyncIterator[Rig]:
    """Run one that has many files, and whose looks are rare."""
    monkeypatch.setattr(looking, "MANY_FILES", 3)
    monkeypatch.setattr(looking, "LOOK_SECONDS", 1000.0)
    for number in range(4):
        (settings.dns.zones / f"z{number}.test.zone").write_text(HEAD)
    rung: list[str] = []
    async with opened(settings) as shared:
        monkeypatch.setattr(
            type(shared.bell), "ring", lambda _, text: rung.append(text)
        )
        server = Reloading(shared)
        shown = cast("ServerTls | None", tls)
        made = Looking(shared, cast("NameServer", server), shown, leads=leads)
        await made.start()
        server.asked.clear()
        task = asyncio.create_task(made.run())
        await asyncio.sleep(0)
        try:
            yield Rig(made, server, rung, shared)
        finally:
            made.stop()
            await task


def change(settings: Settings) -> None:
    (settings.dns.zones / "z1.test.zone").write_text(HEAD + "x A 192.0.2.1\n")
    (settings.dns.zones / "z2.test.zone").unlink()


async def test_who_leads_looks_when_asked_and_tells(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LOOK_PAUSE_TIMES", 10_000_000)
    async with running(settings, monkeypatch, leads=True) as rig:
        rig.looking._stamp = ("seen",)
        change(settings)
        rig.looking.heard(ASKED_BELL)
        await rig.until(lambda: bool(rig.rung))
        assert rig.server.asked == [[], True]
        assert rig.rung == [f"{FILES_BELL}z1.test.zone/z2.test.zone"]
        rig.looking.heard(DIRECTORY_BELL)
        await rig.until(lambda: len(rig.server.asked) > 2)
        assert rig.server.asked[2:] == [[]], "that is no reason to look at all files"


async def test_the_others_read_what_they_are_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(settings, monkeypatch, leads=False) as rig:
        loaded: list[bool] = []
        rig.looking.on_loaded = lambda: loaded.append(True)
        change(settings)
        rig.looking.heard(ASKED_BELL)
        await rig.until(lambda: bool(rig.server.asked))
        assert rig.server.asked == [[]]
        assert not loaded
        rig.looking.heard(f"{FILES_BELL}z1.test.zone/z2.test.zone")
        await rig.until(lambda: bool(loaded))
        assert rig.server.asked[1:] == [["z1.test.zone", "z2.test.zone"]]
        assert len(rig.shared.zones.by_apex) == 4  # a.test, hosted, and three files
        assert rig.rung == []


async def test_too_many_to_be_told_are_looked_at_by_all(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "FILES_TOLD_MAX", 1)
    monkeypatch.setattr(looking, "LOOK_PAUSE_TIMES", 10_000_000)
    async with running(settings, monkeypatch, leads=False) as rig:
        rig.looking._stamp = ("seen",)
        change(settings)
        rig.looking.heard(FILES_BELL + ALL_FILES)
        await rig.until(lambda: bool(rig.rung))
        assert rig.server.asked == [[], False]
        assert rig.rung == [FILES_BELL + ALL_FILES]
        assert len(rig.shared.zones.by_apex) == 4


async def test_a_certificate_is_exchanged_where_handshakes_are_begun(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = Certificate()
    async with running(settings, monkeypatch, leads=True, tls=tls) as rig:
        rig.looking.heard(ASKED_BELL)
        await rig.until(lambda: bool(rig.server.asked))
        monkeypatch.setattr(looking, "MANY_FILES", 1000)
        rig.looking.heard(DIRECTORY_BELL)
        await rig.until(lambda: len(tls.threads) > 2)
    assert set(tls.threads) == {threading.main_thread()}


def test_rings_hold_as_many_files_as_fit() -> None:
    files = [f"zone{number}.example.test.zone" for number in range(100)]
    made = list(subjects(files))
    assert all(len(each.encode()) <= SUBJECT_MAX_OCTETS for each in made)
    told = [each.removeprefix(FILES_BELL).split("/") for each in made]
    assert [file for some in told for file in some] == files
    assert len(made) < 10
    assert list(subjects([])) == []
