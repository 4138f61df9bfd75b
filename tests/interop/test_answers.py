"""The same zones and questions for pabal, BIND, NSD: the same answers, or why not."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pabal.dns.settings import DnsSettings
from tests.interop.answers import (
    ZONES,
    Asked,
    Reply,
    ask_all,
    is_in,
    make_query,
    questions,
    write_zones,
)
from tests.interop.nsd import nsd
from tests.interop.peer import needs
from tests.interop.test_transfer_bind import (
    LOOPBACK,
    PORT,
    Place,
    named,
    pabal,
    until,
)
from tests.support.ports import free_port
from tests.support.server import own_address

pytestmark = [needs("named"), needs("nsd")]

SERVFAIL = 2
SHOWN_MAX = 5

Rule = Callable[[Asked, Reply, Reply], None]
"""Takes a known difference out of our reply and the other's."""


def aliases_lead_elsewhere(asked: Asked, ours: Reply, theirs: Reply) -> None:
    """An alias leads into another zone of this server: we follow it there.

    RFC 1034 §4.3.2 step 3a has it so. BIND does only where recursion is allowed.
    """
    targets = [row.split(" CNAME ")[1] for row in ours.answer if " CNAME " in row]
    if all(_is_home(asked, target) for target in targets):
        return
    for reply in (ours, theirs):
        reply.answer = [row for row in reply.answer if _is_home(asked, _owner(row))]
        reply.rcode = 0
        reply.authority = reply.additional = []


def loops_fail(_: Asked, ours: Reply, theirs: Reply) -> None:
    """BIND says SERVFAIL beside an alias that leads back to itself."""
    if theirs.rcode == SERVFAIL and any("loop" in row for row in ours.answer):
        theirs.rcode = ours.rcode


def additional_is_optional(asked: Asked, ours: Reply, theirs: Reply) -> None:
    """What comes along is a matter of taste (RFC 1034 §4.3.2 step 6).

    We add addresses of other zones; BIND does not, but TLSA records of mail hosts.
    """
    for reply in (ours, theirs):
        reply.additional = [
            row
            for row in reply.additional
            if _is_home(asked, _owner(row)) and " tlsa " not in row.lower()
        ]


def asterisk_without_records(_: Asked, ours: Reply, theirs: Reply) -> None:
    """A wildcard that is an empty name: BIND leaves out the proof that it is empty.

    RFC 4035 §3.1.3.4 asks for it.
    """
    shared = set(theirs.authority)
    if shared < set(ours.authority) and any("*.star." in r for r in ours.authority):
        ours.authority = theirs.authority


def nsec_at_a_cut(asked: Asked, ours: Reply, theirs: Reply) -> None:
    """BIND answers the NSEC of a cut itself; NSD and we send to the child."""
    if asked.rdtype == "NSEC" and theirs.is_authoritative and not ours.is_authoritative:
        _settle(ours, theirs)


def servers_come_along(_: Asked, ours: Reply, theirs: Reply) -> None:
    """NSD adds the zone's name servers to positive answers, and nothing else then."""
    if ours.is_authoritative and theirs.is_authoritative:
        theirs.authority = [
            row
            for row in theirs.authority
            if " NS " not in row and " RRSIG ns " not in row
        ]
        ours.additional = theirs.additional = []


def nsec_at_an_alias(asked: Asked, ours: Reply, theirs: Reply) -> None:
    """Asked for the NSEC of an alias that has none NSD follows it.

    BIND and we say that there is none: NSEC stands beside an alias (RFC 4035 §2.5).
    """
    if asked.rdtype == "NSEC" and any(" CNAME " in row for row in theirs.answer):
        assert not ours.answer
        _settle(ours, theirs)


def nsec3_of_empty_names(asked: Asked, ours: Reply, theirs: Reply) -> None:
    """NSD proves too little below names that an opt-out leaves without a record.

    And more than needed of an asterisk that is asked for by its name. BIND is with us.
    """
    has_cut = ".cut." in f".{asked.name}" and asked.zone == "optout.test."
    if has_cut or asked.name.startswith("*."):
        ours.authority = theirs.authority


def missing_behind_a_dname(_: Asked, ours: Reply, theirs: Reply) -> None:
    """NSD does not prove that a renamed name is missing; BIND does."""
    renamed = any(" DNAME " in row for row in ours.answer)
    if renamed and set(theirs.authority) < set(ours.authority):
        ours.authority = theirs.authority


BIND: Sequence[Rule] = (
    aliases_lead_elsewhere,
    loops_fail,
    additional_is_optional,
    asterisk_without_records,
    nsec_at_a_cut,
)

NSD: Sequence[Rule] = (
    aliases_lead_elsewhere,
    additional_is_optional,
    servers_come_along,
    nsec_at_an_alias,
    nsec3_of_empty_names,
    missing_behind_a_dname,
)


def _owner(row: str) -> str:
    return row.split(" ", 1)[0]


def _is_home(asked: Asked, name: str) -> bool:
    is_lower = is_in(name, "sub.a.test.") and asked.zone != "sub.a.test."
    return is_in(name, asked.zone) and not is_lower


def _settle(ours: Reply, theirs: Reply) -> None:
    vars(theirs).update(vars(ours))


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_the_same_answers(tmp_path: Path, count: int) -> None:
    zones = tmp_path / "zones"
    write_zones(zones)
    ours, bind, other = (own_address(), PORT), _place(), _place()
    for_bind = "".join(
        f'zone "{name}" {{ type primary; file "{zones}/{name}.zone"; }};\n'
        for name in ZONES
    )
    for_nsd = "".join(
        f'zone:\n    name: "{name}"\n    zonefile: "{zones}/{name}.zone"\n'
        for name in ZONES
    )
    queries = questions(count)
    settings = DnsSettings("ns.test", payload_octets=4096)
    big = "max-udp-size 4096; edns-udp-size 4096;"
    async with pabal(tmp_path, ours[0], settings):
        with (
            named(tmp_path / "bind", bind[1], for_bind, big, "no-auth"),
            nsd(tmp_path / "nsd", other[1], for_nsd),
        ):
            await until(lambda: answers(bind))
            await until(lambda: answers(other))
            replies = [
                await asyncio.to_thread(ask_all, place, queries)
                for place in (ours, bind, other)
            ]
    mine, from_bind, from_nsd = replies
    found = different(queries, mine, from_bind, BIND)
    assert not found, found
    found = different(queries, mine, from_nsd, NSD)
    assert not found, found


def different(
    queries: Sequence[bytes],
    mine: Sequence[bytes],
    theirs: Sequence[bytes],
    rules: Sequence[Rule],
) -> str:
    """Return where replies differ in a way that none of ``rules`` explains."""
    found = []
    for query, one, two in zip(queries, mine, theirs, strict=True):
        if one == two:
            continue
        ours, other = Reply.of(one), Reply.of(two)
        if ours != other:
            asked = Asked.of(query)
            for rule in rules:
                rule(asked, ours, other)
        if ours != other:
            found.append(f"{Asked.of(query)}\n  ours {ours}\n  theirs {other}")
    return "\n".join(found[:SHOWN_MAX])


def _place() -> Place:
    return LOOPBACK, free_port()


async def answers(place: Place) -> bool:
    """Return whether the server at ``place`` has its zones."""
    with contextlib.suppress(OSError):
        query = [
            make_query(f"{name}.", "SOA", number) for number, name in enumerate(ZONES)
        ]
        found = await asyncio.to_thread(ask_all, place, query)
        return all(Reply.of(answer).answer for answer in found)
    return False
