"""What the targets of ALIAS records have now, kept fresh by our own resolver."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import dns.name
import dns.rdatatype

from pabal.base.clock import Clock
from pabal.base.log import Log
from pabal.dns.ports import ResolutionError, Resolver
from pabal.dns.wire.rrset import name_of, rdata_octets
from pabal.dns.zone.alias import Addresses, Book

FRESH_MIN_S: Final = 30
FRESH_MAX_S: Final = 300
"""A target is asked for again when its TTL is over, within these limits."""

AGAIN_S: Final = 60
"""When a target that could not be resolved is asked for again."""

AT_ONCE_MAX: Final = 16
"""Targets resolved at the same time."""

log = Log("alias")


@dataclass(frozen=True, slots=True)
class _Entry:
    addresses: Addresses | None
    until: float


class AliasTargets:
    """The targets of all ALIAS records of this server.

    Attributes:
        book: What is known of them; ``None`` for one that could not be resolved yet.
            Replaced, never changed.
    """

    def __init__(self, resolver: Resolver, clock: Clock) -> None:
        self._resolver = resolver
        self._clock = clock
        self._entries: dict[bytes, _Entry] = {}
        self.book: Book = {}

    async def refresh(self, wanted: Collection[bytes]) -> bool:
        """Resolve those of ``wanted`` that are due; return whether anything changed."""
        now = self._clock.monotonic()
        self._entries = {t: e for t, e in self._entries.items() if t in wanted}
        due = [
            target
            for target in sorted(wanted)
            if (entry := self._entries.get(target)) is None or now >= entry.until
        ]
        for start in range(0, len(due), AT_ONCE_MAX):
            some = due[start : start + AT_ONCE_MAX]
            async with asyncio.TaskGroup() as group:
                for target in some:
                    group.create_task(self._resolve(target))
        book = {target: entry.addresses for target, entry in self._entries.items()}
        changed = book != self.book
        if changed:
            self.book = book
        return changed

    async def _resolve(self, target: bytes) -> None:
        name = name_of(target)
        try:
            a, first_s = await self._records(name, dns.rdatatype.A)
            aaaa, second_s = await self._records(name, dns.rdatatype.AAAA)
        except ResolutionError as error:
            log.info("target not resolved", target=str(name), reason=error.reason)
            before = self._entries.get(target)
            kept = None if before is None else before.addresses
            self._entries[target] = _Entry(kept, self._clock.monotonic() + AGAIN_S)
            return
        fresh_s = max(FRESH_MIN_S, min(FRESH_MAX_S, first_s, second_s))
        until = self._clock.monotonic() + fresh_s
        self._entries[target] = _Entry(Addresses(a, aaaa), until)

    async def _records(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> tuple[tuple[bytes, ...], int]:
        """Return the RDATA of one kind, sorted, and how long it holds, seconds."""
        resolved = await self._resolver.resolve(name, rdtype)
        rdatas = {
            rdata_octets(rdata)
            for rrset in resolved.answer
            if rrset.rdtype == rdtype
            for rdata in rrset
        }
        ttl_s = min((rrset.ttl for rrset in resolved.answer), default=FRESH_MAX_S)
        return tuple(sorted(rdatas)), ttl_s
