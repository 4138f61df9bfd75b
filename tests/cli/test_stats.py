"""Without a running server; with one: tests/e2e/test_metrics.py."""

from collections.abc import Sequence

import pytest

from pabal.base.metrics import Extent, Family, Histogram, Sample, counter, gauge
from tests.cli.desk import Desk


def found() -> list[tuple[str, Sequence[Family]]]:
    measured = Histogram("pabal_resolver_answer_seconds", "Time.", (0.5,))
    measured.observe(0.25)
    zone = Sample(4, (("zone", "a.test"), ("rcode", "NOERROR")))
    families = [
        counter(
            "pabal_dns_answers_total", "Answers.", [Sample(5, (("rcode", "NOERROR"),))]
        ),
        counter("pabal_dns_zone_answers_total", "Answers.", [zone]),
        counter("pabal_nothing_total", "Nothing.", [Sample(0)]),
        gauge("process_resident_memory_bytes", "Memory.", [Sample(1e7)]),
        counter("process_cpu_seconds_total", "Time.", [Sample(1.5)]),
        measured.family(),
    ]
    return [("dns-0", families), ("dns-1", families)]


def test_no_server(desk: Desk) -> None:
    assert "no server runs here" in desk.fails(1, "stats")
    assert "'a..b' is not a name" in desk.fails(2, "stats", "a..b")


def test_processes_are_summed_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    extents: list[Extent] = []

    async def statistics(
        _: object, extent: Extent
    ) -> list[tuple[str, Sequence[Family]]]:
        extents.append(extent)
        return found()

    monkeypatch.setattr("pabal.cli.stats.statistics", statistics)
    lines = [line.split() for line in desk.ok("stats").splitlines()[1:]]
    assert lines == [
        ["pabal_dns_answers_total", "rcode=NOERROR", "10"],
        ["pabal_dns_zone_answers_total", "zone=a.test", "rcode=NOERROR", "8"],
        ["process_cpu_seconds_total", "3"],
        ["pabal_resolver_answer_seconds_sum", "0.5"],
        ["pabal_resolver_answer_seconds_count", "2"],
    ]
    facts = desk.json("stats", "A.test")
    assert facts["values"] == [
        {
            "name": "pabal_dns_zone_answers_total",
            "labels": {"zone": "a.test", "rcode": "NOERROR"},
            "value": 8,
        }
    ]
    memory = {"process_resident_memory_bytes": 1e7, "process_cpu_seconds_total": 1.5}
    assert facts["processes"] == [
        {"process": process, "values": memory} for process in ("dns-0", "dns-1")
    ]
    assert "nothing was asked of b.test" in desk.fails(1, "stats", "b.test")
    assert extents == [Extent.USUAL, Extent.ALL, Extent.ALL]
