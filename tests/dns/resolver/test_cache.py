import gc
import tracemalloc

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset

from pabal.dns.ports import Security
from pabal.dns.resolver.cache import (
    ENTRY_OCTETS,
    FAILURE_SECONDS,
    FAILURES_MAX,
    RDATA_OCTETS,
    Cache,
    Failures,
    Trust,
    lineage,
)
from pabal.dns.resolver.claim import Claim, Verdict
from pabal.dns.resolver.settings import ResolverSettings

A, NS, MX = dns.rdatatype.A, dns.rdatatype.NS, dns.rdatatype.MX
WWW = dns.name.from_text("www.example.test.")
SOA = dns.rrset.from_text("example.test.", 900, "IN", "SOA", "ns. you. 1 1 1 1 60")


def address(
    last: int = 1, ttl: int = 60, name: str = "www.example.test."
) -> dns.rrset.RRset:
    return dns.rrset.from_text(name, ttl, "IN", "A", f"192.0.2.{last}")


def text(cache: Cache, now: float) -> str:
    entry = cache.get(WWW, A, now)
    records = entry.records(now) if entry else None
    return str(records) if records else ""


def test_ages() -> None:
    cache = Cache(ResolverSettings())
    cache.put(address(), Trust.ANSWER, 100.0)
    assert text(cache, 130.0) == "www.example.test. 30 IN A 192.0.2.1"
    assert text(cache, 160.0) == ""


def test_names_are_case_blind() -> None:
    cache = Cache(ResolverSettings())
    cache.put(address(name="WWW.example.TEST."), Trust.ANSWER, 0.0)
    assert cache.answer(WWW, A, 0.0) is not None


def test_what_is_kept_is_a_copy() -> None:
    cache = Cache(ResolverSettings())
    rrset = address()
    cache.put(rrset, Trust.ANSWER, 0.0)
    rrset.ttl = 0
    entry = cache.get(WWW, A, 0.0)
    assert entry is not None
    told = entry.records(0.0)
    assert told is not None
    told.ttl = 0
    assert "60 IN" in text(cache, 0.0)


def test_better_believed_data_stays() -> None:
    cache = Cache(ResolverSettings())
    cache.put(address(1), Trust.AUTHORITATIVE, 0.0)
    cache.put(address(2), Trust.GLUE, 0.0)
    assert "192.0.2.1" in text(cache, 1.0)
    cache.put(address(3), Trust.AUTHORITATIVE, 2.0)
    assert "192.0.2.3" in text(cache, 2.0)
    cache.put(address(4), Trust.GLUE, 70.0)  # the better one has ended
    assert "192.0.2.4" in text(cache, 70.0)


def test_glue_is_no_answer() -> None:
    cache = Cache(ResolverSettings())
    cache.put(address(), Trust.GLUE, 0.0)
    assert cache.get(WWW, A, 0.0) is not None
    assert cache.answer(WWW, A, 0.0) is None


def test_servers_do_not_prolong_themselves() -> None:
    cache = Cache(ResolverSettings())
    ns = dns.rrset.from_text("example.test.", 100, "IN", "NS", "ns.example.test.")
    cache.put(ns, Trust.REFERRAL, 0.0)
    ns.ttl = 10_000
    cache.put(ns, Trust.AUTHORITY, 50.0)
    assert cache.get(ns.name, NS, 99.0) is not None
    assert cache.get(ns.name, NS, 100.0) is None


def test_ttl_caps_and_sign() -> None:
    cache = Cache(ResolverSettings(ttl_min_s=5, ttl_max_s=50))
    cache.put(address(ttl=1), Trust.ANSWER, 0.0)
    assert "5 IN" in text(cache, 0.0)
    cache.put(address(ttl=1000), Trust.ANSWER, 0.0)
    assert "50 IN" in text(cache, 0.0)
    cache.put(address(ttl=2**31), Trust.ANSWER, 0.0)
    assert text(cache, 0.0) == ""


def test_negative() -> None:
    cache = Cache(ResolverSettings())
    cache.put_negative(WWW, MX, SOA, 0.0, nxdomain=False)
    entry = cache.answer(WWW, MX, 59.0)
    assert entry is not None
    assert entry.records(59.0) is None
    assert not entry.nxdomain
    authority = entry.authority(59.0)
    assert authority is not None
    assert authority.ttl == 1
    assert cache.answer(WWW, A, 0.0) is None
    assert cache.answer(WWW, MX, 60.0) is None


def test_nxdomain_covers_types_and_names_below() -> None:
    cache = Cache(ResolverSettings())
    cache.put_negative(WWW, MX, SOA, 0.0, nxdomain=True)
    for name in ("www.example.test.", "a.b.www.example.test."):
        entry = cache.answer(dns.name.from_text(name), A, 0.0)
        assert entry is not None
        assert entry.nxdomain
    assert cache.answer(WWW.parent(), A, 0.0) is None


def test_negative_cap() -> None:
    cache = Cache(ResolverSettings(negative_ttl_max_s=7))
    cache.put_negative(WWW, MX, SOA, 0.0, nxdomain=True)
    assert cache.answer(WWW, A, 7.0) is None


def test_stale() -> None:
    cache = Cache(ResolverSettings(stale_max_s=100))
    cache.put(address(), Trust.ANSWER, 0.0)
    assert cache.answer(WWW, A, 61.0) is None
    entry = cache.answer(WWW, A, 61.0, stale=True)
    assert entry is not None
    records = entry.records(61.0)
    assert records is not None
    assert records.ttl == 30
    assert cache.answer(WWW, A, 160.0, stale=True) is None
    assert len(cache) == 0


