"""What the name server counted, as families."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

import dns.rcode
import dns.rdatatype

from pabal.base.metrics import Family, Sample, by, counter
from pabal.dns.server.answering import Answering
from pabal.dns.server.counting import NO_ZONE, OTHER_TYPE, Counts, Group
from pabal.dns.server.udp import UdpServer
from pabal.dns.wire.name import to_text

SETTLED_A_TURN: Final = 5_000
"""Entries of the cache that tell what was taken of them in one turn: 2 ms."""


async def settle(answering: Answering) -> None:
    """Bring the counts up to now; others get their turn meanwhile."""
    entries = iter(answering.entries())
    while some := tuple(islice(entries, SETTLED_A_TURN)):
        for entry in some:
            entry.settle()
        await asyncio.sleep(0)


def families(
    counts: Counts, udp: Sequence[UdpServer], zones_max: int | None
) -> Iterable[Family]:
    """Return what ``counts`` says.

    Args:
        udp: Who counts datagrams.
        zones_max: Of so many zones, those asked most; ``None``: of all.
    """
    groups = counts.groups()
    yield counter(
        "pabal_dns_requests_total",
        "DNS messages received, by transport and version of IP.",
        _requests(counts, udp),
    )
    yield _summed(
        groups,
        "pabal_dns_answers_total",
        "DNS answers, by RCODE.",
        ("rcode",),
        lambda one: (_rcode(one.rcode),),
    )
    yield _summed(
        groups,
        "pabal_dns_questions_total",
        "DNS questions answered, by type.",
        ("type",),
        lambda one: (_rdtype(one.rdtype),),
    )
    yield from _zones(groups, zones_max)
    yield counter(
        "pabal_dns_answers_by_way_total",
        "DNS answers by how they came to be: lay ready, or were looked up.",
        [
            Sample(sum(one.ready for one in groups), (("way", "ready"),)),
            Sample(sum(one.worked for one in groups), (("way", "looked_up"),)),
        ],
    )
    yield counter(
        "pabal_dns_answers_truncated_total",
        "DNS answers with TC set because they did not fit.",
        [Sample(sum(one.count for one in groups if one.is_truncated))],
    )
    yield from _others(counts)


def _others(counts: Counts) -> Iterable[Family]:
    yield counter(
        "pabal_dns_malformed_total",
        "DNS messages that hold no question to answer, by the RCODE said, if any.",
        by(
            ("rcode",),
            {
                ("" if rcode is None else _rcode(rcode),): count
                for rcode, count in counts.malformed.items()
            },
        ),
    )
    yield counter(
        "pabal_dns_rate_limited_total",
        "DNS answers kept by the rate limiter, by what was done instead.",
        by(
            ("action",),
            {(v.name.lower(),): count for v, count in counts.held_back.items()},
        ),
    )
    yield counter(
        "pabal_dns_policy_dropped_total",
        "DNS answers not given because a response policy zone says so.",
        [Sample(counts.dropped)],
    )
    yield counter(
        "pabal_resolver_answers_total",
        "Questions the resolver found an answer to, by what DNSSEC says of it.",
        by(("security",), {(s.value,): n for s, n in counts.resolved.items()}),
    )
    yield counter(
        "pabal_dns_control_total",
        "Transfers, NOTIFY, updates and signed questions, by kind and first RCODE.",
        by(
            ("kind", "rcode"),
            {(k, _rcode(rcode)): n for (k, rcode), n in counts.control.items()},
        ),
    )


def _requests(counts: Counts, udp: Sequence[UdpServer]) -> Iterable[Sample]:
    for family, name in ((socket.AF_INET, "ipv4"), (socket.AF_INET6, "ipv6")):
        count = sum(one.received for one in udp if one.family == family)
        yield Sample(count, (("transport", "udp"), ("ip", name)))
    for (transport, ip), count in sorted(counts.streamed.items()):
        yield Sample(count, (("transport", transport), ("ip", ip)))


def _zones(groups: Sequence[Group], zones_max: int | None) -> Iterable[Family]:
    totals: Counter[bytes] = Counter()
    for one in groups:
        totals[one.zone] += one.count
    totals.pop(NO_ZONE, None)
    chosen = {zone for zone, _ in totals.most_common(zones_max)}
    of_zones = [one for one in groups if one.zone in chosen]
    yield _summed(
        of_zones,
        "pabal_dns_zone_answers_total",
        "DNS answers out of zones of ours, by zone and RCODE.",
        ("zone", "rcode"),
        lambda one: (_zone(one.zone), _rcode(one.rcode)),
    )
    yield _summed(
        of_zones,
        "pabal_dns_zone_questions_total",
        "DNS questions answered out of zones of ours, by zone and type.",
        ("zone", "type"),
        lambda one: (_zone(one.zone), _rdtype(one.rdtype)),
    )


def _summed(
    groups: Iterable[Group],
    name: str,
    about: str,
    labels: Sequence[str],
    values: Callable[[Group], tuple[str, ...]],
) -> Family:
    found: Counter[tuple[str, ...]] = Counter()
    for one in groups:
        found[values(one)] += one.count
    return counter(name, about, by(labels, found))


def _zone(apex: bytes) -> str:
    name = to_text(apex)
    return name if name == "." else name.removesuffix(".")


def _rcode(rcode: int) -> str:
    return dns.rcode.to_text(dns.rcode.Rcode(rcode))


def _rdtype(rdtype: int) -> str:
    if rdtype == OTHER_TYPE:
        return "other"
    return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rdtype))
