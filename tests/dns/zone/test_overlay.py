from pabal.dns.wire import codes
from pabal.dns.zone.overlay import (
    base_of,
    digest_of,
    laid_over,
    next_serial,
    with_serial,
)
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.update import Draft
from tests.support.updates import request
from tests.support.zones import HEAD, octets, zone

WWW = octets("www.example.com")


def moved(text: str, *lines: str, onto: str) -> Zone:
    """Return what comes of an update to ``text`` after the owner wrote ``onto``."""
    draft = Draft(zone(HEAD + text), {})
    draft.take(request(*lines))
    return laid_over(zone(HEAD + onto), draft.patches, draft.soa)


def last_octets(made: Zone, name: bytes = WWW) -> list[int]:
    rrset = made.nodes.get(name, {}).get(codes.A)
    return [] if rrset is None else sorted(rdata[3] for rdata in rrset.rdatas)


def test_updates_lie_over_the_same_file() -> None:
    made = moved(
        "www A 192.0.2.2\n", "add www 60 A 192.0.2.3", onto="www A 192.0.2.2\n"
    )
    assert last_octets(made) == [2, 3]
    assert made.serial == 2
    assert made.updated == {(WWW, codes.A)}


def test_an_edited_set_wins_and_others_stay() -> None:
    made = moved(
        "www A 192.0.2.2\nx A 192.0.2.7\n",
        "add www 60 A 192.0.2.3",
        "delete x",
        "add new 60 A 192.0.2.9",
        onto="www A 192.0.2.5\nx A 192.0.2.7\n",
    )
    assert last_octets(made) == [5]
    assert last_octets(made, octets("x.example.com")) == []
    assert last_octets(made, octets("new.example.com")) == [9]


def test_a_set_the_owner_adds_or_removes_is_edited() -> None:
    made = moved("", "add www 60 A 192.0.2.3", onto="www A 192.0.2.5\n")
    assert last_octets(made) == [5]
    made = moved("www A 192.0.2.2\n", "add www 60 A 192.0.2.3", onto="")
    assert last_octets(made) == []


def test_a_file_put_back_brings_the_update_back() -> None:
    draft = Draft(zone(HEAD + "www A 192.0.2.2\n"), {})
    draft.take(request("add www 60 A 192.0.2.3"))
    edited = laid_over(zone(HEAD + "www A 192.0.2.5\n"), draft.patches, draft.soa)
    assert last_octets(edited) == [5]
    back = laid_over(zone(HEAD + "www A 192.0.2.2\n"), draft.patches, draft.soa)
    assert last_octets(back) == [2, 3]


def test_an_alias_in_the_file_wins_over_an_update_beside_it() -> None:
    made = moved("", "add www 60 A 192.0.2.3", onto="www CNAME ns\n")
    assert set(made.nodes[WWW]) == {codes.CNAME}
    made = moved("", "add www 60 CNAME ns", onto="www A 192.0.2.5\n")
    assert set(made.nodes[WWW]) == {codes.A}


def test_the_soa_is_patched_but_its_serial() -> None:
    draft = Draft(zone(HEAD), {})
    draft.take(request("add @ 60 SOA ns other 9 1 2 3 4"))
    made = laid_over(zone(HEAD), draft.patches, with_serial(draft.soa, 77))
    assert made.serial == 77
    assert b"\x05other" in made.soa.rdatas[0]
    edited = zone(HEAD.replace("7200", "7300"))
    made = laid_over(edited, draft.patches, with_serial(draft.soa, 77))
    assert made.serial == 77
    assert b"\x0ahostmaster" in made.soa.rdatas[0]


def test_no_patch_is_no_change() -> None:
    plain = zone(HEAD)
    assert laid_over(plain, {}, None) is plain


def test_serials_follow_each_other_and_skip_zero() -> None:
    assert next_serial(1) == 2
    assert next_serial(0xFFFF_FFFF) == 1


def test_digests_tell_sets_and_zones_apart() -> None:
    one, two = zone(HEAD + "www A 192.0.2.2\n"), zone(HEAD + "www A 192.0.2.3\n")
    assert digest_of(one) != digest_of(two)
    assert digest_of(one) == digest_of(zone(HEAD + "\n\nwww A 192.0.2.2\n"))
    assert digest_of(zone(HEAD)) != digest_of(zone(HEAD.replace(" 1 ", " 2 ")))
    assert base_of(None) == b""
    www = one.nodes[WWW][codes.A]
    assert base_of(www) != base_of(two.nodes[WWW][codes.A])
    assert base_of(one.soa) == base_of(with_serial(one.soa, 5))
