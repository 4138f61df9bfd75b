"""Updates put together, and zones with journals."""

from pathlib import Path

import dns.name
import dns.update

from pabal.dns.wire.rrset import to_dnspython
from pabal.dns.wire.update import UpdateRequest, parse_update
from pabal.dns.zone.batch import Journals
from pabal.dns.zone.zones import Zones
from tests.support.zones import FixedClock, MemoryDerived, MemorySource

ZONE = "example.com."


def message(*lines: str, zone: str = ZONE) -> dns.update.UpdateMessage:
    """Return an update of lines ``add|delete|present|absent NAME [TTL TYPE ...]``."""
    made = dns.update.UpdateMessage(zone, id=0x1234)
    for line in lines:
        what, name, *words = line.split(maxsplit=2)
        rest = words[0].split(maxsplit=2) if words else []
        match what:
            case "add":
                made.add(name, int(rest[0]), *rest[1:])
            case "delete" if len(rest) > 1:
                made.delete(name, rest[0], " ".join(rest[1:]))
            case "delete":
                made.delete(name, *rest)
            case "present" if len(rest) > 1:
                made.present(name, rest[0], " ".join(rest[1:]))
            case "present":
                made.present(name, *rest)
            case _:
                made.absent(name, *rest)
    return made


def request(*lines: str, zone: str = ZONE) -> UpdateRequest:
    return parse_update(message(*lines, zone=zone).to_wire())


def updatable(
    directory: Path,
    source: MemorySource,
    derived: MemoryDerived | None = None,
    *,
    writes: bool = True,
) -> Zones:
    """Return zones with journals in ``directory``, loaded: one process of several."""
    made = Zones(source, derived, "mail.example.org", FixedClock())
    made.journals = Journals(directory, writes=writes)
    made.reload()
    return made


def shown(zones: Zones, name: str, zone: str = ZONE) -> dict[str, list[str]]:
    """Return what ``name`` has, in presentation form."""
    held = zones.get(dns.name.from_text(zone))
    assert held is not None
    rrsets = held.nodes.get(dns.name.from_text(name).to_wire() or b"", {})
    made = [to_dnspython(rrset) for rrset in rrsets.values()]
    return {
        rrset.rdtype.name: sorted(rdata.to_text() for rdata in rrset) for rrset in made
    }


def serial(zones: Zones, zone: str = ZONE) -> int:
    held = zones.get(dns.name.from_text(zone))
    assert held is not None
    return held.serial
