from dataclasses import replace

from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.alias import (
    TTL_MAX_S,
    Addresses,
    flattened,
    targets,
    unsigned_version,
)
from pabal.dns.zone.tree import Zone, changed
from tests.support.zones import HEAD, load, octets, zone

TEXT = HEAD + "@ ALIAS Host.example.net.\n@ MX 10 ns\nshop 60 ALIAS host.example.net.\n"
HOST = octets("host.example.net.")
APEX, SHOP = octets("example.com."), octets("shop.example.com.")
ONE, TWO = b"\xc0\x00\x02\x01", b"\xc0\x00\x02\x02"
SIX = bytes(15) + b"\x01"
OWN = zone(TEXT)
ALIASES = targets(OWN)


def flat(addresses: Addresses | None, before: Zone | None = None) -> Zone:
    return flattened(OWN, ALIASES, {HOST: addresses}, before)


def test_every_alias_is_found() -> None:
    assert ALIASES == {APEX: HOST, SHOP: HOST}
    assert targets(zone(HEAD + "ns TXT \xff\x79\n")) == {}


def test_addresses_take_the_place_of_an_alias() -> None:
    made = flat(Addresses((ONE, TWO), (SIX,)))
    assert set(made.apex) == {codes.SOA, codes.NS, codes.MX, codes.A, codes.AAAA}
    assert made.apex[codes.A].rdatas == (ONE, TWO)
    assert made.apex[codes.A].ttl_s == TTL_MAX_S
    shop = made.nodes[SHOP]
    assert shop[codes.AAAA].rdatas == (SIX,)
    assert shop[codes.A].ttl_s == 60
    assert codes.A not in OWN.apex


def test_without_an_answer_the_addresses_before_stay() -> None:
    before = flat(Addresses((ONE,)))
    after = flat(None, before)
    assert after.apex[codes.A].rdatas == (ONE,)
    assert codes.A not in flat(None).apex
    assert codes.A not in flat(Addresses(), before).apex


def test_the_owners_addresses_win() -> None:
    own = zone(TEXT + "@ A 192.0.2.9\n")
    made = flattened(own, targets(own), {HOST: Addresses((ONE,), (SIX,))}, None)
    assert made.apex[codes.A].rdatas == (b"\xc0\x00\x02\x09",)
    assert made.apex[codes.AAAA].rdatas == (SIX,)


def test_what_changes_is_a_version_of_its_own() -> None:
    first = unsigned_version(flat(Addresses((ONE,))), None, None)
    assert first.serial == 1
    assert unsigned_version(flat(Addresses((ONE,))), first, 1) is first
    second = unsigned_version(flat(Addresses((TWO,))), first, 1)
    assert second.serial == 2
    assert second.apex[codes.A].rdatas == (TWO,)
    ahead = zone(TEXT.replace("hostmaster 1 ", "hostmaster 9 "))
    third = flattened(ahead, ALIASES, {HOST: Addresses((TWO,))}, None)
    assert unsigned_version(third, second, 2).serial == 9
    slower = zone(TEXT.replace("7200", "7300"))
    fourth = flattened(slower, ALIASES, {HOST: Addresses((TWO,))}, None)
    assert unsigned_version(fourth, second, 2).serial == 3
    soa = frozenset({(APEX, codes.SOA)})
    again = replace(third, derived=soa)
    assert unsigned_version(again, replace(third, derived=soa), 9).serial == 9


def problems(text: str) -> list[str]:
    return [str(problem) for problem in load(HEAD + text).problems]


def test_mistakes_are_shown() -> None:
    assert problems("@ ALIAS host.example.net.\n@ MX 10 @\n") == []
    for wrong, reason in (
        ("@ ALIAS a.test.\n@ ALIAS b.test.\n", "more than one ALIAS"),
        ("@ ALIAS @\n", "itself"),
        ("@ ALIAS a.test. b.test.\n", "one name"),
        ("@ ALIAS a..test.\n", "is not a name"),
        ("@ A 192.0.2.1\n@ ALIAS b.test.\n", "win over"),
        ("w CNAME a.test.\nw ALIAS b.test.\n", "CNAME beside"),
    ):
        (found,) = problems(wrong)
        assert reason in found, found


def test_only_what_differs_is_looked_at_again() -> None:
    new, gone = octets("new.example.com."), SHOP
    alias = RRset(new, codes.ALIAS, 60, (HOST.upper(),))
    after = changed(OWN, {new: {codes.ALIAS: alias}, gone: {}}, frozenset())
    assert targets(after, (OWN, ALIASES)) == {APEX: HOST, new: HOST} == targets(after)
    assert targets(OWN, (OWN, {APEX: ONE})) == {APEX: ONE}
