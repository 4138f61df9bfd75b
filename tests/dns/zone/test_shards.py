"""A zone in parts is what one dict would be, and its versions share their parts."""

import random

from pabal.dns.zone.shards import (
    PARTS,
    SPLIT_NAMES,
    Shards,
    copied,
    differing,
    empty,
    fitting,
    parts_of,
    split,
    take_apart,
)


def names(count: int) -> dict[bytes, bytes]:
    return {b"n%d" % number: b"v%d" % number for number in range(count)}


def test_parts_hold_what_one_dict_holds() -> None:
    plain = names(5000)
    shards = Shards(split(plain))
    assert dict(shards.items()) == plain == dict(shards)
    assert len(shards) == len(plain)
    assert set(shards) == plain.keys() == shards.keys()
    assert (shards[b"n7"], shards.get(b"x"), b"n7" in shards, b"x" in shards) == (
        b"v7", None, True, False,
    )  # fmt: skip
    # Spread evenly: no part takes long.
    assert max(map(len, shards.parts)) < 20


def test_a_copy_changes_alone_and_shares_the_rest() -> None:
    chance = random.Random(1)
    first = Shards(split(names(3000)))
    second = first.copy()
    before = dict(first)
    expected = dict(before)
    for _ in range(30):
        name = b"n%d" % chance.randrange(4000)
        if chance.random() < 0.5 and name in second:
            del second[name]
            del expected[name]
        else:
            second[name] = expected[name] = b"new"
    assert dict(first) == before
    assert dict(second) == expected
    shared = sum(a is b for a, b in zip(first.parts, second.parts, strict=True))
    assert shared >= PARTS - 30
    first[b"n1"] = b"late"
    assert second[b"n1"] == expected[b"n1"], "the copy is no longer touched either"


def test_what_differs_is_found_in_any_shape() -> None:
    one = names(50)
    other = {**one, b"n3": b"else", b"new": b"1"}
    del other[b"n9"]
    expected = {b"n3", b"new", b"n9"}
    for mine in (one, Shards(split(one))):
        for theirs in (other, Shards(split(other))):
            assert set(differing(mine, theirs)) == expected
    assert not list(differing(one, one))


def test_only_large_zones_are_in_parts() -> None:
    small, large = names(SPLIT_NAMES), names(SPLIT_NAMES + 1)
    assert fitting(small) is small
    assert isinstance(fitting(large), Shards)
    assert isinstance(copied(large), Shards)
    assert copied(small) == small
    assert copied(small) is not small
    assert isinstance(empty(SPLIT_NAMES + 1), Shards)
    assert empty(3) == {}
    assert list(parts_of(small)) == [small]
    assert len(parts_of(fitting(large))) == PARTS


def test_names_are_taken_apart_and_what_others_share_stays() -> None:
    shards = Shards(split(names(5000)))
    other = shards.copy()
    take_apart(shards)
    assert not shards.parts
    assert dict(other) == names(5000)
    small = names(3)
    take_apart(small)
    assert small == names(3), "freed at once"
