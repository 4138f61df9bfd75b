import random

import pytest

from pabal.dns.zone import layers
from pabal.dns.zone.layers import Layered, drop, layered


def test_changes_lie_over_what_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is done, in whatever order: it is as a dict would be."""
    monkeypatch.setattr(layers, "COPIED_MAX", 4)
    monkeypatch.setattr(layers, "OVER_MAX", 12)
    chance = random.Random(2)
    plain = {number: str(number) for number in range(30)}
    made = layered(plain, {}, ())
    assert made is plain
    flat = 0
    for _ in range(500):
        gone = {chance.randrange(40) for _ in range(chance.randrange(3))}
        more = {chance.randrange(40): str(chance.random()) for _ in range(2)}
        before, was = made, dict(plain)
        made = layered(made, more, gone)
        plain = {k: v for k, v in plain.items() if k not in gone} | more
        assert dict(before) == was, "never changed itself"
        assert dict(made) == plain
        assert len(made) == len(plain)
        for key in range(41):
            assert made.get(key) == plain.get(key)
            assert made.get(key, "none") == plain.get(key, "none")
            assert (key in made) == (key in plain)
        with pytest.raises(KeyError):
            made[41]
        flat += isinstance(made, dict)
    assert 0 < flat < 250


def test_what_is_large_is_not_copied() -> None:
    base = {str(number): number for number in range(layers.COPIED_MAX + 1)}
    made = layered(base, {"x": 1}, ("5",))
    assert isinstance(made, Layered)
    assert made._base is base
    with pytest.raises(KeyError):
        made["5"]
    small = layered({"a": 1}, {"x": 1}, ("a",))
    assert small == {"x": 1}
    assert isinstance(small, dict)


def test_only_what_nobody_else_has_is_freed() -> None:
    mine = {1: 1}
    drop(mine)
    assert not mine
    shared = {1: 1}
    others = [shared]
    drop(shared)
    assert others == [{1: 1}]
    drop(Layered({1: 1}, {}, frozenset()))
