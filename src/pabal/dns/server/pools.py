"""Address sets whose hosts are probed and weighted: who is in the answer, and first.

Sans-IO: what a probe found is told, the time is an argument. A host that fails several
times in a row is taken out of the answer, one that is well again is put back; with no
host left all of them are said, because one of them may be well after all.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import dns.name

from pabal.base.errors import OperatorError
from pabal.dns.settings import PoolSettings
from pabal.dns.wire import codes
from pabal.dns.wire.name import to_text
from pabal.dns.wire.response import Response
from pabal.dns.wire.rrset import name_octets
from pabal.dns.zone.denial import signatures
from pabal.dns.zone.lookup import ZoneSet
from pabal.dns.zone.packed import NOTHING
from pabal.net.endpoint import plain_address

TURNS_MAX: Final = 64
"""Answers after which weights repeat: with a larger sum they are rounded."""

_ADDRESSES: Final = frozenset((codes.A, codes.AAAA))


@dataclass(slots=True)
class Host:
    """One address of a pool.

    Attributes:
        address: As RDATA.
        is_well: Whether it is in the answer.
        streak: Probes in a row that said the other.
        due_at: When it is to be probed next, monotonic seconds.
    """

    address: bytes
    is_well: bool = True
    streak: int = 0
    due_at: float = 0.0


@dataclass(slots=True)
class Pool:
    """The hosts behind some names.

    Attributes:
        settings: From the configuration.
        names: Folded.
        weights: How often an address stands first, compared with others, by RDATA.
        hosts: What is known of each address that was seen, by RDATA.
    """

    settings: PoolSettings
    names: frozenset[bytes]
    weights: Mapping[bytes, int]
    hosts: dict[bytes, Host] = field(default_factory=dict)

    def seen(self, addresses: Iterable[bytes]) -> None:
        """Take note of the addresses there are now: others are forgotten."""
        self.hosts = {
            address: self.hosts.get(address) or Host(address) for address in addresses
        }

    def due(self, now: float) -> list[Host]:
        """Return the hosts to probe now; each is due again after the interval."""
        if not self.settings.probe:
            return []
        found = [host for host in self.hosts.values() if host.due_at <= now]
        for host in found:
            host.due_at = now + self.settings.interval_s
        return found

    def note(self, host: Host, *, well: bool) -> bool:
        """Take note of a probe; return whether the host came or went with it."""
        if well == host.is_well:
            host.streak = 0
            return False
        host.streak += 1
        wanted = self.settings.rise if well else self.settings.fall
        if host.streak < wanted:
            return False
        host.is_well, host.streak = well, 0
        return True

    def well(self, rdatas: Sequence[bytes]) -> tuple[bytes, ...]:
        """Return those of ``rdatas`` that are well; all if none is."""
        found = tuple(rdata for rdata in rdatas if self._is_well(rdata))
        return found or tuple(rdatas)

    def _is_well(self, address: bytes) -> bool:
        host = self.hosts.get(address)
        return host is None or host.is_well

    def turns(self, rdatas: Sequence[bytes]) -> list[int]:
        """Return which of ``rdatas`` stands first in turn; empty: as everywhere."""
        weights = [self.weights.get(rdata, 1) for rdata in rdatas]
        if len(set(weights)) < 2 and 0 not in weights:
            return []
        scale = max(1.0, sum(weights) / TURNS_MAX)
        shares = [math.ceil(weight / scale) for weight in weights]
        if not sum(shares):
            return []
        return list(_spread(shares))


def _spread(shares: Sequence[int]) -> Iterable[int]:
    """Yield each index as often as its share says, evenly mixed."""
    credit = [0] * len(shares)
    total = sum(shares)
    for _ in range(total):
        for index, share in enumerate(shares):
            credit[index] += share
        first = max(range(len(shares)), key=credit.__getitem__)
        credit[first] -= total
        yield first


@dataclass(frozen=True, slots=True)
class Part:
    """What is left of a signed set.

    Attributes:
        zone: Folded name of the zone.
        owner: Folded.
        rdtype: A or AAAA.
        ttl_s: Of the whole set, seconds: what is signed.
        rdatas: Those that are well.
        whole: RDATA of the signatures over the whole set: made anew with them.
    """

    zone: bytes
    owner: bytes
    rdtype: int
    ttl_s: int
    rdatas: tuple[bytes, ...]
    whole: tuple[bytes, ...]


class Pools:
    """All pools, by the names they stand behind.

    Attributes:
        all: The pools.
        signed: RDATA of the signatures over parts of signed sets; replaced, never
            changed, by who can sign.
    """

    def __init__(self, pools: Sequence[Pool] = ()) -> None:
        self.all = pools
        self._by_name = {name: pool for pool in pools for name in pool.names}
        self.signed: Mapping[Part, tuple[bytes, ...]] = {}

    def parts(self, zones: ZoneSet) -> list[Part]:
        """Return the parts of signed sets of ``zones`` that are to be answered now."""
        found = []
        for name, pool in self._by_name.items():
            zone = zones.find(name, codes.A)
            if zone is None or zone.denial is None:
                continue
            rrsets = zone.nodes.get(name, NOTHING)
            for rdtype in _ADDRESSES & rrsets.keys():
                rrset = rrsets[rdtype]
                signed = signatures(rrsets, rrset)
                left = pool.well(rrset.rdatas)
                if signed and left != rrset.rdatas:
                    whole = signed[0].rdatas
                    ttl_s = rrset.ttl_s
                    part = Part(zone.origin, name, rdtype, ttl_s, left, whole)
                    found.append(part)
        return found

    def adjusted(self, response: Response, zone: bytes = b"") -> Response:
        """Return ``response`` without hosts that are not well.

        A signed set stays whole as long as nobody has signed what is left of it.

        Args:
            zone: Folded name of the zone that answered last.
        """
        at = self._place(response)
        if at is None:
            return response
        rrset, after = response.answer[at], response.answer[at + 1 :]
        pool = self._by_name[rrset.owner.lower()]
        ttl_s = min(rrset.ttl_s, pool.settings.ttl_s)
        shown = pool.well(rrset.rdatas)
        if after and shown != rrset.rdatas:
            owner, whole = rrset.owner.lower(), after[0].rdatas
            part = Part(zone, owner, rrset.rdtype, rrset.ttl_s, shown, whole)
            made = self.signed.get(part)
            if made is None:
                shown = rrset.rdatas
            else:
                after = (replace(after[0], rdatas=made),)
        sets = [replace(rrset, rdatas=shown), *after]
        answer = (replace(each, ttl_s=ttl_s) for each in sets)
        return replace(response, answer=(*response.answer[:at], *answer))

    def turns(self, response: Response) -> list[int]:
        """Return which record of the last set stands first; empty: as everywhere."""
        at = self._place(response)
        if at is None:
            return []
        rrset = response.answer[at]
        return self._by_name[rrset.owner.lower()].turns(rrset.rdatas)

    def _place(self, response: Response) -> int | None:
        """Return where the last set stands, if it is one of a pool."""
        answer = response.answer
        if not self._by_name or not answer:
            return None
        # In a signed zone its signatures stand behind it.
        at = len(answer) - (2 if answer[-1].rdtype == codes.RRSIG else 1)
        if at < 0 or answer[at].rdtype not in _ADDRESSES:
            return None
        return at if answer[at].owner.lower() in self._by_name else None


def addresses_at(views: Iterable[ZoneSet], names: Iterable[bytes]) -> frozenset[bytes]:
    """Return all addresses at folded ``names``, as RDATA, in every view."""
    found: set[bytes] = set()
    for name, zones in itertools.product(names, views):
        zone = zones.find(name, codes.A)
        rrsets = NOTHING if zone is None else zone.nodes.get(name, NOTHING)
        for rdtype in _ADDRESSES & rrsets.keys():
            found.update(rrsets[rdtype].rdatas)
    return frozenset(found)


def pools_of(settings: Sequence[PoolSettings]) -> Pools:
    """Return the pools of ``settings``.

    Raises:
        OperatorError: A name is in two of them.
    """
    pools: list[Pool] = []
    seen: set[bytes] = set()
    for each in settings:
        names = frozenset(_folded(name) for name in each.names)
        if twice := names & seen:
            name = to_text(min(twice))
            raise OperatorError(
                f"dns.pool.{each.name}: {name} is in another pool.", "Keep it in one."
            )
        seen |= names
        weights = dict(_weight(text) for text in each.weights)
        pools.append(Pool(each, names, weights))
    return Pools(pools)


def _folded(name: str) -> bytes:
    return name_octets(dns.name.from_text(name)).lower()


def _weight(text: str) -> tuple[bytes, int]:
    address, _, number = text.partition(" ")
    return plain_address(address).packed, int(number)
