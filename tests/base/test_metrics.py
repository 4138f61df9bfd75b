import pytest

from pabal.base.metrics import (
    COMBINATIONS_MAX,
    OTHER,
    Counter,
    Extent,
    Family,
    Histogram,
    Kind,
    Registry,
    Sample,
    by,
    counter,
    gauge,
)


def test_a_counter_tells_labels_apart() -> None:
    counted = Counter("pabal_x_total", "Things.", ("code", "way"))
    counted.add("250", "in")
    counted.add("250", "in", amount=2)
    counted.add("550", "in")
    found = counted.family()
    assert (found.name, found.kind, found.about) == (
        "pabal_x_total",
        Kind.COUNTER,
        "Things.",
    )
    assert found.samples == (
        Sample(3, (("code", "250"), ("way", "in"))),
        Sample(1, (("code", "550"), ("way", "in"))),
    )


def test_a_counter_is_bounded() -> None:
    counted = Counter("pabal_x_total", "Things.", ("code",))
    for number in range(2 * COMBINATIONS_MAX):
        counted.add(str(number))
    samples = counted.family().samples
    assert len(samples) == COMBINATIONS_MAX + 1
    assert samples[-1] == Sample(COMBINATIONS_MAX, (("code", OTHER),))


def test_a_histogram_adds_up() -> None:
    measured = Histogram("pabal_x_seconds", "Time.", (0.5, 1, 10))
    for value in (0.25, 0.5, 0.75, 4, 100):
        measured.observe(value)
    assert measured.family().samples == (
        Sample(2, (("le", "0.5"),), "_bucket"),
        Sample(3, (("le", "1"),), "_bucket"),
        Sample(4, (("le", "10"),), "_bucket"),
        Sample(5, (("le", "+Inf"),), "_bucket"),
        Sample(105.5, (), "_sum"),
        Sample(5, (), "_count"),
    )


def test_a_key_has_a_value_for_each_label() -> None:
    with pytest.raises(ValueError, match="zip"):
        list(by(("a", "b"), {("1",): 1}))


async def test_families_of_one_name_are_one() -> None:
    registry = Registry()
    wanted: list[Extent] = []

    async def one(extent: Extent) -> list[Family]:
        wanted.append(extent)
        return [gauge("pabal_open", "Open.", [Sample(1, (("service", "smtp"),))])]

    async def two(_extent: Extent) -> list[Family]:
        more = Sample(2, (("service", "imap"),))
        return [
            counter("pabal_x_total", "X.", ()),
            gauge("pabal_open", "Open.", [more]),
        ]

    registry.add(one)
    registry.add(two)
    found = {family.name: family for family in await registry.families(Extent.ALL)}
    assert [sample.value for sample in found["pabal_open"].samples] == [1, 2]
    assert found["pabal_x_total"].samples == ()
    assert wanted == [Extent.ALL]


def test_within() -> None:
    sample = Sample(1, (("a", "b"),), "_sum").within("process", "web")
    assert sample == Sample(1, (("process", "web"), ("a", "b")), "_sum")
