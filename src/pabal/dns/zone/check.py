"""What makes a zone wrong or suspicious although each record is well formed.

Sans-IO. Linear in the records. Source: RFC 1034 §3.6.2 and RFC 2181 §10.1 (CNAME beside
other data), RFC 1035 §5.2 (SOA, NS), RFC 2181 §10.3 (MX and NS to an alias),
RFC 1912 §2 (common mistakes), RFC 7208 §4.5 (one SPF record).
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from struct import Struct
from typing import Final

from pabal.dns.wire import codes
from pabal.dns.wire.name import WILDCARD, is_below, parent, to_text
from pabal.dns.zone.compose import Composition
from pabal.dns.zone.packed import HEAD, Packed, walk
from pabal.dns.zone.problem import Place, Problem, Severity
from pabal.dns.zone.shards import parts_of
from pabal.dns.zone.tree import Key

_BESIDE_CNAME: Final = frozenset((codes.CNAME, 46, 47))
"""RRSIG and NSEC may stand beside a CNAME (RFC 4034 §3 and §4)."""

_NAME_OFFSET: Final = {
    codes.NS: 0,
    codes.CNAME: 0,
    codes.PTR: 0,
    codes.DNAME: 0,
    codes.MX: 2,
    codes.SRV: 6,
}
"""Types whose RDATA ends in one name that people write by hand, and where it begins."""

TTL_MAX_S: Final = 0x7FFF_FFFF
"""RFC 2181 §8."""

TTL_LONG_S: Final = 4 * 7 * 86_400
"""Longer than four weeks is nearly always a slip of the keyboard."""


_QUIET: Final = frozenset((codes.A, codes.AAAA, codes.TXT, codes.CAA, codes.DS))
"""Types that point nowhere: alone at a name below the apex they cannot be wrong."""


_NUMBERS: Final = re.compile(r"((?:[0-9]{1,3}\.){3}[0-9]{1,3})\.")
"""An address that was taken for a name."""

_SPF: Final = b"v=spf1"

_TIMERS: Final = Struct("!IIII")

REFRESH_MIN_S: Final = 60
"""Who lets secondaries ask more often tries something out."""


def expires_early(soa: bytes) -> bool:
    """Return whether the expire of an SOA, RDATA, is not beyond refresh and retry."""
    refresh_s, retry_s, expire_s, _ = _TIMERS.unpack(soa[-16:])
    return bool(refresh_s >= REFRESH_MIN_S and expire_s <= refresh_s + retry_s)


def _is_spf(record: Packed) -> bool:
    return record[0] == codes.TXT and record[3][1:].lower().startswith(_SPF)


class ZoneCheck:
    """Looks through one composition."""

    def __init__(self, composition: Composition) -> None:
        self._composition = composition
        self._origin = composition.origin
        self._nodes = composition.nodes
        # The root's twice would be the root again.
        self._twice = self._origin[:-1] + self._origin

    def problems(self) -> list[Problem]:
        """Return what is wrong, the gravest first."""
        found = [*self._apex()]
        unpack_head, twice, root = HEAD.unpack_from, self._twice, len(self._origin) == 1
        for part in parts_of(self._nodes):
            for owner, records in part.items():
                rdtype, ttl_s, _, size = unpack_head(records)
                if (
                    rdtype in _QUIET
                    and len(records) == HEAD.size + size
                    and ttl_s <= TTL_LONG_S
                    and (root or not owner.endswith(twice))
                ):
                    continue
                found += self._node(owner, list(walk(records)))
        return sorted(found, key=lambda problem: problem.severity.value)

    def _node(self, owner: bytes, records: list[Packed]) -> Iterator[Problem]:
        types = {record[0] for record in records}
        if codes.CNAME in types and len(records) > 1:
            yield from self._alias(owner, types, records)
        if codes.ALIAS in types:
            yield from self._flattened(owner, types, records)
        if codes.SOA in types and owner != self._origin:
            reason = f"an SOA stands at {to_text(owner)}, below the apex"
            yield _error(
                self._place((owner, codes.SOA)), reason, "give it its own zone"
            )
        if owner.endswith(self._twice) and len(self._origin) > 1:
            yield from self._doubled_owner((owner, records[0][0]))
        if sum(_is_spf(record) for record in records) > 1:
            reason = f"more than one SPF record at {to_text(owner)}"
            fix = "receivers take that for a mistake (RFC 7208 §4.5): make them one"
            yield _warning(self._place((owner, codes.TXT)), reason, fix)
        slow = None
        for rdtype, ttl_s, line, rdata in records:
            if rdtype in _NAME_OFFSET:
                target = rdata[_NAME_OFFSET[rdtype] :].lower()
                if target.endswith(self._origin):
                    yield from self._inside((owner, rdtype), line, target)
            if ttl_s > TTL_LONG_S and rdtype != slow:
                slow = rdtype
                yield self._ttl((owner, rdtype), ttl_s)

    def _inside(self, key: Key, line: int, target: bytes) -> Iterator[Problem]:
        """Check a record that points to ``target``, a name of this zone."""
        found: list[Problem] = []
        if key[1] in (codes.NS, codes.MX, codes.SRV):
            found += self._host(key, target)
        if self._composition.is_suspect(line) and key not in self._composition.derived:
            meant = self._doubled(target)
            if meant:
                place = _at_word(self._place(key), to_text(meant))
                dot = self._dot(place, target, meant)
                # One mistake: that the wrong name has no address follows from it.
                is_grave = any(each.severity is Severity.ERROR for each in found)
                found = [replace(dot, severity=Severity.ERROR) if is_grave else dot]
        yield from found

    def _doubled_owner(self, key: Key) -> Iterator[Problem]:
        """``mail.example.com`` without its dot becomes mail.example.com.example.com."""
        meant = self._doubled(key[0])
        if meant and key not in self._composition.derived:
            yield self._dot(self._place(key), key[0], meant)

    def _apex(self) -> Iterator[Problem]:
        types = [record[0] for record in walk(self._nodes.get(self._origin, b""))]
        count = types.count(codes.SOA)
        if count == 1:
            yield from self._timers()
        if count == 1 and codes.NS in types:
            return
        apex = to_text(self._origin)
        place = self._place((self._origin, codes.SOA))
        if count > 1:
            yield _error(place, f"zone {apex} has more than one SOA", "keep one")
        place = Place(place.file)
        if not count:
            fix = "write `@ SOA <primary server> <mail of its keeper> (…)` first"
            yield _error(place, f"zone {apex} has no SOA", fix)
        if codes.NS not in types:
            fix = "write `@ NS <name of this server>`"
            yield _error(place, f"zone {apex} has no NS", fix)

    def _timers(self) -> Iterator[Problem]:
        """Check the times of the SOA (RFC 1912 §2.2)."""
        key = self._origin, codes.SOA
        records = walk(self._nodes[self._origin])
        rdata = next(each[3] for each in records if each[0] == codes.SOA)
        if key not in self._composition.derived and expires_early(rdata):
            reason = "secondaries give the zone up before they have asked twice for it"
            fix = "expire is longer than refresh and retry together: weeks"
            yield _warning(self._place(key), reason, fix)

    def _alias(
        self, owner: bytes, types: set[int], records: list[Packed]
    ) -> Iterator[Problem]:
        place = self._place((owner, codes.CNAME))
        name = to_text(owner)
        if types - _BESIDE_CNAME:
            fix = f"keep the CNAME or the rest of {name}, not both"
            if owner == self._origin:
                fix = "the apex has SOA and NS: write ALIAS in place of CNAME"
            yield _error(place, f"CNAME beside other data at {name}", fix)
        if sum(record[0] == codes.CNAME for record in records) > 1:
            yield _error(place, f"more than one CNAME at {name}", "keep one")

    def _flattened(
        self, owner: bytes, types: set[int], records: list[Packed]
    ) -> Iterator[Problem]:
        """Check an ALIAS, which the addresses of its target stand in for."""
        place = self._place((owner, codes.ALIAS))
        name = to_text(owner)
        targets = {each[3].lower() for each in records if each[0] == codes.ALIAS}
        if len(targets) > 1:
            yield _error(place, f"more than one ALIAS at {name}")
        if owner in targets:
            yield _error(place, f"{name} is an ALIAS of itself")
        if types & {codes.A, codes.AAAA}:
            reason = (
                f"addresses beside the ALIAS at {name} win over those of its target"
            )
            yield _warning(place, reason, f"keep the ALIAS or the rest of {name}")

    def _host(self, key: Key, target: bytes) -> Iterator[Problem]:
        if not is_below(target, self._origin) or self._cut_above(target, key):
            return
        types = self._types(target) or self._wildcard_types(target)
        word = {codes.NS: "NS", codes.MX: "MX"}.get(key[1], "SRV")
        if codes.CNAME in types:
            host = to_text(target)
            severity = Severity.ERROR if key[1] == codes.NS else Severity.WARNING
            fix = f"point to the name {host} is an alias of"
            reason = f"{word} points to {host}, which is a CNAME"
            yield Problem(severity, self._place(key), reason, fix)
        elif not types & {codes.A, codes.AAAA, codes.ALIAS}:
            host = to_text(target)
            fix = f"add `{host} A <address>`, or mend the name"
            reason = f"{word} points to {host}, which has no address"
            address = _NUMBERS.match(host)
            if address is not None:
                fix = f"write a name, and give it the address: `<name> A {address[1]}`"
                reason = f"{word} points to a name, not to an address"
            derived = key in self._composition.derived
            grave = key == (self._origin, codes.NS) and not derived
            severity = Severity.ERROR if grave else Severity.WARNING
            yield Problem(severity, self._place(key), reason, fix)

    def _types(self, owner: bytes) -> set[int]:
        return self._composition.types(owner)

    def _wildcard_types(self, target: bytes) -> set[int]:
        """Return the types of the wildcard that stands in for ``target``."""
        above = target
        while above != self._origin and above not in self._nodes:
            above = parent(above)
            if WILDCARD + above in self._nodes:
                return self._types(WILDCARD + above)
        return set()

    def _cut_above(self, target: bytes, key: Key) -> bool:
        """Return whether ``target`` lies in a child zone whose cut is not ``key``.

        The child's servers know its addresses; only the cut's own NS need glue here.
        """
        above = target
        while above != self._origin:
            if codes.NS in self._types(above):
                return above != key[0] or key[1] != codes.NS
            above = parent(above)
        return False

    def _doubled(self, name: bytes) -> bytes:
        """Return what was meant by a name that ends in the origin twice, or nothing."""
        if len(name) >= len(self._twice) and is_below(name, self._twice):
            return name[: -len(self._origin)] + b"\x00"
        return b""

    def _dot(self, place: Place, name: bytes, meant: bytes) -> Problem:
        reason = f"this means {to_text(name)}: a dot is missing at the end"
        fix = f"did you mean `{to_text(meant)}`?"
        return Problem(Severity.WARNING, place, reason, fix)

    def _ttl(self, key: Key, ttl_s: int) -> Problem:
        if ttl_s > TTL_MAX_S:
            return _error(self._place(key), f"a TTL is at most {TTL_MAX_S}")
        return _warning(self._place(key), _long_ttl(ttl_s))

    def _place(self, key: Key) -> Place:
        return self._composition.place(key)


def _at_word(place: Place, name: str) -> Place:
    """Return ``place`` with the caret at ``name`` without its last dot, if it is there.

    ``name`` is folded.
    """
    column = place.text.lower().rfind(name.removesuffix("."))
    return place if column < 0 else replace(place, column=column + 1)


def _long_ttl(ttl_s: int) -> str:
    return f"a TTL of {ttl_s // 86_400} days: no change will be seen before"


def _error(place: Place, reason: str, fix: str = "") -> Problem:
    return Problem(Severity.ERROR, place, reason, fix)


def _warning(place: Place, reason: str, fix: str = "") -> Problem:
    return Problem(Severity.WARNING, place, reason, fix)
