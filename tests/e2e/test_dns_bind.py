"""The same zones, the same questions, BIND beside us: the answers must be the same."""

import asyncio
import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset
import pytest

from pabal.base.clock import SystemClock
from pabal.dns.server.nameserver import NameServer
from pabal.dns.settings import DnsSettings
from pabal.dns.zone.source import DirectorySource
from pabal.dns.zone.zones import Zones
from pabal.net.endpoint import Endpoint
from pabal.net.sockets import bind
from tests.support.ports import free_port

NAMED = shutil.which("named") or shutil.which("named", path="/usr/sbin")

pytestmark = pytest.mark.skipif(NAMED is None, reason="BIND is not installed")

ZONES = {
    "example.test": """\
$TTL 3600
@ SOA ns1 hostmaster 1 7200 3600 1209600 300
@ NS ns1
@ NS ns2.other.test.
@ MX 10 mail
@ MX 20 mx.other.test.
@ TXT "v=spf1 mx -all" "second string"
@ CAA 0 issue "ca.test"
ns1 A 192.0.2.1
mail A 192.0.2.2
mail AAAA 2001:db8::2
www CNAME web
web A 192.0.2.3
far CNAME www.other.test.
gone CNAME x.missing
out CNAME www.elsewhere.invalid.
loop1 CNAME loop2
loop2 CNAME loop1
self CNAME self
below CNAME x.child
*.w A 192.0.2.4
*.w MX 5 mail
*.cw CNAME web
here.w TXT here
a.b.ent A 192.0.2.5
child NS ns.child
child NS ns.sibling
ns.child A 192.0.2.6
ns.child AAAA 2001:db8::6
sibling NS ns.sibling
ns.sibling A 192.0.2.7
unglued NS ns.unglued.invalid.
old DNAME new
x.new A 192.0.2.8
_imap._tcp SRV 0 1 143 mail
UPPER TXT "Case"
priv TYPE65300 \\# 3 010203
d1.d2 PTR web
""",
    "other.test": """\
$TTL 60
@ SOA ns2 hostmaster 7 1 2 3 120
@ NS ns2
ns2 A 198.51.100.2
www A 198.51.100.1
mx A 198.51.100.3
back CNAME far.example.test.
""",
}

NAMES = [
    "example.test",
    "ns1.example.test",
    "www.example.test",
    "web.example.test",
    "far.example.test",
    "gone.example.test",
    "out.example.test",
    "loop1.example.test",
    "self.example.test",
    "below.example.test",
    "x.w.example.test",
    "a.b.w.example.test",
    "here.w.example.test",
    "x.here.w.example.test",
    "w.example.test",
    "*.w.example.test",
    "x.cw.example.test",
    "ent.example.test",
    "b.ent.example.test",
    "a.b.ent.example.test",
    "x.b.ent.example.test",
    "child.example.test",
    "x.child.example.test",
    "ns.child.example.test",
    "sibling.example.test",
    "unglued.example.test",
    "z.unglued.example.test",
    "old.example.test",
    "x.old.example.test",
    "y.z.old.example.test",
    "_imap._tcp.example.test",
    "_tcp.example.test",
    "upper.example.test",
    "priv.example.test",
    "nothing.example.test",
    "d1.d2.example.test",
    "d2.example.test",
    "other.test",
    "back.other.test",
    "www.other.test",
    "no.other.test",
    "elsewhere.invalid",
    "test",
    ".",
    "mail.example.test",
    "wWw.ExAmPle.tEst",
]

TYPES = [
    "A",
    "AAAA",
    "NS",
    "SOA",
    "MX",
    "TXT",
    "CNAME",
    "DNAME",
    "SRV",
    "DS",
    "PTR",
    "CAA",
    "TYPE65300",
    "AXFR",
    "MAILB",
]


@dataclass(frozen=True)
class Said:
    """What of an answer must be the same."""

    rcode: str
    flags: frozenset[str]
    answer: frozenset[str]
    authority: frozenset[str]
    additional: frozenset[str]


