import contextlib
import random
from dataclasses import replace

import pytest

from pabal.dns.dnssec.keystate import Cell, KeyState, Place, Policy, Ring, Role
from pabal.dns.dnssec.rollover import (
    PARENT_BUSY_S,
    PARENT_IDLE_S,
    RollOverError,
    adopt,
    looks_at_parent_every_s,
    next_move,
    observed,
    published,
    roll,
    step,
    until,
)
from tests.dns.dnssec.world import (
    DS_TTL_S,
    TICK_S,
    ZONE_TTL_S,
    World,
    is_settled,
    secure,
    world,
)

HOUR_S = 3600
POLICY = Policy()
KEY_WAIT_S = POLICY.dnskey_ttl_s + POLICY.propagation_s
SIGNATURES_WAIT_S = ZONE_TTL_S + POLICY.propagation_s
DS_WAIT_S = DS_TTL_S + POLICY.parent_propagation_s


def places(world: World, tag: int) -> list[str]:
    (key,) = (key for key in world.ring.keys if key.tag == tag)
    return [cell.place.value for cell in key.cells]


def reached(world: World, tag: int, *expected: str) -> int:
    """Return the seconds until the key is at these places."""
    return world.run(
        lambda w: (
            any(key.tag == tag for key in w.ring.keys)
            and places(w, tag) == list(expected)
        )
    )


def test_a_zone_is_signed_at_once_and_delegated_when_every_cache_knows() -> None:
    made = world()
    made.tick()
    assert places(made, 101) == ["rumoured", "rumoured", "hidden"]
    assert not any(key.is_for_parent for key in made.ring.keys)
    assert reached(made, 101, "omnipresent", "rumoured", "hidden") >= KEY_WAIT_S
    reached(made, 101, "omnipresent", "omnipresent", "asked")
    reached(made, 101, "omnipresent", "omnipresent", "rumoured")
    took = reached(made, 101, "omnipresent", "omnipresent", "omnipresent")
    assert DS_WAIT_S <= took + TICK_S <= DS_WAIT_S + 2 * TICK_S
    assert is_settled(made)


def test_a_zsk_is_published_before_it_signs_and_goes_after_its_signatures() -> None:
    made = secure(split=True)
    made.roll(Role.ZSK)
    made.tick()
    assert places(made, 102) == ["omnipresent", "omnipresent", "hidden"]
    assert places(made, 103) == ["rumoured", "hidden", "hidden"]
    took = reached(made, 103, "omnipresent", "rumoured", "hidden")
    assert KEY_WAIT_S <= took + TICK_S <= KEY_WAIT_S + 2 * TICK_S
    assert places(made, 102) == ["omnipresent", "unretentive", "hidden"]
    took = reached(made, 103, "omnipresent", "omnipresent", "hidden")
    assert SIGNATURES_WAIT_S <= took + TICK_S <= SIGNATURES_WAIT_S + 2 * TICK_S
    assert places(made, 102) == ["unretentive", "hidden", "hidden"]
    took = made.run(is_settled)
    assert KEY_WAIT_S <= took + TICK_S <= KEY_WAIT_S + 2 * TICK_S
    assert [key.tag for key in made.ring.keys] == [101, 103]


def test_a_ksk_signs_beside_the_one_before_until_the_parents_caches_know() -> None:
    made = secure(split=True)
    made.roll(Role.KSK)
    made.tick()
    assert places(made, 103) == ["rumoured", "hidden", "hidden"]
    reached(made, 103, "omnipresent", "hidden", "asked")
    assert places(made, 101) == ["omnipresent", "hidden", "recalled"]
    reached(made, 103, "omnipresent", "hidden", "rumoured")
    assert places(made, 101) == ["omnipresent", "hidden", "unretentive"]
    took = reached(made, 103, "omnipresent", "hidden", "omnipresent")
    assert DS_WAIT_S <= took + TICK_S <= DS_WAIT_S + 2 * TICK_S
    assert places(made, 101) == ["unretentive", "hidden", "hidden"]
    made.run(is_settled)
    assert [key.tag for key in made.ring.keys] == [102, 103]


def test_a_csk_rolls_as_zsk_and_ksk_at_once() -> None:
    made = secure()
    made.roll(Role.CSK)
    made.tick()
    assert places(made, 102) == ["rumoured", "hidden", "hidden"]
    reached(made, 102, "omnipresent", "rumoured", "asked")
    assert places(made, 101) == ["omnipresent", "unretentive", "recalled"]
    made.run(is_settled)
    assert [key.tag for key in made.ring.keys] == [102]


