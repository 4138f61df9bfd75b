"""Signs what is left of an address set when a host of its pool is taken out.

What a signed zone holds is the whole set, and a part of it would be refused with the
whole set's signatures (RFC 4035 §5.3.2). So each process that answers signs the part it
answers with, by the keys that the set in the zone is signed by, off the event loop;
until that is done the whole set is said. What is in the zone, and goes to secondaries,
stays as it is.
Security: reads private keys, which the program's user may; they are kept for no longer
than a signature takes.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from pabal.base.clock import Clock
from pabal.base.errors import PabalError
from pabal.base.log import Log
from pabal.dns.dnssec.setsigner import SetSigner, Signer, facts_of
from pabal.dns.server.pools import Part, Pools
from pabal.dns.wire.name import to_text
from pabal.dns.wire.rrset import name_of
from pabal.dns.zone.keystore import KeyStore, KeyStoreError
from pabal.dns.zone.lookup import ZoneSet

log = Log("names")


@dataclass(slots=True)
class Resigner:
    """Keeps the parts of signed sets signed that are answered now.

    Attributes:
        pools: Who is well; given the signatures.
        zones: The zones as they are served.
        store: Their keys.
        clock: Says from when on a signature holds.
        views: What some clients see instead of the zones, served likewise.
    """

    pools: Pools
    zones: ZoneSet
    store: KeyStore
    clock: Clock
    views: Sequence[ZoneSet] = ()
    _failed: frozenset[Part] = frozenset()

    async def refresh(self) -> bool:
        """Sign what is lacking; return whether other answers are to be given now."""
        found = map(self.pools.parts, (self.zones, *self.views))
        wanted = list(dict.fromkeys(chain.from_iterable(found)))
        before = self.pools.signed
        signed = {part: before[part] for part in wanted if part in before}
        lacking = [p for p in wanted if p not in signed and p not in self._failed]
        self._failed &= frozenset(wanted)
        for part in lacking:
            try:
                signed[part] = await asyncio.to_thread(self._sign, part)
            except (PabalError, OSError) as error:
                self._failed |= {part}
                name = to_text(part.owner)
                log.warning("set stays whole", name=name, reason=str(error))
        changed = signed.keys() != before.keys()
        self.pools.signed = signed
        return changed

    def _sign(self, part: Part) -> tuple[bytes, ...]:
        """Return the RDATA of the signatures over a part.

        Raises:
            KeyStoreError: A key that the set is signed by is not ours.
        """
        keys = self.store.of(name_of(part.zone))
        ring = keys.read()
        makers = {facts_of(rdata).maker for rdata in part.whole}
        mine = [] if ring is None else ring.keys
        signers = [
            Signer.of(keys.private(key))
            for key in mine
            if (key.algorithm, key.tag) in makers
        ]
        if ring is None or len(signers) != len(makers):
            raise KeyStoreError("the zone is signed by keys that are not here")
        signer = SetSigner(part.zone, int(self.clock.now()), ring.policy.validity_s)
        made = signer.sign(part.owner, part.rdtype, part.ttl_s, part.rdatas, signers)
        return tuple(made)
