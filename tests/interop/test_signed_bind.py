"""A signed zone, BIND beside us: signatures and proofs must be the same."""

import asyncio
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.rrset
import pytest

from pabal.base.clock import SystemClock
from pabal.dns.dnssec.keys import generate
from pabal.dns.settings import DnsSettings
from pabal.dns.wire.rrset import to_dnspython
from tests.interop.peer import path_of
from tests.interop.test_transfer_bind import (
    LOOPBACK,
    PORT,
    Place,
    named,
    pabal,
    reaches,
)
from tests.support.ports import free_port
from tests.support.server import own_address
from tests.support.signing import (
    Nsec3Parameters,
    SigningPolicy,
    Validity,
    sign_zone,
)
from tests.support.zones import HEAD, zone

pytestmark = pytest.mark.skipif(not path_of("named"), reason="BIND is not installed")

TEXT = HEAD + (
    "@ MX 10 mail\nmail A 192.0.2.2\nwww CNAME mail\ngone CNAME none\n"
    "*.w A 192.0.2.3\n*.w TXT x\nhere.w TXT y\n*.cw CNAME mail\na.b.ent A 192.0.2.4\n"
    "child NS ns.child\nns.child A 192.0.2.5\nchild DS 1 13 2 " + "ab" * 32 + "\n"
    "plain NS ns.plain\nns.plain A 192.0.2.6\nold DNAME new\nx.new A 192.0.2.7\n"
    "zz A 192.0.2.8\n"
)

NAMES = [
    "", "mail.", "www.", "gone.", "none.", "a.none.", "zzz.", "0.", "x.w.", "x.y.w.",
    "here.w.", "z.here.w.", "w.", "x.cw.", "b.ent.", "ent.", "c.ent.", "a.b.ent.",
    "child.", "x.child.", "plain.", "x.plain.", "x.old.", "y.old.", "old.", "zz.",
    "a.zz.", "*.w.", "MAIL.",
]  # fmt: skip

TYPES = ["A", "TXT", "MX", "DS", "NS", "SOA", "CNAME", "DNSKEY"]


def signed(nsec3: Nsec3Parameters | None) -> str:
    made = zone(TEXT, "a.test.")
    rrsets = [to_dnspython(r) for node in made.nodes.values() for r in node.values()]
    key = generate()
    policy = SigningPolicy((key,), Validity.around(SystemClock().now()), nsec3)
    rows = sign_zone(dns.name.from_text("a.test."), rrsets, policy)
    return "".join(f"{rrset.to_text()}\n" for rrset in rows)


def ask(place: Place, name: str, rdtype: str) -> dict[str, object]:
    query = dns.message.make_query(name + "a.test.", rdtype, want_dnssec=True)
    query.flags &= ~dns.flags.RD
    answer = dns.query.tcp(query, place[0], 5, place[1])

    def rows(section: list[dns.rrset.RRset]) -> list[str]:
        return sorted(
            f"{rrset.name.canonicalize()} {rrset.ttl} {rdata.to_text()}"
            for rrset in section
            for rdata in rrset
        )

    return {
        "rcode": answer.rcode(),
        "aa": bool(answer.flags & dns.flags.AA),
        "answer": rows(answer.answer),
        "authority": rows(answer.authority),
    }


@pytest.mark.parametrize(
    "nsec3", [None, Nsec3Parameters(), Nsec3Parameters(b"ab", 2, opt_out=True)]
)
async def test_the_same_answers(tmp_path: Path, nsec3: Nsec3Parameters | None) -> None:
    ours, theirs = (own_address(), PORT), (LOOPBACK, free_port())
    (tmp_path / "zones").mkdir()
    file = tmp_path / "zones" / "a.test.zone"
    file.write_text(signed(nsec3))
    conf = f'zone "a.test" {{ type primary; file "{file}"; }};'
    different = []
    async with pabal(tmp_path, ours[0], DnsSettings("ns.test")):
        with named(tmp_path / "bind", theirs[1], conf):
            await reaches(theirs, 1)
            for name in NAMES:
                for rdtype in TYPES:
                    mine = await asyncio.to_thread(ask, ours, name, rdtype)
                    other = await asyncio.to_thread(ask, theirs, name, rdtype)
                    if mine != other:
                        keys = [key for key in mine if mine[key] != other[key]]
                        shown = [(key, mine[key], other[key]) for key in keys]
                        different.append((name, rdtype, shown))
    assert not different, "\n".join(map(str, different))
