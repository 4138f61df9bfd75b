import asyncio
import gc
import sys
import threading
from pathlib import Path

import dns.name
import pytest

from pabal.dns.server import loader as module
from pabal.dns.server.loader import Loader
from pabal.dns.settings import ViewSettings
from pabal.dns.wire import codes
from pabal.dns.zone.views import views_of
from tests.support.updates import request, serial, shown, updatable
from tests.support.zones import HEAD, FixedClock, MemorySource, octets


def source() -> MemorySource:
    return MemorySource({"example.com.zone": HEAD})


async def test_updates_that_wait_are_written_together(tmp_path: Path) -> None:
    zones = updatable(tmp_path, source())
    loader = Loader(zones)
    before = zones.version
    rcodes = await asyncio.gather(
        *(loader.update(request(f"add a{n} 60 A 192.0.2.9")) for n in range(20)),
        loader.update(request("present none")),
    )
    assert rcodes == [codes.NOERROR] * 20 + [codes.NXDOMAIN]
    assert serial(zones) == 21
    assert zones.version <= before + 2


async def test_loading_and_following_wait_for_each_other(tmp_path: Path) -> None:
    files = source()
    one, two = updatable(tmp_path, files), Loader(updatable(tmp_path, files))
    one.update([request("add a 60 A 192.0.2.9")])
    name = dns.name.from_text("example.com")
    switch_s = sys.getswitchinterval()
    followed, report = await asyncio.gather(two.follow(name), two.reload())
    assert followed
    assert not report.loaded
    assert shown(two.zones, "a.example.com") == {"A": ["192.0.2.9"]}
    assert sys.getswitchinterval() == switch_s


async def test_too_many_waiting_are_sent_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 0)
    loader = Loader(updatable(tmp_path, source()))
    assert await loader.update(request("add a 60 A 192.0.2.9")) == codes.SERVFAIL


async def test_a_failure_is_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zones = updatable(tmp_path, source())

    def fail(_: object) -> list[int]:
        raise RuntimeError("a bug")

    monkeypatch.setattr(zones, "update", fail)
    loader = Loader(zones)
    with pytest.raises(RuntimeError):
        await loader.update(request("add a 60 A 192.0.2.9"))
    monkeypatch.undo()
    assert await loader.update(request("add a 60 A 192.0.2.9")) == codes.NOERROR


async def test_a_large_load_is_left_out_of_collections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FREEZE_OBJECTS", 10)
    files = MemorySource({f"z{n}.test.zone": HEAD for n in range(50)})
    loader = Loader(updatable(tmp_path, MemorySource()))
    loader.zones._source = files
    before = gc.get_freeze_count()
    assert len((await loader.reload()).loaded) == 50
    assert gc.get_freeze_count() > before
    assert gc.isenabled()


async def test_what_was_served_is_kept_for_answers_under_way_and_then_freed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LET_GO_AFTER_S", 0.0)
    files = source()
    loader = Loader(updatable(tmp_path, files))
    (before,) = loader.zones.all()
    await loader.reload()
    assert not loader.outgoing
    files.texts["example.com.zone"] += "new A 192.0.2.2\n"
    await loader.reload()
    assert loader.outgoing == [before]
    del before
    await loader.let_go()
    assert not loader.outgoing


async def test_what_somebody_works_with_is_freed_when_he_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transfer that takes an hour: its end would free the zone on the event loop."""
    monkeypatch.setattr(module, "LET_GO_AFTER_S", 0.001)
    freed: list[int] = []
    monkeypatch.setattr(module, "let_go", lambda zones: freed.append(len(zones)))
    files = source()
    loader = Loader(updatable(tmp_path, files))
    (sent,) = loader.zones.all()
    files.texts["example.com.zone"] += "new A 192.0.2.2\n"
    await loader.reload()
    task = asyncio.ensure_future(loader.let_go())
    await asyncio.sleep(0.02)
    assert loader.outgoing == [sent]
    assert not freed
    await loader.let_go()  # somebody waits for that already
    assert not freed
    del sent
    await task
    assert freed == [1]
    assert not loader.outgoing


async def test_a_zone_is_given_back_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = source()
    loader = Loader(updatable(tmp_path, files))
    (sent,) = loader.zones.all()
    monkeypatch.setattr(module, "SPLIT_NAMES", 1)
    assert not loader.give_back(sent), "it is served"
    await loader.update(request("add new 60 A 192.0.2.9"))
    assert not loader.outgoing, "most of it is served"
    assert loader.give_back(sent)
    assert loader.give_back(sent)
    assert loader.outgoing == [sent]
    monkeypatch.setattr(module, "SPLIT_NAMES", 1000)
    assert not loader.give_back(sent), "it is small"


async def test_politeness_lasts_until_the_last_is_done(tmp_path: Path) -> None:
    loader = Loader(updatable(tmp_path, source()))
    switch_s = sys.getswitchinterval()
    first, second = threading.Event(), threading.Event()
    works = [
        asyncio.ensure_future(loader.politely(each.wait)) for each in (first, second)
    ]
    await asyncio.sleep(0)
    assert sys.getswitchinterval() == pytest.approx(module.SWITCH_S)
    first.set()
    await works[0]
    assert sys.getswitchinterval() == pytest.approx(module.SWITCH_S)
    second.set()
    await works[1]
    assert sys.getswitchinterval() == switch_s


async def test_updates_change_the_zones_they_are_meant_for(tmp_path: Path) -> None:
    (tmp_path / "example.com.zone").write_text(HEAD)
    settings = ViewSettings(
        "inside", ("any",), str(tmp_path), journal_directory=str(tmp_path / "inside")
    )
    views = views_of([settings], "ns.test", FixedClock())
    loader = Loader(updatable(tmp_path / "common", source()), views)
    await loader.reload()
    rcodes = await asyncio.gather(
        loader.update(request("add out 60 A 192.0.2.9")),
        loader.update(request("add in 60 A 10.0.0.9"), 1),
    )
    assert list(rcodes) == [codes.NOERROR] * 2
    assert shown(loader.zones, "out.example.com") == {"A": ["192.0.2.9"]}
    assert shown(views[0].whole, "in.example.com") == {"A": ["10.0.0.9"]}
    assert not shown(loader.zones, "in.example.com")
    # Another process hears of both.
    again = views_of([settings], "ns.test", FixedClock())
    second = Loader(updatable(tmp_path / "common", source()), again)
    await second.reload()
    assert await loader.update(request("add more 60 A 10.0.0.8"), 1) == codes.NOERROR
    name = dns.name.from_text("example.com")
    assert await second.behind() == [name]
    assert await second.follow(name)
    assert octets("more.example.com") in again[0].by_apex[octets("example.com")].nodes


async def test_a_problem_says_whose_file_it_is_in(tmp_path: Path) -> None:
    (tmp_path / "example.com.zone").write_text("mail A x\n")
    settings = ViewSettings("inside", ("any",), str(tmp_path))
    views = views_of([settings], "ns.test", FixedClock())
    report = await Loader(updatable(tmp_path / "common", source()), views).reload()
    assert [p.place.file for p in report.problems] == ["view inside: example.com.zone"]


async def test_answers_are_freed_one_by_one(tmp_path: Path) -> None:
    loader = Loader(updatable(tmp_path, source()))
    spent = [{b"a": iter([b"answer"]), b"b": iter([b"answer"])}, {}]
    await loader.free(spent)
    assert spent == [{}, {}]
