"""``pabal stats``: what the running server counted."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import click

from pabal.app.statistics import statistics
from pabal.base.errors import NotFoundError
from pabal.base.metrics import Extent, Family, Kind, Sample
from pabal.cli import output
from pabal.cli.options import absolute_name, config_option, json_option
from pabal.config.load import load_or_raise

ZONE: Final = "zone"

_OF_ZONES: Final = ("pabal_dns_zone_answers_total", "pabal_dns_zone_questions_total")
_OF_PROCESSES: Final = "process_"
_ONE_FOR_ALL: Final = "pabal_build_info"

Total = tuple[str, tuple[tuple[str, str], ...], float]
"""Name with suffix, labels without the process, and the sum over processes."""


@click.command()
@click.argument("zone", required=False)
@config_option
@json_option
def stats(zone: str | None, directory: Path | None, *, as_json: bool) -> None:
    """Show what the running server counted since its start.

    With ZONE: what was asked of that zone, by RCODE and type.

    The numbers of all processes together; a process that was started again counts from
    then. What is zero is not shown. Prometheus reads the same at `/metrics`
    (docs/metrics.md).
    """
    wanted = None if zone is None else _shown(zone)
    extent = Extent.USUAL if zone is None else Extent.ALL
    found = asyncio.run(statistics(load_or_raise(directory), extent))
    totals = [*summed(found, wanted)]
    if wanted is not None and not totals:
        raise NotFoundError(
            f"nothing was asked of {wanted}, or it is no zone here.",
            "`pabal zone list` shows those there are.",
        )
    if as_json:
        facts: list[output.Json] = [
            {"name": name, "labels": dict(labels), "value": value}
            for name, labels, value in totals
        ]
        output.emit({"processes": _processes(found), "values": facts})
        return
    rows = [
        (name, " ".join(f"{k}={v or '-'}" for k, v in labels), f"{value:.12g}")
        for name, labels, value in totals
        if value and not name.endswith("_bucket")
    ]
    output.table(("WHAT", "OF", "VALUE"), rows)


def _shown(zone: str) -> str:
    return absolute_name(zone).canonicalize().to_text(omit_final_dot=True)


def _processes(found: Sequence[tuple[str, Sequence[Family]]]) -> list[output.Json]:
    return [
        {
            "process": process,
            "values": {
                family.name: family.samples[0].value
                for family in families
                if family.name.startswith(_OF_PROCESSES) and family.samples
            },
        }
        for process, families in sorted(found, key=lambda one: one[0])
    ]


def summed(
    found: Iterable[tuple[str, Sequence[Family]]], zone: str | None
) -> Iterable[Total]:
    """Return the sums over all processes, of one zone or of everything else.

    What processes are is not summed up: their start, their memory.
    """
    kept = [family for _, families in found for family in families if _is_sum(family)]
    for name in dict.fromkeys(family.name for family in kept):
        if zone is not None and name not in _OF_ZONES:
            continue
        same = [family for family in kept if family.name == name]
        samples = chain.from_iterable(family.samples for family in same)
        for (suffix, labels), value in _added(samples).items():
            if zone is None or dict(labels)[ZONE] == zone:
                yield name + suffix, labels, value


def _is_sum(family: Family) -> bool:
    is_process = family.name.startswith(_OF_PROCESSES) or family.name == _ONE_FOR_ALL
    return not is_process or family.kind is Kind.COUNTER


def _added(
    samples: Iterable[Sample],
) -> Mapping[tuple[str, tuple[tuple[str, str], ...]], float]:
    added: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for one in samples:
        key = one.suffix, one.labels
        added[key] = added.get(key, 0.0) + one.value
    return added
