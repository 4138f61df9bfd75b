from pathlib import Path
from typing import Any

import pytest

from pabal.dns.dnssec.keystate import Place, Role
from pabal.dns.wire import codes
from pabal.dns.zone.alias import Addresses
from pabal.dns.zone.keystore import STATE, KeyStore
from pabal.dns.zone.signedfile import SignedZones
from pabal.dns.zone.signer import ZoneSigner
from tests.dns.zone.signed_world import (
    NAME,
    TEXT,
    SignedWorld,
    settled,
)
from tests.support.zones import zone


@pytest.fixture
def world(tmp_path: Path) -> SignedWorld:
    return SignedWorld(tmp_path)


def secure(world: SignedWorld) -> SignedWorld:
    world.settle()
    world.is_secure = True
    return world


def tags(world: SignedWorld) -> list[int]:
    return [key.tag for key in world.ring.keys]


@pytest.mark.parametrize("algorithm", [13, 15])
def test_a_zone_gets_keys_signatures_and_at_last_its_ds(
    tmp_path: Path, algorithm: int
) -> None:
    world = SignedWorld(tmp_path, algorithm=algorithm)
    assert codes.RRSIG not in world.served.apex
    world.tick()
    assert {codes.DNSKEY, codes.NSEC, codes.RRSIG} <= world.served.apex.keys()
    assert codes.CDS not in world.served.apex
    assert not world.ds.now
    world.settle()
    assert {codes.CDS, codes.CDNSKEY} <= world.served.apex.keys()
    assert world.ds.now == world.served.apex[codes.CDS].rdatas


@pytest.mark.parametrize(
    ("policy", "roles"),
    [
        ({}, [Role.CSK]),
        ({"split": True}, [Role.ZSK]),
        ({"split": True}, [Role.KSK]),
        ({"split": True, "nsec3": True}, [Role.KSK, Role.ZSK]),
        ({"algorithm": 15}, [Role.CSK]),
    ],
)
def test_no_cache_ever_fails_while_keys_roll(
    tmp_path: Path, policy: dict[str, Any], roles: list[Role]
) -> None:
    world = secure(SignedWorld(tmp_path, **policy))
    before = {key.role: key.tag for key in world.ring.keys}
    world.roll(*roles)
    world.tick()
    assert len(world.ring.keys) == len(before) + len(roles)
    world.settle()
    after = {key.role: key.tag for key in world.ring.keys}
    assert {role for role in after if after[role] != before[role]} == set(roles)
    # Nobody can use a key that is gone.
    pems = {int(path.stem) for path in world.keys.path.glob("*.pem")}
    assert pems == set(after.values())


@pytest.mark.parametrize("split", [False, True])
def test_no_cache_ever_fails_while_the_algorithm_changes(
    tmp_path: Path, *, split: bool
) -> None:
    world = secure(SignedWorld(tmp_path, split=split))
    world.adopt(algorithm=15)
    world.settle()
    assert {key.algorithm for key in world.ring.keys} == {15}
    assert all(rdata[3] == 15 for rdata in world.served.apex[codes.DNSKEY].rdatas)


def test_no_cache_ever_fails_while_nsec_becomes_nsec3(world: SignedWorld) -> None:
    secure(world).adopt(nsec3=True)
    world.tick()
    assert codes.NSEC3PARAM in world.served.apex
    assert codes.NSEC not in world.served.apex
    world.run(lambda w: settled(w.ring))


def test_going_insecure_asks_the_parent_first(world: SignedWorld) -> None:
    secure(world).is_secure = False
    world.adopt(enabled=False)
    world.tick()
    assert world.served.apex[codes.CDS].rdatas == (bytes(5),)
    assert codes.RRSIG in world.served.apex
    world.run(lambda w: not w.ring.keys)
    world.tick()
    assert codes.RRSIG not in world.served.apex
    assert not list(world.keys.path.glob("*.pem"))


def test_signatures_are_made_anew_long_before_they_end(world: SignedWorld) -> None:
    secure(world)
    versions, serial = world.versions, world.served.serial
    days = 25
    world.tick_s = 6 * 3600
    end = world.at + days * 86_400
    world.run(lambda w: w.at >= end, hours=days * 24 + 1)
    policy = world.ring.policy
    rounds = days * 86_400 / (policy.validity_s - policy.refresh_s)
    assert rounds - 1 <= world.versions - versions <= 5 * rounds
    assert world.served.serial == serial + world.versions - versions


def test_what_the_owner_changes_is_signed_and_nothing_else(world: SignedWorld) -> None:
    world.tick()
    before = world.served
    world.own = zone(TEXT + "new A 192.0.2.9\n")
    world.tick()
    after = world.served
    assert after.serial == before.serial + 1
    assert codes.RRSIG in after.nodes[b"\x03new" + before.origin]
    same = [
        name
        for name, records in before.nodes.packed.items()
        if after.nodes.packed.get(name) == records
    ]
    # All but the apex and the name before the new one in the chain.
    assert len(same) == len(before.nodes) - 2


def test_a_round_without_anything_to_do_does_nothing(world: SignedWorld) -> None:
    world.tick()
    state = (world.keys.path / STATE).stat()
    served = world.served
    turn = world.signer.turn({world.own.origin: world.own})
    assert not turn.changed
    assert turn.next_at > world.at
    assert (world.keys.path / STATE).stat().st_mtime_ns == state.st_mtime_ns
    assert world.served is served


