"""Runs of names are one sorted list, and its versions share their runs."""

import random

import pytest

from pabal.dns.zone import order as module
from pabal.dns.zone.denial import order_key
from pabal.dns.zone.order import Order, gently_sorted
from tests.support.zones import octets


def some(chance: random.Random, count: int) -> set[bytes]:
    return {
        octets(f"n{chance.randrange(1000)}.{chance.choice('abc')}.test.")
        for _ in range(count)
    }


@pytest.mark.parametrize("seed", range(5))
def test_changes_are_those_of_a_sorted_list(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RUN_NAMES", 4)
    chance = random.Random(seed)
    present = some(chance, 60)
    order = Order(order_key, present)
    first, begin = order, sorted(present, key=order_key)
    for _ in range(200):
        order = order.copy()
        name = chance.choice(list(some(chance, 3) | present))
        if chance.random() < 0.6:
            assert order.discard(name) == (name in present)
            present.discard(name)
        else:
            assert order.add(name) == (name not in present)
            present.add(name)
        expected = sorted(present, key=order_key)
        assert list(order) == expected
        assert len(order) == len(expected)
        probe = chance.choice(list(some(chance, 3) | present))
        assert (probe in order) == (probe in present)
        if expected:
            key = order_key(probe)
            below = [n for n in expected if order_key(n) < key]
            above = [n for n in expected if order_key(n) > key]
            assert order.before(probe) == (below or expected)[-1]
            assert order.after(probe) == (above or expected)[0]
            at = probe if probe in present else (below or expected)[-1]
            assert order.at_or_before(probe) == at
    assert list(first) == begin, "what came before stays as it was"


def test_what_comes_in_order_is_not_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [b"\x02%02d\x00" % number for number in range(99)]
    monkeypatch.setattr(module, "gently_sorted", None)
    assert list(Order(None, names)) == names
    monkeypatch.undo()
    assert list(Order(None, names[::-1])) == names


def test_an_order_may_be_empty() -> None:
    order = Order(None)
    assert b"x" not in order
    assert not order.discard(b"x")
    assert order.add(b"x")
    assert (order.before(b"x"), order.after(b"x")) == (b"x", b"x")
    assert order.discard(b"x")
    assert not list(order)


def test_a_change_copies_one_run() -> None:
    names = [b"%06d" % number for number in range(10_000)]
    one = Order(None, names)
    other = one.copy()
    other.add(b"005000x")
    assert sum(a is b for a, b in zip(one.runs, other.runs, strict=True)) == 19


def test_many_names_are_sorted_in_heaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SORTED_NAMES", 16)
    names = [b"%d" % number for number in range(3000)]
    random.Random(1).shuffle(names)
    assert list(gently_sorted(names)) == sorted(names)
    names = [octets(f"n{number}.test.") for number in range(300)]
    assert list(gently_sorted(names, order_key)) == sorted(names, key=order_key)