@pytest.mark.parametrize("split", [False, True])
def test_a_new_algorithm_brings_signatures_keys_and_ds_in_this_order(
    *, split: bool
) -> None:
    made = secure(split=split)
    before = [key.tag for key in made.ring.keys]
    made.adopt(algorithm=15)
    made.tick()
    new = [key for key in made.ring.keys if key.algorithm == 15]
    assert all(key.key.place is Place.HIDDEN for key in new)
    assert [key.is_signing for key in new if key.role.signs_zone] == [True]
    made.run(lambda w: all(key.is_published for key in w.ring.of(15)))
    assert {places(made, tag)[0] for tag in before} == {"omnipresent"}
    made.run(lambda w: any(key.is_for_parent for key in w.ring.of(15)))
    made.run(lambda w: not any(key.is_published for key in w.ring.of(13)))
    # RFC 6781 §4.1.4: the signatures of the old algorithm outlive its keys.
    assert any(key.is_signing for key in made.ring.of(13))
    made.run(is_settled)
    assert {key.algorithm for key in made.ring.keys} == {15}


def test_a_patient_zone_waits_for_its_parent_with_both_keys() -> None:
    made = secure(split=True, zsk_lifetime_s=0)
    made.obeys_after_s = None
    made.roll(Role.KSK)
    with pytest.raises(AssertionError):
        made.run(is_settled, hours=200)
    assert places(made, 101) == ["omnipresent", "hidden", "recalled"]
    assert places(made, 103) == ["omnipresent", "hidden", "asked"]
    made.roll(Role.ZSK)
    made.obeys_after_s = 0
    made.run(is_settled)
    assert [key.tag for key in made.ring.keys] == [103, 104]


def test_zone_and_key_signing_keys_roll_at_the_same_time() -> None:
    made = secure(split=True)
    made.roll(Role.ZSK, Role.KSK)
    made.run(is_settled)
    assert [key.tag for key in made.ring.keys] == [103, 104]


def test_an_old_zsk_is_replaced_by_itself() -> None:
    made = secure(split=True, zsk_lifetime_s=100 * HOUR_S)
    made.run(lambda w: any(key.tag == 104 for key in w.ring.keys), hours=300)
    assert made.at <= made.ring.keys[-1].created + TICK_S


@pytest.mark.parametrize("split", [False, True])
def test_one_key_becomes_two_and_two_become_one(*, split: bool) -> None:
    made = secure(split=split)
    made.adopt(split=not split)
    made.run(is_settled)
    assert len(made.ring.keys) == (1 if split else 2)


def test_going_insecure_waits_for_the_parent_and_its_caches() -> None:
    made = secure()
    made.is_secure = False
    made.adopt(enabled=False)
    made.tick()
    assert places(made, 101) == ["omnipresent", "omnipresent", "recalled"]
    reached(made, 101, "omnipresent", "omnipresent", "unretentive")
    took = made.run(lambda w: not w.ring.keys)
    assert DS_WAIT_S <= took + TICK_S <= DS_WAIT_S + 2 * TICK_S
    assert made.ring.is_bare


def test_going_insecure_is_immediate_before_the_parent_was_asked() -> None:
    made = world()
    made.tick()
    made.adopt(enabled=False)
    made.tick()
    assert not made.ring.keys


def test_who_changes_his_mind_keeps_his_key() -> None:
    made = secure()
    made.adopt(enabled=False)
    made.tick()
    assert places(made, 101)[2] == "recalled"
    made.adopt(enabled=True)
    made.run(is_settled)
    assert [key.tag for key in made.ring.keys] == [101]


def test_who_changes_his_mind_and_his_keys_keeps_the_ds_until_the_next_is_there() -> (
    None
):
    made = secure()
    made.obeys_after_s = None
    made.adopt(enabled=False)
    made.tick()
    assert places(made, 101)[2] == "recalled"
    made.adopt(enabled=True, split=True)
    made.tick()
    # The parent is not asked to delete what it still has.
    assert places(made, 101)[2] in {"asked", "rumoured"}
    made.obeys_after_s = TICK_S
    made.run(is_settled)
    assert [key.tag for key in made.ring.keys] == [102, 103]


def test_a_parent_that_takes_the_ds_away_makes_us_ask_again() -> None:
    made = secure()
    made.is_secure = False
    made.ds.put(frozenset(), made.at)
    made.obeys_after_s = None
    made.tick()
    assert places(made, 101)[2] == "asked"


