"""Two processes' counters brought together through files, without the processes."""

import asyncio
from dataclasses import replace

import pytest

from pabal.app import measures
from pabal.app.measures import Measures, collect, merged, process_name
from pabal.app.office import open_bell
from pabal.app.shared import Shared
from pabal.base.metrics import Extent, Family, Registry, Sample, gauge
from pabal.config.settings import Settings
from pabal.net.doorbell import UnixDoorbell
from tests.app.rig import opened


def counting(shared: Shared, name: str, value: float) -> tuple[Measures, UnixDoorbell]:
    registry = Registry()

    async def source(extent: Extent) -> list[Family]:
        labels = (("extent", extent.name),)
        return [gauge("pabal_open", "Open.", [Sample(value, labels)])]

    registry.add(source)
    bell = UnixDoorbell(shared.layout.run, name, shared.clock)
    made = Measures(registry, shared.layout, bell)
    bell.listen(made.heard)
    return made, bell


async def test_every_process_is_heard(settings: Settings) -> None:
    async with opened(settings) as shared:
        shared.bell.close()
        one, bell = counting(shared, "dns-0-17", 1)
        two, other = counting(shared, "web-18", 2)
        (family,) = await one.gather()
        assert [(s.labels[0][1], s.value) for s in family.samples] == [
            ("dns-0", 1),
            ("web", 2),
        ]
        tool = open_bell(shared.layout)
        found = dict(await collect(shared.layout, tool, Extent.ALL))
        assert sorted(found) == ["dns-0", "web"]
        assert found["web"][0].samples[0].labels == (("extent", "ALL"),)
        assert not list(settings.data.glob("stats-*"))
        for end in (tool, bell, other):
            end.close()
        await one.stop()
        await two.stop()


async def test_who_does_not_answer_is_missing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "LOOKS_MAX", 5)
    async with opened(settings) as shared:
        shared.bell.close()
        one, bell = counting(shared, "dns-0-17", 1)
        silent = UnixDoorbell(shared.layout.run, "mail-0-19", shared.clock)
        (family,) = await one.gather()
        assert {s.labels[0][1] for s in family.samples} == {"dns-0"}
        silent.close()
        bell.close()
        await one.stop()


async def test_who_asks_wrongly_is_not_answered(settings: Settings) -> None:
    async with opened(settings) as shared:
        shared.bell.close()
        one, bell = counting(shared, "dns-0-17", 1)
        for subject in ("stats", "stats ../../x", "stats " + "a" * 16, "other"):
            one.heard(subject)
        await asyncio.sleep(0.02)
        assert not list(settings.data.glob("stats-*"))
        bell.close()
        await one.stop()


def test_names_and_merging() -> None:
    assert process_name("dns-0-17") == "dns-0"
    assert process_name("all-17") == "all"
    assert process_name("odd") == "odd"
    family = gauge("pabal_open", "Open.", [Sample(1)])
    (found,) = merged([("b", [family]), ("a", [replace(family)])])
    assert [sample.labels for sample in found.samples] == [
        (("process", "a"),),
        (("process", "b"),),
    ]
