"""What a cache holds, for people and programs.

Sans-IO, pure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import dns.name
import dns.rdatatype

from pabal.dns.resolver.cache import NXDOMAIN_KEY, Entry

Snapshot = list[tuple[tuple[dns.name.Name, dns.rdatatype.RdataType], Entry]]
"""The entries of a cache at one moment; entries never change."""


@dataclass(frozen=True, slots=True)
class Cached:
    """One thing a cache knows.

    Attributes:
        name: Absolute.
        rdtype: Mnemonic; empty: it is about all types.
        ttl_s: What is left of its time; below zero: it ended, and is kept for when no
            server answers.
        kind: ``records``, ``no data`` or ``no such name``.
        data: The records, presentation form.
        trust: How far it is believed (RFC 2181 §5.4.1).
        security: What validation found; empty: it was not checked.
    """

    name: str
    rdtype: str
    ttl_s: int
    kind: str
    data: tuple[str, ...]
    trust: str
    security: str


def listed(snapshot: Snapshot, below: dns.name.Name, now: float) -> Iterator[Cached]:
    """Return what ``snapshot`` has at and below a name, the names in their order."""
    found = [item for item in snapshot if item[0][0].is_subdomain(below)]
    found.sort(key=lambda item: (_place(item[0][0]), item[0][1]))
    for (name, rdtype), entry in found:
        kind = "records"
        if entry.rrset is None:
            kind = "no such name" if entry.nxdomain else "no data"
        yield Cached(
            name.to_text(),
            "" if rdtype == NXDOMAIN_KEY else dns.rdatatype.to_text(rdtype),
            int(entry.expires_at - now),
            kind,
            tuple(rdata.to_text() for rdata in entry.rrset or ()),
            entry.trust.name.lower(),
            "" if entry.verdict is None else entry.verdict.security.value,
        )


def merged(several: Iterable[Iterable[Cached]]) -> list[Cached]:
    """Return what is in any of ``several`` lists, the same data once, latest end."""
    found: dict[tuple[str, str, tuple[str, ...]], Cached] = {}
    for items in several:
        for item in items:
            key = item.name, item.rdtype, item.data
            old = found.get(key)
            if old is None or old.ttl_s < item.ttl_s:
                found[key] = item
    return sorted(
        found.values(),
        key=lambda item: (_place(dns.name.from_text(item.name)), item.rdtype),
    )


def _place(name: dns.name.Name) -> tuple[bytes, ...]:
    """Return a name's place in canonical order (RFC 4034 §6.1)."""
    return tuple(label.lower() for label in reversed(name.labels))