def test_bounded_by_entries_oldest_use_first() -> None:
    cache = Cache(ResolverSettings(cache_entries_max=3))
    for number in range(3):
        cache.put(address(name=f"n{number}.test."), Trust.ANSWER, 0.0)
    cache.get(dns.name.from_text("n0.test."), A, 0.0)
    cache.put(address(name="n3.test."), Trust.ANSWER, 0.0)
    assert len(cache) == 3
    assert cache.evicted == 1
    assert cache.get(dns.name.from_text("n0.test."), A, 0.0) is not None
    assert cache.get(dns.name.from_text("n1.test."), A, 0.0) is None


def test_evidence_takes_memory_too() -> None:
    plain, proven = Cache(ResolverSettings()), Cache(ResolverSettings())
    rrset = address()
    claim = Claim(rrset.name, rrset.rdtype, rrset, evidence=(rrset, rrset))
    plain.put(rrset, Trust.AUTHORITATIVE, 0.0)
    proven.put(rrset, Trust.AUTHORITATIVE, 0.0, claim)
    assert proven.octets == plain.octets + 2 * RDATA_OCTETS


def test_bounded_by_octets() -> None:
    cache = Cache(ResolverSettings(cache_octets_max=10 * ENTRY_OCTETS))
    for number in range(100):
        cache.put(address(name=f"n{number}.test."), Trust.ANSWER, 0.0)
    assert 0 < cache.octets <= 10 * ENTRY_OCTETS
    assert len(cache) < 10
    cache.flush(dns.name.root)
    assert cache.octets == 0


def test_flush_and_remove() -> None:
    cache = Cache(ResolverSettings())
    cache.put(address(), Trust.ANSWER, 0.0)
    cache.put(address(name="other.test."), Trust.ANSWER, 0.0)
    assert cache.flush(dns.name.from_text("example.test.")) == 1
    cache.remove(dns.name.from_text("other.test."), A)
    cache.remove(dns.name.from_text("other.test."), A)
    assert len(cache) == 0


def test_failures_end_and_are_bounded() -> None:
    failures = Failures()
    failures.put(WWW, A, "why", 0.0)
    assert failures.get(WWW, A, FAILURE_SECONDS - 1) == "why"
    assert failures.get(WWW, A, FAILURE_SECONDS) is None
    assert failures.get(WWW, MX, 0.0) is None
    for number in range(FAILURES_MAX):
        failures.put(dns.name.from_text(f"n{number}.test."), A, "", 0.0)
    assert len(failures._reasons) == FAILURES_MAX
    assert failures.get(WWW, A, 0.0) is None


def test_lineage() -> None:
    assert [str(name) for name in lineage(WWW)] == [
        "www.example.test.",
        "example.test.",
        "test.",
        ".",
    ]


def test_the_estimate_of_memory_is_no_less_than_what_it_takes() -> None:
    """What bounds the cache is an estimate: measured against the interpreter's own."""
    cache = Cache(ResolverSettings())
    messages = []
    answer = address()
    for number in range(200):
        name = dns.name.from_text(f"host{number}.some.example.test.")
        reply = dns.message.make_response(dns.message.make_query(name, "A"))
        count = (1, 1, 4, 12)[number % 4]
        texts = [f"198.51.{number % 250}.{i}" for i in range(count)]
        reply.answer = [dns.rrset.from_text(name, 600, "IN", "A", *texts)]
        messages.append(reply.to_wire())
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for octets in messages:
            answer = dns.message.from_wire(octets).answer.pop()
            cache.put(answer, Trust.AUTHORITATIVE, 0.0)
        del answer
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(cache) == 200
    assert cache.octets / 2 < taken <= cache.octets, (taken, cache.octets)


def test_what_was_there_is_known_of_until_it_is_dropped() -> None:
    cache = Cache(ResolverSettings(stale_max_s=100))
    cache.put(address(ttl=10), Trust.ANSWER, 0.0)
    assert cache.had(WWW, A)
    assert not cache.had(WWW, MX)
    assert cache.get(WWW, A, 50.0) is None
    assert cache.had(WWW, A)
    assert cache.get(WWW, A, 111.0) is None
    assert not cache.had(WWW, A)


def test_nothing_unproven_takes_the_place_of_a_proven_absence() -> None:
    cache = Cache(ResolverSettings(), validating=True)
    forged = dns.rrset.from_text("example.test.", 3600, "IN", "SOA", "a. b. 1 1 1 1 9")
    claim = Claim(WWW, A, nxdomain=True, soa=SOA)
    cache.put_negative(WWW, A, SOA, 0.0, nxdomain=True, claim=claim)
    cache.judge(claim, Verdict(Security.SECURE, 50), 0.0)
    cache.put_negative(WWW, A, forged, 0.0, nxdomain=True)
    entry = cache.answer(WWW, A, 0.0)
    assert entry is not None
    assert entry.soa == SOA
    assert cache.answer(WWW, A, 50.0) is None


def test_what_is_fetched_anew_takes_the_place_of_what_was_proven_but_for_ns() -> None:
    cache, proven = Cache(ResolverSettings(), validating=True), Verdict(Security.SECURE)
    ns = dns.rrset.from_text("example.test.", 60, "IN", "NS", "ns.example.test.")
    for rrset, left_s in ((address(), 60.0), (ns, 10.0)):
        cache.put(rrset, Trust.AUTHORITATIVE, 0.0)
        cache.judge(Claim(rrset.name, rrset.rdtype, rrset), proven, 0.0)
        again = Claim(rrset.name, rrset.rdtype, rrset, verdict=proven)
        cache.renew(again, 50.0)
        # A zone must not keep itself alive.
        assert cache.get(rrset.name, rrset.rdtype, 50.0 + left_s - 1) is not None
        assert cache.get(rrset.name, rrset.rdtype, 50.0 + left_s) is None
