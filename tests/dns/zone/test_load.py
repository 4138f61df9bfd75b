from pabal.dns.ports import DerivedRecord
from pabal.dns.wire import codes
from tests.support.zones import HEAD, load, octets

APEX = octets("example.com.")


def test_a_hosted_domain_without_a_file_is_a_zone() -> None:
    loaded = load("", derived=(DerivedRecord("example.com.", "TXT", "x"),), hosted=True)
    zone = loaded.zone
    assert zone is not None
    assert zone.serial == 7
    assert zone.nodes[APEX][codes.NS].rdatas == (octets("mail.example.org"),)
    assert zone.is_derived(zone.soa)
    assert not loaded.problems


def test_what_the_app_derives_is_not_added_twice() -> None:
    zone = load(
        "",
        derived=(
            DerivedRecord("example.com.", "SOA", "a.test. b.test. 9 1 1 1 1"),
            DerivedRecord("example.com.", "NS", "a.test."),
        ),
        hosted=True,
    ).zone
    assert zone is not None
    assert zone.serial == 9
    assert zone.nodes[APEX][codes.NS].rdatas == (octets("a.test"),)


def test_the_owners_apex_wins() -> None:
    zone = load(HEAD, hosted=True).zone
    assert zone is not None
    assert zone.serial == 1
    assert not zone.derived


def test_a_wrong_file_is_no_zone_and_gaps_are_not_reported() -> None:
    loaded = load("$TTL 1\n@ SOA ns\n@ NS ns\nns A 192.0.2.1\n")
    assert loaded.zone is None
    assert len(loaded.problems) == 1
    assert loaded.problems[0].place.line == 2


def test_warnings_do_not_keep_a_zone_away() -> None:
    loaded = load(HEAD + "@ MX 10 gone\n")
    assert loaded.zone is not None
    assert len(loaded.problems) == 1