def said(message: dns.message.Message) -> Said:
    def lines(section: list[dns.rrset.RRset]) -> frozenset[str]:
        return frozenset(
            line.lower() for rrset in section for line in rrset.to_text().splitlines()
        )

    flags = dns.flags.to_text(message.flags).split()
    return Said(
        dns.rcode.to_text(message.rcode()),
        frozenset(flags),
        lines(message.answer),
        lines(message.authority),
        lines(message.additional),
    )


def ask(port: int, name: str, rdtype: str, *, edns: bool) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype, flags=0, use_edns=0 if edns else -1)
    return dns.query.udp(query, "127.0.0.1", timeout=5, port=port, ignore_trailing=True)


@pytest.fixture(scope="module")
def bind_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    assert NAMED is not None
    place = tmp_path_factory.mktemp("named")
    port = free_port()
    zones = ""
    for name, text in ZONES.items():
        (place / f"{name}.zone").write_text(text)
        zones += f'zone "{name}" {{ type primary; file "{name}.zone"; }};\n'
    configuration = place / "named.conf"
    configuration.write_text(
        f"""options {{ directory "{place}"; recursion no; allow-transfer {{ none; }};
        minimal-responses no-auth; minimal-any yes; check-names primary ignore;
        listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
        pid-file none; session-keyfile none; empty-zones-enable no; }};
        controls {{ }};
        {zones}"""
    )
    with subprocess.Popen(
        [NAMED, "-f", "-n", "1", "-c", str(configuration)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, dns.exception.DNSException):
                if ask(port, "other.test", "SOA", edns=False).answer:
                    break
            time.sleep(0.1)
        yield port, place
        process.terminate()


def meant(name: str, rdtype: str, mine: Said, theirs: Said) -> bool:
    """Differences that are meant, each with its reason."""
    if rdtype == "AXFR":
        # Nobody may transfer; BIND says NOTAUTH where no zone begins at the name.
        return mine.rcode == "REFUSED" and theirs.rcode in ("REFUSED", "NOTAUTH")
    if rdtype == "SOA" and mine.authority and mine.answer == theirs.answer:
        # BIND lets nobody remember that an SOA is missing (zero-no-soa-ttl).
        zero = any(" 0 in soa" in line for line in theirs.authority)
        return zero or only_crossing(name, mine, theirs)
    if name.startswith(("loop", "self")):
        # A loop of aliases: as far as it goes, as NSD and Knot do; BIND adds SERVFAIL.
        return mine.rcode == "NOERROR" and mine.answer == theirs.answer
    return only_crossing(name, mine, theirs)


def only_crossing(name: str, mine: Said, theirs: Said) -> bool:
    """Whether we only say more, out of the other zone we hold.

    BIND without recursion does not follow an alias or a host into another of its zones;
    RFC 1034 §4.3.2 step 3a goes back to step 1, which looks at every zone.
    """
    home = "other.test." if name.endswith("other.test") else "example.test."
    more = (
        (mine.answer - theirs.answer)
        | (mine.authority - theirs.authority)
        | (mine.additional - theirs.additional)
    )
    less = (
        (theirs.answer - mine.answer)
        | (theirs.authority - mine.authority)
        | (theirs.additional - mine.additional)
    )
    foreign = name == "back.other.test" or all(
        not line.split()[0].endswith(home) for line in more
    )
    return bool(more) and not less and foreign and mine.flags == theirs.flags


async def test_answers_are_binds(bind_port: tuple[int, Path]) -> None:
    port, place = bind_port
    clock = SystemClock()
    zones = Zones(DirectorySource(place), None, "ns1.example.test", clock)
    server = NameServer(DnsSettings("ns1.example.test"), zones, None, clock)
    assert len((await server.reload()).loaded) == len(ZONES)
    udp = bind(Endpoint("127.0.0.1", 0), "dns", udp=True)
    ours = udp.getsockname()[1]
    await server.start([udp], [])
    different = []
    for name in NAMES:
        for rdtype in TYPES:
            edns = rdtype < "N"  # half of them with, half without
            mine = said(await asyncio.to_thread(ask, ours, name, rdtype, edns=edns))
            theirs = said(ask(port, name, rdtype, edns=edns))
            if mine != theirs and not meant(name, rdtype, mine, theirs):
                different.append(f"{name} {rdtype}\n  {mine}\n  {theirs}")
    await server.stop()
    assert not different, "\n".join(different)
