"""What is counted and measured, in families of samples, as Prometheus has them.

Sans-IO. A part counts with plain numbers or with what is here, and names a source that
makes families of them when somebody asks; until then nothing is done.

Names are those of Prometheus: base units, ``_total`` behind counters.
"""

import enum
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

COMBINATIONS_MAX: Final = 1_000
"""Values of labels that one counter tells apart, some 200 octets each; what comes later
is counted together, under ``OTHER``: a stranger may choose among values."""

OTHER: Final = "other"

Labels = tuple[tuple[str, str], ...]
"""Names and values, in the order they are shown."""


class Kind(enum.Enum):
    """What the numbers of a family are."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Sample:
    """One number.

    Attributes:
        value: In base units: seconds, octets.
        labels: What tells it from others of its family.
        suffix: Behind the name of the family: ``_bucket``, ``_sum``, ``_count``.
    """

    value: float
    labels: Labels = ()
    suffix: str = ""

    def within(self, label: str, value: str) -> "Sample":
        """Return the same with one more label in front."""
        return replace(self, labels=((label, value), *self.labels))


@dataclass(frozen=True, slots=True)
class Family:
    """All samples of one name.

    Attributes:
        name: With its unit, and ``_total`` if it is a counter.
        kind: What the numbers are.
        about: In words, one line.
    """

    name: str
    kind: Kind
    about: str
    samples: tuple[Sample, ...]


def counter(name: str, about: str, samples: Iterable[Sample]) -> Family:
    """Return a family of counters: they only grow, from the start of the process."""
    return Family(name, Kind.COUNTER, about, tuple(samples))


def gauge(name: str, about: str, samples: Iterable[Sample]) -> Family:
    """Return a family of what goes up and down."""
    return Family(name, Kind.GAUGE, about, tuple(samples))


class Counter:
    """Counts events by the values of its labels.

    Args (of the constructor):
        labels: Their names.
    """

    def __init__(self, name: str, about: str, labels: Sequence[str] = ()) -> None:
        self._name, self._about = name, about
        self._labels = tuple(labels)
        self._counts: dict[tuple[str, ...], float] = {}

    def add(self, *values: str, amount: float = 1) -> None:
        """Count ``amount`` more with these values of the labels, in their order."""
        counts = self._counts
        if values not in counts and len(counts) >= COMBINATIONS_MAX:
            values = (OTHER,) * len(self._labels)
        counts[values] = counts.get(values, 0) + amount

    def family(self) -> Family:
        """Return what was counted."""
        return counter(self._name, self._about, by(self._labels, self._counts))


class Histogram:
    """Counts what was measured by how much it is.

    Args (of the constructor):
        bounds: Upper ends of the buckets, ascending; what is more has its own.
    """

    def __init__(self, name: str, about: str, bounds: Sequence[float]) -> None:
        self._name, self._about = name, about
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one of ``value``."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def family(self) -> Family:
        """Return what was measured."""
        ends = [*(f"{bound:g}" for bound in self._bounds), "+Inf"]
        below = list(accumulate(self._counts))
        samples = [
            Sample(count, (("le", end),), "_bucket")
            for end, count in zip(ends, below, strict=True)
        ]
        samples += [Sample(self._sum, (), "_sum"), Sample(below[-1], (), "_count")]
        return Family(self._name, Kind.HISTOGRAM, self._about, tuple(samples))


def by(
    labels: Sequence[str], counts: Mapping[tuple[str, ...], float]
) -> Iterable[Sample]:
    """Return a sample for each of ``counts``, whose keys are values of ``labels``."""
    return (
        Sample(count, tuple(zip(labels, values, strict=True)))
        for values, count in counts.items()
    )


class Extent(enum.Enum):
    """How much of what there is without a bound is wanted, as of zones."""

    USUAL = "as many as are set"
    ALL = "all"


Source = Callable[[Extent], Awaitable[Iterable[Family]]]
"""Makes families of what was counted until now."""


class Registry:
    """All sources of a process."""

    def __init__(self) -> None:
        self._sources: list[Source] = []

    def add(self, source: Source) -> None:
        """Ask ``source``, too, from now on."""
        self._sources.append(source)

    async def families(self, extent: Extent = Extent.USUAL) -> list[Family]:
        """Return what all sources have now; those of one name are one."""
        found: dict[str, Family] = {}
        for source in self._sources:
            for family in await source(extent):
                join(found, family)
        return list(found.values())


def join(found: dict[str, Family], family: Family) -> None:
    """Put ``family`` among ``found``, by name, beside the samples there are of it."""
    before = found.get(family.name)
    samples = family.samples if before is None else before.samples + family.samples
    found[family.name] = replace(family, samples=samples)
