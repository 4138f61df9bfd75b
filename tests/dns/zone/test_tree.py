import pytest

from pabal.dns.wire import codes
from pabal.dns.zone.tree import ZoneBuildError, build_zone
from tests.support.zones import HEAD, octets, zone


def test_empty_non_terminals_exist() -> None:
    made = zone(HEAD + "a.b.c A 192.0.2.9\n")
    assert made.nodes[octets("b.c.example.com")] == {}
    assert made.nodes[octets("c.example.com")] == {}
    assert octets("com.") not in made.nodes


def test_soa_and_its_negative_twin() -> None:
    made = zone(HEAD)
    assert made.serial == 1
    assert made.soa.ttl_s == 3600
    assert made.negative_soa.ttl_s == 300
    assert not made.is_derived(made.soa)


def test_names_are_folded() -> None:
    made = zone(HEAD + "WWW A 192.0.2.9\n")
    assert made.nodes[octets("www.example.com")][codes.A].owner == octets(
        "WWW.example.com"
    )


def test_no_soa_no_zone() -> None:
    with pytest.raises(ZoneBuildError):
        build_zone(octets("example.com."), [])
