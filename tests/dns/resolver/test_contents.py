import dns.name
import dns.rdatatype
import dns.rrset

from pabal.dns.ports import Security
from pabal.dns.resolver.cache import Cache, Trust
from pabal.dns.resolver.claim import Claim, Verdict
from pabal.dns.resolver.contents import Cached, listed, merged
from pabal.dns.resolver.settings import ResolverSettings


def name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


def filled() -> Cache:
    cache = Cache(ResolverSettings())
    www = dns.rrset.from_text("www.a.test.", 60, "IN", "A", "192.0.2.1", "192.0.2.2")
    claim = Claim(www.name, www.rdtype, www)
    cache.put(www, Trust.AUTHORITATIVE, 0.0, claim)
    cache.judge(claim, Verdict(Security.SECURE), 0.0)
    ns = dns.rrset.from_text("a.test.", 600, "IN", "NS", "ns.a.test.")
    cache.put(ns, Trust.REFERRAL, 0.0)
    soa = dns.rrset.from_text("a.test.", 60, "IN", "SOA", "a. b. 1 1 1 1 30")
    txt = dns.rdatatype.TXT
    cache.put_negative(name("www.a.test."), txt, soa, 0.0, nxdomain=False)
    cache.put_negative(name("no.a.test."), txt, soa, 0.0, nxdomain=True)
    other = dns.rrset.from_text("b.test.", 60, "IN", "A", "192.0.2.3")
    cache.put(other, Trust.ANSWER, 0.0)
    return cache


def test_everything_below_a_name_in_order() -> None:
    found = list(listed(filled().items(), name("A.test."), 40.0))
    assert found == [
        Cached("a.test.", "NS", 560, "records", ("ns.a.test.",), "referral", ""),
        Cached("no.a.test.", "", -10, "no such name", (), "authoritative", ""),
        Cached(
            "www.a.test.", "A", 20, "records", ("192.0.2.1", "192.0.2.2"),
            "authoritative", "secure",
        ),
        Cached("www.a.test.", "TXT", -10, "no data", (), "authoritative", ""),
    ]  # fmt: skip
    assert len(list(listed(filled().items(), dns.name.root, 0.0))) == 5
    assert not list(listed(filled().items(), name("nobody."), 0.0))


def test_the_same_of_several_processes_is_shown_once() -> None:
    early = list(listed(filled().items(), name("b.test."), 0.0))
    late = list(listed(filled().items(), name("b.test."), 10.0))
    assert merged([late, early, late]) == early
    more = list(listed(filled().items(), name("a.test."), 0.0))
    assert [item.name for item in merged([early, more])][-1] == "b.test."
