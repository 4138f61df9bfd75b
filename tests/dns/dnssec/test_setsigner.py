import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from dns.rdtypes.ANY.RRSIG import RRSIG

from pabal.dns.dnssec.keys import generate
from pabal.dns.dnssec.record import record
from pabal.dns.dnssec.setsigner import (
    EXPIRY_JITTER_S,
    INCEPTION_JITTER_S,
    INCEPTION_SLACK_S,
    SetSigner,
    Signer,
    canonical_rdatas,
    facts_of,
)
from pabal.dns.dnssec.signature import Effort, check
from pabal.dns.wire.rrset import RRset, name_octets, rdata_octets, to_dnspython
from tests.dns.dnssec.parts import verifying

NOW = 1_800_000_000
VALIDITY_S = 14 * 86_400
ZONE = dns.name.from_text("example.test.")
KEY = generate()
SIGNER = SetSigner(name_octets(ZONE), NOW, VALIDITY_S)


def rrset(owner: str, rdtype: str, *rdatas: str) -> RRset:
    kind = dns.rdatatype.from_text(rdtype)
    octets = tuple(
        rdata_octets(dns.rdata.from_text(dns.rdataclass.IN, kind, text))
        for text in rdatas
    )
    return RRset(name_octets(dns.name.from_text(owner, ZONE)), int(kind), 300, octets)


def signed(made: RRset) -> RRSIG:
    owner = made.owner.lower()
    (rdata,) = SIGNER.sign(owner, made.rdtype, 300, made.rdatas, [Signer.of(KEY)])
    return record(RRSIG, dns.rdatatype.RRSIG, rdata)


@pytest.mark.parametrize(
    "made",
    [
        rrset("Www", "A", "192.0.2.9", "192.0.2.1"),
        rrset("@", "MX", "20 B.Test.", "10 mail.example.TEST."),
        rrset("@", "SOA", "Ns.example.test. You.example.test. 1 2 3 4 5"),
        rrset("@", "NS", "NS2.example.test.", "ns1.example.test."),
        rrset("a", "CNAME", "WWW.example.test."),
        rrset("d", "DNAME", "Other.test."),
        rrset("_s._tcp", "SRV", "1 2 3 Host.example.test."),
        rrset("*.wild", "TXT", '"Upper" "lower"'),
        rrset("r", "RP", "You.example.test. Txt.example.test."),
        rrset("n", "NAPTR", '1 2 "S" "SIP+D2U" "" _SIP._udp.example.test.'),
        rrset("h", "HINFO", '"Intel" "Linux"'),
        rrset("x", "HTTPS", "1 Svc.example.test. alpn=h2"),
        rrset("u", "TYPE4711", r"\# 3 aBcDeF"),
    ],
    ids=lambda made: dns.rdatatype.to_text(made.rdtype),
)
def test_a_signature_holds_for_every_kind_of_record(made: RRset) -> None:
    found = check(
        to_dnspython(made), [signed(made)], ZONE, [verifying(KEY)], NOW, Effort()
    )
    assert found.tag == KEY.tag


def test_the_canonical_form_is_that_of_the_library() -> None:
    made = rrset("@", "MX", "20 B.Test.", "10 mail.example.TEST.", "10 a.test.")
    expected = sorted(rdata.to_digestable() for rdata in to_dnspython(made))
    assert canonical_rdatas(made.rdtype, made.rdatas) == expected


def test_times_are_spread_and_stay_in_their_limits() -> None:
    facts = []
    for number in range(200):
        found = signed(rrset(f"h{number}", "A", "192.0.2.1"))
        early_s = NOW - int(found.inception)
        assert INCEPTION_SLACK_S <= early_s < INCEPTION_SLACK_S + INCEPTION_JITTER_S
        short_s = NOW + VALIDITY_S - int(found.expiration)
        assert 0 <= short_s < EXPIRY_JITTER_S
        facts.append(short_s)
    assert max(facts) - min(facts) > EXPIRY_JITTER_S // 2


def test_all_processes_would_make_the_same() -> None:
    made = rrset("www", "A", "192.0.2.1")
    assert signed(made) == signed(made)


def test_a_signature_says_whose_it_is() -> None:
    found = signed(rrset("www", "A", "192.0.2.1"))
    facts = facts_of(rdata_octets(found))
    assert facts.covered == 1
    assert facts.maker == Signer.of(KEY).maker == (13, KEY.tag)
    assert facts.expiration == found.expiration
