from dataclasses import replace

import pytest

from pabal.dns.dnssec.keystate import Cell, KeyState, Place, Policy, Ring, Role
from pabal.dns.dnssec.waiting import standing
from tests.dns.dnssec.world import is_settled, secure, world

KEY = KeyState(7, 13, Role.CSK, b"", 0)


def test_a_zone_on_its_way_says_so() -> None:
    assert standing(Ring(Policy(enabled=False))).state == "unsigned"
    assert standing(Ring(Policy())).state == "starting"
    made = world()
    made.obeys_after_s = None
    made.tick()
    first = standing(made.ring)
    assert first.state == "signing"
    assert "must not be published yet" in first.text
    assert [wait.on for wait in first.waits] == ["caches", "caches"]
    assert first.waits[0].until == made.at + made.ring.key_wait_s()
    made.run(lambda w: any(key.is_for_parent for key in w.ring.keys))
    asked = standing(made.ring)
    assert asked.state == "waiting-for-parent"
    (wait,) = asked.waits
    assert (wait.on, wait.until, wait.tag) == ("parent", None, 101)
    assert wait.text == "the parent has to publish the DS record of key 101"
    made.obeys_after_s = 0
    made.run(is_settled)
    assert standing(made.ring) == replace(standing(made.ring), state="secure", waits=())


def test_a_roll_over_and_an_end_say_so() -> None:
    made = secure()
    made.roll(Role.CSK)
    made.tick()
    assert standing(made.ring).state == "rolling"
    made = secure()
    made.adopt(enabled=False)
    made.tick()
    leaving = standing(made.ring)
    assert leaving.state == "going-insecure"
    assert leaving.waits[0].text.startswith("the parent has to remove")


@pytest.mark.parametrize(
    ("place", "clause"),
    [
        (Place.RUMOURED, "every cache has to have the DNSKEY record of key 7"),
        (Place.UNRETENTIVE, "no cache may have the DNSKEY record of key 7 any more"),
    ],
)
def test_a_wait_has_an_end(place: Place, clause: str) -> None:
    ring = Ring(Policy(), (replace(KEY, key=Cell(place, 10)),))
    (wait,) = standing(ring).waits
    assert wait.text == clause
    assert wait.until == 10 + ring.key_wait_s()


def test_what_is_decided_and_not_signed_yet_waits_for_the_signer() -> None:
    ring = Ring(Policy(), (replace(KEY, key=Cell(Place.RUMOURED, None)),))
    (wait,) = standing(ring).waits
    assert (wait.on, wait.until) == ("signer", None)