def test_a_new_signer_takes_over_what_is_on_disk(
    world: SignedWorld, tmp_path: Path
) -> None:
    world.tick()
    files = SignedZones(tmp_path)
    again = ZoneSigner(KeyStore(tmp_path), files, world.clock)
    turn = again.turn({world.own.origin: world.own})
    assert not turn.changed


def test_a_signer_that_died_before_it_said_so_begins_the_wait_later(
    world: SignedWorld,
) -> None:
    signer = world.signer
    ring = signer._moved(world.keys, world.at)
    assert ring.keys[0].key.since is None
    world.clock.at += 5000
    world.tick()
    assert world.ring.keys[0].key.place is Place.RUMOURED
    assert world.ring.keys[0].key.since == world.at - world.tick_s


def test_a_zone_whose_keys_are_damaged_stays_as_it_is(world: SignedWorld) -> None:
    world.tick()
    served = world.served
    (pem,) = world.keys.path.glob("*.pem")
    pem.write_bytes(b"nothing")
    world.own = zone(TEXT + "new A 192.0.2.9\n")
    turn = world.signer.turn({world.own.origin: world.own})
    assert not turn.changed
    assert world.served is served
    (world.keys.path / STATE).write_text("{")
    assert not world.signer.turn({world.own.origin: world.own}).changed
    assert NAME not in world.signer.watched()


def test_a_signer_that_is_to_stop_leaves_nothing_half_done(world: SignedWorld) -> None:
    world.tick()
    served = world.served
    world.own = zone(TEXT + "new A 192.0.2.9\n")
    owners = {world.own.origin: world.own}
    waits: list[int] = []

    def give_way() -> None:
        waits.append(1)
        signer.stopping = True

    signer = ZoneSigner(world.store, world.files, world.clock, give_way)
    assert not signer.turn(owners).changed
    assert waits == [1]
    assert world.served is served
    signer.stopping = False
    signer._give_way = bool
    assert signer.turn(owners).changed


def test_a_clock_that_went_back_signs_nothing(world: SignedWorld) -> None:
    world.tick()
    served = world.served
    world.clock.at -= 2 * 86_400
    world.own = zone(TEXT + "new A 192.0.2.9\n")
    assert not world.signer.turn({world.own.origin: world.own}).changed
    assert world.served is served


def test_the_parents_strangers_are_noted(world: SignedWorld) -> None:
    world.tick()
    world.signer.saw(NAME, [], 0)
    assert world.ring.parent.checked_at == world.at
    world.signer.saw(NAME.parent(), [], 0)


ALIAS_TEXT = TEXT + "@ ALIAS host.test.\n"
HOST = b"\x04host\x04test\x00"


def test_an_alias_is_flattened_and_signed(world: SignedWorld) -> None:
    world.own = zone(ALIAS_TEXT)
    owners = {world.own.origin: world.own}
    assert world.signer.look(owners) == {HOST}
    assert not world.signer.turn(owners).changed, "nothing is known of it yet"
    book = {HOST: Addresses((b"\xc0\x00\x02\x01",))}
    assert world.signer.turn(owners, book).changed
    first = world.served
    assert codes.ALIAS not in first.apex
    covered = {rdata[:2] for rdata in first.apex[codes.RRSIG].rdatas}
    assert codes.A.to_bytes(2, "big") in covered
    assert not world.signer.turn(owners, book).changed
    assert not world.signer.turn(owners, {HOST: None}).changed
    book = {HOST: Addresses((b"\xc0\x00\x02\x02",))}
    assert world.signer.turn(owners, book).changed
    assert world.served.serial == first.serial + 1
    assert world.served.apex[codes.A].rdatas == (b"\xc0\x00\x02\x02",)


def test_an_alias_needs_no_signatures(tmp_path: Path) -> None:
    world = SignedWorld(tmp_path, enabled=False)
    plain = world.own
    world.own = zone(ALIAS_TEXT)
    owners = {world.own.origin: world.own}
    world.signer.look(owners)
    book = {HOST: Addresses((b"\xc0\x00\x02\x01",))}
    assert world.signer.turn(owners, book).changed
    assert codes.A in world.served.apex
    assert codes.RRSIG not in world.served.apex
    assert not world.signer.turn(owners, book).changed
    # Before the first answer what was served goes on.
    assert SignedZones(tmp_path / "none")(world.own, plain) is plain
    world.own = plain
    owners = {plain.origin: plain}
    world.signer.look(owners)
    assert world.signer.turn(owners).changed
    # The owner's serial number is behind: secondaries would not notice.
    assert world.served.serial == plain.serial + 1
    assert codes.A not in world.served.apex


def test_secondaries_notice_that_a_zone_is_not_signed_any_more(
    world: SignedWorld,
) -> None:
    secure(world).is_secure = False
    serial = world.served.serial
    assert serial > world.own.serial
    world.adopt(enabled=False)
    world.run(lambda w: not w.ring.keys)
    world.tick()
    assert codes.RRSIG not in world.served.apex
    assert world.served.serial > serial
    world.tick()
    world.own = zone(TEXT.replace("hostmaster 1 ", "hostmaster 500 "))
    world.tick()
    assert world.served is world.own
