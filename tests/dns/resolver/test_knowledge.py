import dns.name
import dns.rdatatype
import dns.rrset
import pytest

from pabal.dns.resolver.cache import Cache, Failures, Trust
from pabal.dns.resolver.delegation import Delegation
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.knowledge import Knowledge
from pabal.dns.resolver.scrub import Kind, Reading
from pabal.dns.resolver.servers import ServerMemory
from pabal.dns.resolver.settings import ResolverSettings
from tests.scenario.dns.network import FakeChance, FakeLocal, Zone
from tests.scenario.dns.player import record

A, DS, MX = dns.rdatatype.A, dns.rdatatype.DS, dns.rdatatype.MX
NS = dns.rdatatype.NS
WWW = dns.name.from_text("www.example.test.")
ROOT = Server("root.", "192.0.2.1", 20053)


def knowledge(local: FakeLocal | None = None, *, ipv4: bool = True) -> Knowledge:
    settings = ResolverSettings(root_hints=(ROOT,), ipv4=ipv4)
    return Knowledge(
        settings, Cache(settings), Failures(), ServerMemory(), FakeChance(), local
    )


def test_nothing_is_known_but_the_root() -> None:
    known = knowledge()
    assert known.served(WWW, A) is None
    assert known.cached(WWW, A, 0.0, stale=False) is None
    assert known.closest(WWW, A, 0.0).servers == [ROOT]
    assert known.closest(WWW, A, 0.0).zone == dns.name.root


def test_hints_of_an_unused_family_are_left_out() -> None:
    assert knowledge(ipv4=False).closest(WWW, A, 0.0).servers == []


def test_closest_needs_a_way_in() -> None:
    known = knowledge()
    known.cache.put(record("test. 60 NS ns.elsewhere."), Trust.REFERRAL, 0.0)
    known.cache.put(record("example.test. 60 NS ns.example.test."), Trust.REFERRAL, 0.0)
    # example.test. has only a server below itself, without an address: one step up
    assert str(known.closest(WWW, A, 0.0).zone) == "test."
    known.cache.put(record("ns.example.test. 60 A 192.0.2.3"), Trust.GLUE, 0.0)
    closest = known.closest(WWW, A, 0.0)
    assert str(closest.zone) == "example.test."
    assert closest.remembered
    assert closest.servers == [Server("ns.example.test.", "192.0.2.3")]


def test_ds_is_asked_of_the_parent() -> None:
    known = knowledge()
    known.cache.put(record("example.test. 60 NS ns.other."), Trust.REFERRAL, 0.0)
    zone = dns.name.from_text("example.test.")
    assert known.closest(zone, DS, 0.0).zone == dns.name.root
    assert known.closest(zone, MX, 0.0).zone == zone


def test_cached_alias() -> None:
    known = knowledge()
    known.cache.put(record("www.example.test. 60 CNAME x.test."), Trust.ANSWER, 0.0)
    reading = known.cached(WWW, A, 0.0, stale=False)
    assert reading is not None
    assert reading.kind is Kind.ALIAS
    assert str(reading.end) == "x.test."
    asked = known.cached(WWW, dns.rdatatype.CNAME, 0.0, stale=False)
    assert asked is not None
    assert asked.kind is Kind.ANSWER


def test_what_is_kept_has_the_trust_it_deserves() -> None:
    known = knowledge()
    alias, address = (
        record("www.example.test. 60 CNAME x.example.test."),
        record("x.example.test. 60 A 192.0.2.1"),
    )
    ns, glue = (
        record("example.test. 60 NS ns.example.test."),
        record("ns.example.test. 60 A 192.0.2.3"),
    )
    delegation = known.closest(WWW, A, 0.0)
    query = known.query(delegation, ROOT, (WWW, A), tcp=False, now=0.0)
    reading = Reading(
        Kind.ANSWER,
        (alias, address),
        address.name,
        ns=ns,
        glue=(glue,),
        authoritative=True,
    )
    known.keep(query, reading, 0.0)

    def trust(rrset: dns.rrset.RRset) -> Trust:
        entry = known.cache.get(rrset.name, rrset.rdtype, 0.0)
        assert entry is not None
        return entry.trust

    assert trust(alias) is Trust.AUTHORITATIVE
    assert trust(address) is Trust.ANSWER
    assert trust(ns) is Trust.AUTHORITY
    assert trust(glue) is Trust.GLUE