def test_a_superseded_key_goes_and_the_chain_holds() -> None:
    made = secure()
    made.adopt(algorithm=15)
    made.run(lambda w: all(key.is_published for key in w.ring.of(15)))
    made.adopt(algorithm=13)
    made.run(is_settled)
    assert [key.tag for key in made.ring.keys] == [101]


def test_one_roll_over_at_a_time() -> None:
    made = secure()
    made.roll(Role.CSK)
    made.tick()
    with pytest.raises(RollOverError, match="under way"):
        roll(made.ring, [Role.CSK])
    with pytest.raises(RollOverError, match="no ZSK"):
        roll(made.ring, [Role.ZSK])


def test_a_wait_begins_when_the_zone_is_in_service_and_not_before() -> None:
    key = KeyState(1, 13, Role.CSK, b"", 0)
    ring = step(Ring(Policy(), (key,)), 1000)
    (signing,) = ring.keys
    assert signing.key == Cell(Place.RUMOURED, None)
    assert until(ring, signing, signing.key) is None
    assert step(ring, 10**9) == ring
    ring = published(ring, 5000, 60)
    (signing,) = ring.keys
    assert until(ring, signing, signing.key) == 5000 + KEY_WAIT_S
    assert next_move(ring) == 5000 + 60 + POLICY.propagation_s


def test_the_longest_ttl_is_remembered_until_no_cache_can_hold_it() -> None:
    ring = published(Ring(Policy()), 1000, 86_400)
    ring = published(ring, 2000, 60)
    assert (ring.zone_ttl_s, ring.zone_ttl_until) == (86_400, 2000 + 86_400 + 3600)
    assert published(ring, 3000, 60) == ring
    assert published(ring, 92_000, 60).zone_ttl_s == 60
    assert published(ring, 3000, 86_400).zone_ttl_until is None


def test_the_parents_ttl_is_the_longest_that_was_seen() -> None:
    ring = observed(Ring(Policy()), frozenset(), 0, (), 5)
    assert ring.ds_wait_s() == 86_400 + 3600
    ring = observed(ring, frozenset(), 300, (7,), 6)
    ring = observed(ring, frozenset(), 200, (), 7)
    assert ring.ds_wait_s() == 300 + 3600
    assert ring.parent.checked_at == 7


def test_the_parent_is_looked_at_as_often_as_it_matters() -> None:
    key = KeyState(1, 13, Role.CSK, b"", 0)
    for place, often_s in (
        (Place.HIDDEN, 0),
        (Place.ASKED, PARENT_BUSY_S),
        (Place.OMNIPRESENT, PARENT_IDLE_S),
        (Place.RECALLED, PARENT_BUSY_S),
    ):
        ring = Ring(Policy(), (replace(key, ds=Cell(place)),))
        assert looks_at_parent_every_s(ring) == often_s


def test_a_key_that_is_not_used_any_more_is_not_wanted_again() -> None:
    old = KeyState(1, 13, Role.CSK, b"", 0, wanted=False, key=Cell(Place.UNRETENTIVE))
    assert not adopt(Ring(Policy(), (old,)), Policy()).keys[0].wanted


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_asked_for_at_any_time_no_cache_ever_fails(seed: int) -> None:
    chance = random.Random(seed)
    made = world(split=chance.random() < 0.5, zsk_lifetime_s=0)
    for _ in range(12):
        made.obeys_after_s = chance.choice([0, TICK_S, 7200, 86_400, None])
        for _ in range(chance.choice([1, 3, 10, 40, 150])):
            made.tick()
            made.at += TICK_S
        with contextlib.suppress(RollOverError):
            disturb(made, chance)
    made.ring = adopt(made.ring, replace(made.ring.policy, enabled=True))
    made.obeys_after_s = TICK_S
    made.run(is_settled)


def disturb(made: World, chance: random.Random) -> None:
    policy = made.ring.policy
    match chance.choice(["roll", "algorithm", "split", "enabled"]):
        case "roll":
            made.roll(chance.choice(list(Role)))
        case "algorithm":
            algorithm = chance.choice([13, 15])
            made.ring = adopt(made.ring, replace(policy, algorithm=algorithm))
        case "split":
            made.ring = adopt(made.ring, replace(policy, split=not policy.split))
        case _:
            enabled = chance.random() < 0.7
            made.ring = adopt(made.ring, replace(policy, enabled=enabled))
