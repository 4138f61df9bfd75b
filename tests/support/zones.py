"""Zones out of text, and questions put together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name

from pabal.dns.ports import DerivedRecord
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.gathering import Gathering
from pabal.dns.zone.load import Loaded, ZoneInput, load_zone
from pabal.dns.zone.packed import walk
from pabal.dns.zone.source import Stamp
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.zones import Zones

HEAD = (
    "$TTL 3600\n@ SOA ns hostmaster 1 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\n"
)
"""What every zone needs; four lines."""


class FixedClock:
    def __init__(self, at: float = 1000.0) -> None:
        self.at = at

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


@dataclass
class MemorySource:
    """Master files in a dict; a file's stamp is its text's hash."""

    texts: dict[str, str] = field(default_factory=dict)

    def files(self) -> Mapping[dns.name.Name, str]:
        return {
            dns.name.from_text(file.removesuffix(".zone")): file
            for file in self.texts
            if file.endswith(".zone")
        }

    def stamps(self, own: Mapping[str, Stamp] | None = None) -> Mapping[str, Stamp]:
        if own is not None:
            return own
        return {file: self.stamp(file) for file in self.files().values()}

    def stamp(self, file: str) -> Stamp:
        return 0, 0, hash(self.read(file))

    def read(self, file: str) -> str:
        if file not in self.texts:
            raise FileNotFoundError(file)
        return self.texts[file]


@dataclass
class MemoryDerived:
    """Hosted domains and their records in a dict."""

    by_domain: dict[str, list[DerivedRecord]] = field(default_factory=dict)

    def domains(self) -> list[str]:
        return list(self.by_domain)

    def records(self, domain: str) -> list[DerivedRecord]:
        return self.by_domain[domain]


def load(
    text: str,
    origin: str = "example.com.",
    derived: tuple[DerivedRecord, ...] = (),
    *,
    hosted: bool = False,
    files: Mapping[str, str] | None = None,
) -> Loaded:
    source = MemorySource({"z": text, **(files or {})})
    name = dns.name.from_text(origin)
    given = ZoneInput(name, "z", hosted, derived, "mail.example.org", 7)
    return load_zone(given, source.read)


def zone(text: str, origin: str = "example.com.") -> Zone:
    loaded = load(text, origin)
    assert loaded.zone is not None, [str(p) for p in loaded.problems]
    return loaded.zone


def zones(**texts: str) -> Zones:
    """Return zones by keyword, ``example_com="..."``; ``root`` is not special."""
    source = MemorySource(
        {key.replace("_", ".") + ".zone": text for key, text in texts.items()}
    )
    made = Zones(source, None, "mail.example.org", FixedClock())
    report = made.reload()
    assert not report.refused, [str(p) for p in report.problems]
    return made


def octets(name: str) -> bytes:
    return dns.name.from_text(name).to_wire() or b""


def question(
    name: str, rdtype: str = "A", *, edns: int | None = None, size: int = 1232
) -> bytes:
    """Return a query without RD."""
    message = dns.message.make_query(name, rdtype, flags=0, id=0x1234)
    if edns is not None:
        message.use_edns(edns, 0, size)
    return message.to_wire()


def recursive(name: str, rdtype: str = "A") -> bytes:
    message = dns.message.make_query(name, rdtype, flags=dns.flags.RD, id=0x1234)
    return message.to_wire()


def gathered(gathering: Gathering) -> list[RRset]:
    """Return what was gathered, a record each."""
    found = []
    for owner, packed in gathering.nodes.items():
        written = gathering.letters.get(owner, owner)
        for rdtype, ttl_s, _, rdata in walk(packed):
            found.append(RRset(written, rdtype, ttl_s, (rdata,)))
    return found
