import dns.name
import dns.rdatatype

from pabal.dns.ports import Step
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.journal import Journal, describe
from pabal.dns.resolver.query import Query
from pabal.dns.resolver.scrub import Kind, Reading
from tests.scenario.dns.player import record

WWW = dns.name.from_text("www.example.test.")


def test_steps() -> None:
    journal = Journal()
    query = Query(
        Server("ns.test.", "192.0.2.1"),
        WWW.parent(),
        WWW,
        dns.rdatatype.MX,
        tcp=False,
        edns=True,
        recursive=False,
        timeout_s=1.0,
        wire=b"",
    )
    journal.asked(query, "timeout", 0.25)
    journal.found(WWW, dns.rdatatype.MX, "cache", Reading(Kind.NODATA))
    assert journal.steps == [
        Step(
            "www.example.test.",
            "MX",
            "ns.test.@192.0.2.1#53",
            "example.test.",
            "timeout",
            250.0,
        ),
        Step("www.example.test.", "MX", "cache", "", "no data", 0.0),
    ]


def test_words() -> None:
    ns = record("example.test. 60 NS ns.test.")
    assert describe(Reading(Kind.REFERRAL, ns=ns)) == "referral to example.test."
    assert describe(Reading(Kind.ALIAS, end=WWW)) == "alias of www.example.test."
    assert describe(Reading(Kind.ERROR)) == "NOERROR"
    soa = record("test. 60 SOA ns. you. 1 1 1 1 60")
    assert describe(Reading(Kind.NODATA, soa=soa)) == "no data in test."
    assert describe(Reading(Kind.NXDOMAIN)) == "no such name"