@pytest.mark.parametrize(
    ("left_s", "kept_s"),
    [(100.0, 100.0), (None, None)],
    ids=["its delegation lives", "it ended while the question was on its way"],
)
def test_a_zone_does_not_keep_itself_alive(
    left_s: float | None, kept_s: float | None
) -> None:
    """Neither beside an answer, nor as one, nor by the zones below it."""
    known = knowledge()
    ns = record("example.test. 80000 NS ns.example.test.")
    below = record("deep.example.test. 80000 NS ns.example.test.")
    delegation = Delegation(ns.name, [ROOT])

    def expires(rrset: dns.rrset.RRset) -> float | None:
        entry = known.cache.get(rrset.name, rrset.rdtype, 0.0)
        return None if entry is None else entry.expires_at

    def renewed(reading: Reading, rdtype: dns.rdatatype.RdataType = A) -> None:
        known.cache.flush(dns.name.root)
        if left_s is not None:
            parent = record(f"example.test. {left_s:.0f} NS ns.example.test.")
            known.cache.put(parent, Trust.REFERRAL, 0.0)
        query = known.query(delegation, ROOT, (WWW, rdtype), tcp=False, now=0.0)
        if reading.kind is Kind.REFERRAL:
            known.keep_referral(reading, ns.name, 0.0)
        else:
            known.keep(query, reading, 0.0)

    address = record("www.example.test. 80000 A 192.0.2.1")
    renewed(Reading(Kind.ANSWER, (address,), WWW, ns=ns, authoritative=True))
    assert expires(ns) == kept_s
    assert expires(address) == 80_000.0, "what it says of itself lasts as it says"
    renewed(Reading(Kind.ANSWER, (ns,), ns.name, authoritative=True), NS)
    assert expires(ns) == kept_s
    renewed(Reading(Kind.ANSWER, (below,), below.name, authoritative=True), NS)
    assert expires(below) == kept_s
    renewed(Reading(Kind.REFERRAL, ns=below))
    assert expires(below) == kept_s


def test_case_is_mixed_over_udp_to_servers_found() -> None:
    known = knowledge()
    found = known.closest(WWW, A, 0.0)
    chosen = Delegation(dns.name.root, [ROOT], recursive=True)
    plain = b"\x03www\x07example\x04test"

    def is_mixed(delegation: Delegation, *, tcp: bool) -> bool:
        query = known.query(delegation, ROOT, (WWW, A), tcp=tcp, now=0.0)
        return plain not in query.wire

    assert is_mixed(found, tcp=False)
    assert not is_mixed(found, tcp=True)
    assert not is_mixed(chosen, tcp=False)


def test_served() -> None:
    zone = Zone.read(
        "example.test.",
        ["@ SOA ns you 1 1 1 1 60", "www A 192.0.2.1", "out CNAME x.other."],
    )
    known = knowledge(FakeLocal([zone]))

    def kind(name: str, rdtype: dns.rdatatype.RdataType = A) -> Kind:
        reading = known.served(dns.name.from_text(name), rdtype)
        assert reading is not None
        assert reading.authoritative
        return reading.kind

    assert kind("www.example.test.") is Kind.ANSWER
    assert kind("www.example.test.", MX) is Kind.NODATA
    assert kind("x.example.test.") is Kind.NXDOMAIN
    assert kind("out.example.test.") is Kind.ALIAS
    assert known.served(dns.name.from_text("x.other."), A) is None


def test_what_is_not_authoritative_is_believed_less() -> None:
    known = knowledge()
    answer = record("www.example.test. 60 A 192.0.2.1")
    query = known.query(known.closest(WWW, A, 0.0), ROOT, (WWW, A), tcp=False, now=0.0)
    for authoritative, trust in ((False, Trust.ANSWER), (True, Trust.AUTHORITATIVE)):
        reading = Reading(Kind.ANSWER, (answer,), WWW, authoritative=authoritative)
        known.keep(query, reading, 0.0)
        entry = known.cache.get(WWW, A, 0.0)
        assert entry is not None
        assert entry.trust is trust
