"""Zones, and ten thousand questions about them, for comparing name servers."""

import itertools
import random
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset

from pabal.dns.dnssec.keys import generate
from pabal.dns.wire.rrset import to_dnspython
from tests.support.signing import (
    Nsec3Parameters,
    SigningPolicy,
    Validity,
    sign_zone,
)
from tests.support.zones import HEAD, zone

CONTENT = """
@ MX 10 mail
@ MX 20 mail.b.test.
@ TXT "v=spf1 mx -all"
@ CAA 0 issue "ca.invalid"
mail A 192.0.2.2
mail AAAA 2001:db8::2
ns AAAA ::
www CNAME mail
gone CNAME none
far CNAME www.b.test.
away CNAME elsewhere.invalid.
c1 CNAME c2
c2 CNAME c3
c3 CNAME www
loop1 CNAME loop2
loop2 CNAME loop1
towild CNAME x.w
tocut CNAME host.child
todname CNAME deep.old
*.w A 192.0.2.3
*.w TXT x
*.w MX 5 mail
here.w TXT y
*.cw CNAME mail
*.nw CNAME x.none
a.b.ent A 192.0.2.4
a.*.star TXT "below an asterisk"
child NS ns.child
child NS ns2.plain
ns.child A 192.0.2.5
ns.child AAAA 2001:db8::5
deep.under.child A 192.0.2.50
plain NS ns.plain
plain NS ns.b.test.
ns.plain A 192.0.2.6
ns2.plain A 192.0.2.61
away.cut NS ns.elsewhere.invalid.
old DNAME new
x.new A 192.0.2.7
deep.new TXT deep
out DNAME b.test.
self DNAME x.self.b.test.
sub NS ns.sub
ns.sub A 192.0.2.8
odd TYPE65280 \\# 4 0a000001
odd TYPE65281 \\# 0
_s._tcp SRV 0 1 25 mail
_s._tcp SRV 1 1 25 mail.b.test.
_8443._https HTTPS 1 mail alpn=h2
svc HTTPS 1 . alpn=h2 ipv4hint=192.0.2.9
svc A 192.0.2.9
alias HTTPS 0 svc
_dns SVCB 1 mail alpn=dot
naptr NAPTR 10 10 "S" "SIP+D2T" "" _s._tcp
loc LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
sshfp SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789
_25._tcp.mail TLSA 3 1 0 0123456789abcdef
hinfo HINFO "any" "thing"
rp RP hostmaster txt
ptr PTR mail
afs AFSDB 1 mail
uri URI 10 1 "https://a.test/"
many A 192.0.2.101
many A 192.0.2.102
many A 192.0.2.103
MiXed.Case A 192.0.2.110
zz A 192.0.2.111
"""

SIGNED_CUT = f"child DS 1 13 2 {'ab' * 32}\nsub DS 2 13 2 {'cd' * 32}\n"

OTHER = HEAD + "www A 192.0.2.20\nmail A 192.0.2.21\nback CNAME www.a.test.\n"

SUB = HEAD.replace("ns A 192.0.2.1", "ns A 192.0.2.8") + "www A 192.0.2.30\n"

ZONES = (
    "a.test", "b.test", "sub.a.test", "nsec.test", "nsec3.test", "optout.test",
)  # fmt: skip

TYPES = (
    "A", "AAAA", "TXT", "MX", "NS", "SOA", "CNAME", "DNAME", "DS", "SRV", "HTTPS",
    "SVCB", "CAA", "DNSKEY", "NSEC", "TYPE65280", "TYPE65281", "TYPE65400",
    "PTR", "NAPTR",
)  # fmt: skip

WINDOW = 32
"""Questions under way at once: no buffer overflows."""


def write_zones(directory: Path) -> None:
    """Write every zone, three of them signed, as ``NAME.zone``."""
    directory.mkdir(parents=True)
    texts = {"a.test": HEAD + CONTENT, "b.test": OTHER, "sub.a.test": SUB}
    texts["nsec.test"] = signed("nsec.test.", None)
    texts["nsec3.test"] = signed("nsec3.test.", Nsec3Parameters())
    texts["optout.test"] = signed("optout.test.", Nsec3Parameters(opt_out=True))
    for name, text in texts.items():
        (directory / f"{name}.zone").write_text(text)


