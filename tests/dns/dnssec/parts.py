"""Zones and keys the tests of this package share."""

import dns.name
import dns.rdatatype
import dns.rrset

from pabal.dns.dnssec.algorithm import VerifyingKey, load
from pabal.dns.dnssec.keys import SigningKey, generate
from tests.scenario.dns.network import Zone
from tests.support.signing import SigningPolicy, Validity

RRset = dns.rrset.RRset
VALID = Validity(0, 2_000_000)
NOW = 1000.0
ORIGIN = dns.name.from_text("example.test.")
LINES = """@ 300 SOA ns you 1 1 1 1 60
@ 300 NS ns
ns 60 A 192.0.2.3
Www 60 A 192.0.2.80
www 60 A 192.0.2.79
mail 60 MX 10 WWW.example.TEST.
alias 60 CNAME www
a.b.c.deep 60 A 192.0.2.81
*.wild 60 A 192.0.2.1
x.wild 60 TXT "closer"
old 60 DNAME other.test.
below.old 60 A 192.0.2.7
sub 60 NS ns.sub
ns.sub 60 A 192.0.2.9
safe 60 NS ns.sub
safe 60 DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
""".splitlines()


def name(text: str) -> dns.name.Name:
    return dns.name.from_text(text, ORIGIN)


def rdtype(text: str) -> dns.rdatatype.RdataType:
    return dns.rdatatype.from_text(text)


def plain_zone() -> list[RRset]:
    return list(Zone.read("example.test.", LINES).rrsets.values())


def verifying(key: SigningKey) -> VerifyingKey:
    loaded = load(key.dnskey)
    assert loaded is not None
    return loaded


def policy(*keys: SigningKey) -> SigningPolicy:
    return SigningPolicy(keys or (generate(),), VALID)
