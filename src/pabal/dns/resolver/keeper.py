"""Looks after the trust anchors: when their zones change keys, they change, too.

Driver. Every process looks by itself; what they found is in one place (``AnchorStore``)
and read again before each look, so they agree, and a new one knows what all know.
Source: RFC 5011 §2.2, §2.3 (active refresh).
"""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

import dns.name
import dns.rdatatype

from pabal.base.clock import Clock
from pabal.base.log import Log
from pabal.dns.dnssec.fault import BogusError
from pabal.dns.dnssec.signature import signatures_of
from pabal.dns.ports import ResolutionError
from pabal.dns.resolver.anchors import TrustAnchor
from pabal.dns.resolver.anchorstate import (
    HOUR_S,
    RETRY_S,
    AnchorStateError,
    Sighting,
    TrustPoint,
    anchor_of,
    observe,
    read_state,
    write_state,
)
from pabal.dns.resolver.claim import Claim

START_S: Final = 10.0
"""Nothing is looked at right after the start: there are more urgent questions then."""

log = Log("dns.anchors")


class AnchorStore(Protocol):
    """Where the state of the trust anchors is kept; may block."""

    def load(self) -> str:
        """Return what was saved last; empty: nothing ever was.

        Raises:
            OSError: It cannot be read.
        """
        ...

    def save(self, text: str) -> None:
        """Keep ``text`` in the place of what was there, durably.

        Raises:
            OSError: It cannot be written; what was there still is.
        """
        ...


class Trusting(Protocol):
    """The resolver, as far as it is needed here."""

    @property
    def configured(self) -> Mapping[dns.name.Name, TrustAnchor]:
        """The trust anchors the operator gave, by zone."""
        ...

    def trust(self, zone: dns.name.Name, anchor: TrustAnchor | None) -> None:
        """Let ``anchor`` be that of ``zone`` from now on; ``None``: it has none."""
        ...

    async def fetch(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Claim:
        """Return what servers say of ``name`` now, unchecked, with its signatures.

        Raises:
            ResolutionError: No server gave a usable answer in time.
        """
        ...


class AnchorKeeper:
    """Watches the keys of the zones that trust begins at."""

    def __init__(self, resolver: Trusting, store: AnchorStore, clock: Clock) -> None:
        self._resolver = resolver
        self._store = store
        self._clock = clock

    async def run(self) -> None:
        """Look whenever it is time; never returns."""
        await self.restore()
        pause_s = START_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = min(await self.look(), HOUR_S)

    async def restore(self) -> None:
        """Trust what was found to be trusted before."""
        points = await self._load()
        for zone, configured in self._resolver.configured.items():
            self._apply(points.get(zone, TrustPoint(zone)), configured)

    async def look(self) -> float:
        """Look at the keys of each zone whose time has come.

        Returns:
            How long until it is time again, seconds.
        """
        points = dict(await self._load())
        changed = False
        for zone, configured in self._resolver.configured.items():
            point = points.get(zone, TrustPoint(zone))
            if point.look_at <= self._clock.now():
                found = await self._look_at(point, configured)
                self._tell(point, found)
                points[zone] = point = found
                changed = True
            self._apply(point, configured)
        if changed:
            await self._save(points)
        ends = [point.look_at for point in points.values()]
        return max(0.0, min(ends, default=0.0) - self._clock.now()) or RETRY_S

    async def _look_at(self, point: TrustPoint, configured: TrustAnchor) -> TrustPoint:
        """Return ``point`` after a look; in vain, only its time is another."""
        try:
            claim = await self._resolver.fetch(point.zone, dns.rdatatype.DNSKEY)
            if claim.rrset is None:
                raise BogusError(f"{point.zone} shows no DNSKEY")
            signatures = signatures_of(
                claim.evidence, claim.rrset.name, dns.rdatatype.DNSKEY
            )
            seen = Sighting(claim.rrset, signatures)
            return observe(point, configured, seen, self._clock.now())
        except (ResolutionError, BogusError) as error:
            log.warning(
                "trust anchor not looked at", zone=str(point.zone), reason=str(error)
            )
            look_at = self._clock.now() + RETRY_S
            return TrustPoint(point.zone, point.keys, look_at)

    def _apply(self, point: TrustPoint, configured: TrustAnchor) -> None:
        self._resolver.trust(point.zone, anchor_of(point, configured))

    def _tell(self, old: TrustPoint, new: TrustPoint) -> None:
        before = {key.dnskey: key.state for key in old.keys}
        for key in new.keys:
            if before.get(key.dnskey) is not key.state:
                log.info(
                    "trust anchor changed",
                    zone=str(new.zone),
                    key=key.dnskey.key_id(),
                    state=key.state.value,
                )

    async def _load(self) -> Mapping[dns.name.Name, TrustPoint]:
        try:
            return read_state(await asyncio.to_thread(self._store.load))
        except (OSError, AnchorStateError) as error:
            log.warning("trust anchors start anew", reason=str(error))
            return {}

    async def _save(self, points: Mapping[dns.name.Name, TrustPoint]) -> None:
        try:
            await asyncio.to_thread(self._store.save, write_state(points.values()))
        except OSError as error:
            log.warning("trust anchors not saved", reason=str(error))
