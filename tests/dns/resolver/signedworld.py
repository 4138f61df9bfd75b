"""Two signed zones, ``.`` and ``test.``, and what their servers say, as claims."""

import math
from collections.abc import Generator
from typing import TypeVar

import dns.flags
import dns.message
import dns.name
import dns.rdatatype

from pabal.dns.ports import Resolved
from pabal.dns.resolver.anchors import read_anchors
from pabal.dns.resolver.chain import ChainOfTrust, Need
from pabal.dns.resolver.claim import Claim
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.iterator import Done, Failed
from pabal.dns.resolver.query import Query
from pabal.dns.resolver.scrub import Reading, scrub
from pabal.dns.resolver.standing import TrustPoints
from tests.scenario.dns.signed import SignedZone, ds_text

T = TypeVar("T")
NOW = 1000.0
SERVER = Server("ns.test.", "192.0.2.2")
ROOT_LINES = f"""@ SOA root. you.root. 1 1 1 1 300
@ NS root.
test. NS ns.test.
test. {ds_text("test.")}
plain. NS ns.test.""".splitlines()
TEST_LINES = """@ SOA ns you 1 1 1 1 300
@ NS ns
ns A 192.0.2.2
www 60 A 192.0.2.80
*.wild 60 A 192.0.2.81
alias 60 CNAME www
old 60 DNAME plain.
cut NS ns""".splitlines()


def zones(*options: str) -> list[SignedZone]:
    """Return the zones, ``test.`` signed with ``options``."""
    return [
        SignedZone.signed("test.", TEST_LINES, options),
        SignedZone.signed(".", ROOT_LINES, ()),
    ]


def name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


def query(text: str, rdtype: str, zone: str = "test.", *, dnssec: bool = True) -> Query:
    return Query(
        SERVER,
        name(zone),
        name(text),
        dns.rdatatype.from_text(rdtype),
        tcp=False,
        edns=True,
        recursive=False,
        timeout_s=1.0,
        wire=b"",
        dnssec=dnssec,
    )


def message(world: list[SignedZone], asked: Query) -> dns.message.Message:
    request = dns.message.make_query(asked.name, asked.rdtype, want_dnssec=True)
    reply = dns.message.make_response(request)
    reply.flags |= dns.flags.AA
    reply.want_dnssec(wanted=True)
    holding = next(zone for zone in world if zone.origin == asked.zone)
    holding.fill(reply)
    return reply


def reading(world: list[SignedZone], text: str, rdtype: str) -> Reading:
    zone = "test." if name(text).is_subdomain(name("test.")) else "."
    if rdtype == "DS" and text == "test.":
        zone = "."
    asked = query(text, rdtype, zone)
    return scrub(message(world, asked), asked)


def claims(world: list[SignedZone], text: str, rdtype: str) -> tuple[Claim, ...]:
    return reading(world, text, rdtype).claims


def chain_of(origin: str = ".", *negative: str) -> ChainOfTrust:
    (anchor,) = read_anchors(f"{origin} {ds_text(origin)}")
    forever = dict.fromkeys(map(name, negative), math.inf)
    trust = TrustPoints({anchor.zone: anchor}, forever)
    return ChainOfTrust(trust, NOW, NOW)


def run(
    asking: Generator[Need, Done | Failed, T],
    world: list[SignedZone],
    asked: list[str] | None = None,
    failing: str = "",
) -> T:
    """Run ``asking`` to its end, answering from ``world``; note what it asked."""
    try:
        need = next(asking)
        while True:
            kind = dns.rdatatype.to_text(need.rdtype)
            if asked is not None:
                asked.append(f"{need.name} {kind}")
            found: Done | Failed
            if kind == failing:
                found = Failed("all servers are away")
            else:
                told = claims(world, str(need.name), kind)
                found = Done(Resolved(0, ()), told)
            need = asking.send(found)
    except StopIteration as stop:
        result: T = stop.value
        return result