def signed(origin: str, nsec3: Nsec3Parameters | None) -> str:
    """Return the text of a signed zone with everything that the plain one has."""
    made = zone(HEAD + CONTENT + SIGNED_CUT, origin)
    rrsets = [to_dnspython(r) for node in made.nodes.values() for r in node.values()]
    policy = SigningPolicy((generate(),), Validity.around(time.time()), nsec3)
    rows = sign_zone(dns.name.from_text(origin), rrsets, policy)
    return "".join(f"{rrset.to_text()}\n" for rrset in rows)


def owners() -> Iterator[str]:
    """Yield the names of the zones, relative, and names that are near them."""
    yield ""
    for line in CONTENT.split("\n"):
        name = line.partition(" ")[0]
        if not name or name == "@":
            continue
        labels = name.split(".")
        for start in range(len(labels)):
            above = ".".join(labels[start:]) + "."
            yield above
            yield f"x.{above}"
            yield f"x.y.{above}"
            yield f"*.{above}"
            yield f"{labels[start]}0.{'.'.join(labels[start + 1 :])}".rstrip(".") + "."


def questions(count: int) -> list[bytes]:
    """Return ``count`` different questions, the same ones every time."""
    origins = [f"{each}." for each in ZONES]
    names = sorted(set(owners()))
    choice = random.Random(7)
    every = [
        (name + origin, rdtype, do)
        for origin, name, rdtype, do in itertools.product(
            origins, names, TYPES, (False, True)
        )
    ]
    chosen = choice.sample(every, count)
    return [
        make_query(name.swapcase() if number % 5 == 0 else name, rdtype, number, do=do)
        for number, (name, rdtype, do) in enumerate(chosen)
    ]


def make_query(name: str, rdtype: str, number: int = 0, *, do: bool = False) -> bytes:
    """Return a question without RD, its id ``number``."""
    query = dns.message.make_query(
        name, rdtype, use_edns=0, want_dnssec=do, payload=4096
    )
    query.flags = dns.flags.Flag(0)
    query.id = number & 0xFFFF
    return query.to_wire()


def ask_all(place: tuple[str, int], queries: Sequence[bytes]) -> list[bytes]:
    """Return the answers to ``queries`` over UDP, in their order; raises OSError."""
    found: dict[bytes, bytes] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(place)
        sock.settimeout(3)
        for start in range(0, len(queries), WINDOW):
            window = queries[start : start + WINDOW]
            for query in window:
                sock.send(query)
            for _ in window:
                answer = sock.recv(65535)
                found[answer[:2]] = answer
    return [found[query[:2]] for query in queries]


@dataclass(frozen=True)
class Asked:
    """A question.

    Attributes:
        name: Folded.
        zone: The zone it is in, folded, absolute.
        signed: Whether DO was set.
    """

    name: str
    zone: str
    rdtype: str
    signed: bool

    @classmethod
    def of(cls, query: bytes) -> "Asked":
        message = dns.message.from_wire(query)
        question = message.question[0]
        name = question.name.canonicalize().to_text()
        origins = [f"{each}." for each in ZONES]
        zone = max((z for z in origins if is_in(name, z)), key=len)
        rdtype = dns.rdatatype.to_text(question.rdtype)
        return cls(name, zone, rdtype, bool(message.ednsflags & dns.flags.DO))


def is_in(name: str, zone: str) -> bool:
    """Return whether ``name`` is ``zone`` or below it."""
    return f".{name}".endswith(f".{zone}")


@dataclass
class Reply:
    """What an answer says, order within sets aside."""

    rcode: int
    flags: str
    edns: tuple[int, int]
    question: str
    answer: list[str]
    authority: list[str]
    additional: list[str]

    @classmethod
    def of(cls, answer: bytes) -> "Reply":
        message = dns.message.from_wire(answer)
        return cls(
            int(message.rcode()),
            dns.flags.to_text(message.flags),
            (message.edns, int(message.ednsflags) & dns.flags.DO),
            " ".join(rrset.to_text() for rrset in message.question),
            rows(message.answer),
            sorted(rows(message.authority)),
            sorted(rows(message.additional)),
        )

    @property
    def is_authoritative(self) -> bool:
        return "AA" in self.flags


def rows(section: Sequence[dns.rrset.RRset]) -> list[str]:
    """Return the records of a section: sets in order, sorted inside."""
    return [
        f"{rrset.name.canonicalize()} {rrset.ttl} {rdata}"
        for rrset in section
        for rdata in sorted(
            f"{dns.rdatatype.to_text(rdata.rdtype)} {rdata.to_text().lower()}"
            for rdata in rrset
        )
    ]
