"""One zone made out of its file and what follows from the directory.

Sans-IO: text comes in, a zone or its problems go out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import dns.name

from pabal.dns.ports import DerivedRecord
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import name_octets
from pabal.dns.zone.check import ZoneCheck
from pabal.dns.zone.compose import Composition
from pabal.dns.zone.master import MasterFile, ReadFile
from pabal.dns.zone.problem import (
    Place,
    Problem,
    Severity,
    has_errors,
    undecodable,
)
from pabal.dns.zone.small import SmallZones
from pabal.dns.zone.source import Text
from pabal.dns.zone.tree import Zone, build_packed

SOA_REFRESH_S: Final = 7200
SOA_RETRY_S: Final = 3600
SOA_EXPIRE_S: Final = 1_209_600
"""Two weeks: a secondary outlives a long holiday (RFC 1912 §2.2)."""
SOA_MINIMUM_S: Final = 300
"""How long it is remembered that a name is missing: short, for newly made names."""


@dataclass(frozen=True, slots=True)
class ZoneInput:
    """What a zone is made from.

    Attributes:
        name: The zone's name.
        file: The master file, or ``None`` without one.
        hosted: Whether the directory hosts the domain: SOA and NS are then ours to add.
        derived: What follows from the directory.
        hostname: This server's name, for SOA and NS.
        serial: Serial number of an SOA we add.
        copied: The file is a copy of another server's zone: served as it is there.
    """

    name: dns.name.Name
    file: str | None
    hosted: bool
    derived: tuple[DerivedRecord, ...]
    hostname: str
    serial: int
    copied: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of it.

    Attributes:
        zone: The zone, or ``None`` when a problem is an error.
        problems: Every problem, in the order of the file.
    """

    zone: Zone | None
    problems: tuple[Problem, ...]


def load_zone(
    given: ZoneInput, read_file: ReadFile, small: SmallZones | None = None
) -> Loaded:
    """Return the zone of ``given``, its files got by ``read_file``.

    Args:
        small: Takes the zones that need no care.
    """
    text = "" if given.file is None else _text(given.file, read_file)
    if isinstance(text, Problem):
        return Loaded(None, (text,))
    as_it_is = not (given.hosted or given.derived or given.copied)
    if small is not None and as_it_is and isinstance(text, str):
        zone = small.zone(name_octets(given.name).lower(), text)
        if zone is not None:
            return Loaded(zone, ())
    master = MasterFile(given.name, read_file)
    if given.file is not None:
        master.read(given.file, text)
    origin = master.zone
    composition = Composition(master)
    if not given.copied:
        composition.add_derived(_with_apex(given, composition))
    found = (*master.problems, *composition.problems)
    if has_errors(found):
        # A record that could not be read leaves gaps; do not report them as well.
        return Loaded(None, found)
    problems = (*found, *([] if given.copied else ZoneCheck(composition).problems()))
    if has_errors(problems):
        return Loaded(None, problems)
    derived = frozenset(composition.derived)
    if given.copied and codes.SOA not in composition.types(origin):
        reason = "the copy has no SOA"
        return Loaded(None, (Problem(Severity.ERROR, Place(given.file or ""), reason),))
    zone = build_packed(origin, composition.nodes, composition.letters, derived)
    return Loaded(zone, problems)


def _text(file: str, read_file: ReadFile) -> Text | Problem:
    try:
        return read_file(file)
    except UnicodeDecodeError as error:
        return undecodable(file, error)
    except OSError as error:
        return Problem(Severity.ERROR, Place(file), f"cannot be read: {error}")


def _with_apex(given: ZoneInput, composition: Composition) -> Sequence[DerivedRecord]:
    """Return the derived records, SOA and NS added where nobody gave one."""
    if not given.hosted:
        return given.derived
    apex = given.name.to_text()
    present = {
        record.rdtype.upper()
        for record in given.derived
        if dns.name.from_text(record.owner) == given.name
    }
    added = []
    if "SOA" not in present:
        timers = f"{SOA_REFRESH_S} {SOA_RETRY_S} {SOA_EXPIRE_S} {SOA_MINIMUM_S}"
        keeper = dns.name.from_text("hostmaster", given.name)
        host = given.hostname.rstrip(".") + "."
        rdata = f"{host} {keeper} {given.serial} {timers}"
        added.append(DerivedRecord(apex, "SOA", rdata))
    if "NS" not in present and codes.NS not in composition.types(composition.origin):
        added.append(DerivedRecord(apex, "NS", given.hostname.rstrip(".") + "."))
    return (*given.derived, *added)
