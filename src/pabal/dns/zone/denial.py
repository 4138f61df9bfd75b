"""Signed zones: signatures beside records, and proofs that there are none.

Sans-IO. What is proven was signed before: this only finds it. Logarithmic in the names.
Source: RFC 4035 §3.1 (what a signed answer holds), RFC 5155 §7.2 (with NSEC3),
RFC 4034 §6.1 (the order of names).
"""

import base64
import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from typing_extensions import override

from pabal.dns.wire import codes
from pabal.dns.wire.name import WILDCARD, label_offsets, parent
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.order import Order
from pabal.dns.zone.packed import Nodes, Rrsets, has_type

_TO_HEX32: Final = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghijklmnopqrstuv"
)
"""Base 32 to base 32 with extended hexadecimal alphabet, folded (RFC 5155 §1.3)."""


def signatures(rrsets: Rrsets, rrset: RRset) -> tuple[RRset, ...]:
    """Return the RRSIG set over ``rrset``, one of ``rrsets``, if it is signed."""
    signed = rrsets.get(codes.RRSIG)
    if signed is None:
        return ()
    covered = rrset.rdtype.to_bytes(2, "big")
    found = tuple(rdata for rdata in signed.rdatas if rdata[:2] == covered)
    if not found:
        return ()
    # RFC 4034 §3: the TTL of a signature is that of what it covers.
    return (RRset(rrset.owner, codes.RRSIG, rrset.ttl_s, found),)


def order_key(name: bytes) -> bytes:
    """Return octets that sort as folded ``name`` does (RFC 4034 §6.1)."""
    labels = []
    position = 0
    while length := name[position]:
        label = name[position + 1 : position + 1 + length]
        labels.append(label.replace(b"\x01", b"\x01\x02").replace(b"\x00", b"\x01\x01"))
        position += length + 1
    return b"\x00".join(reversed(labels))


class _Linked(Collection[bytes]):
    """The names that have records of a type.

    Looked for each time: to free a list of a million holds everybody up.
    """

    def __init__(self, nodes: Nodes, rdtype: int) -> None:
        self._packed = nodes.packed
        self._rdtype = rdtype

    @override
    def __iter__(self) -> Iterator[bytes]:
        rdtype = self._rdtype
        return (name for name, r in self._packed.items() if has_type(r, rdtype))

    @override
    def __len__(self) -> int:
        return sum(1 for _ in self)

    @override
    def __contains__(self, name: object) -> bool:
        return isinstance(name, bytes) and has_type(
            self._packed.get(name, b""), self._rdtype
        )


class Denial:
    """Finds the proofs of one signed zone.

    Args (of the constructor):
        names: Those that have NSEC or NSEC3 records, in their order, if it is known.

    Attributes:
        order: The names that have such records.
    """

    def __init__(
        self,
        origin: bytes,
        nodes: Nodes,
        apex: Rrsets,
        names: Order | None = None,
    ) -> None:
        self._origin = origin
        self._nodes = nodes
        parameters = apex.get(codes.NSEC3PARAM)
        self._hashing: tuple[int, bytes] | None = None
        if parameters is not None:
            rdata = parameters.rdatas[0]
            self._hashing = int.from_bytes(rdata[2:4], "big"), rdata[5:]
        self._rdtype = codes.NSEC if parameters is None else codes.NSEC3
        if names is None:
            # Labels that are hashes are equally long, and sort as they stand.
            key = order_key if parameters is None else None
            names = Order(key, _Linked(nodes, self._rdtype))
        self.order = names

    def is_linked(self, records: bytes) -> bool:
        """Return whether a name with ``records`` is one of ``order``."""
        return has_type(records, self._rdtype)

    def after(self, nodes: Nodes, apex: Rrsets, names: Iterable[bytes]) -> "Denial":
        """Return what finds the proofs in ``nodes``, which differ in ``names`` only."""
        order = self.order.copy()
        made = Denial(self._origin, nodes, apex, order)
        if (made._rdtype, made._hashing) != (self._rdtype, self._hashing):
            return Denial(self._origin, nodes, apex)
        for name in names:
            if has_type(nodes.packed.get(name, b""), self._rdtype):
                order.add(name)
            else:
                order.discard(name)
        return made

    def no_name(self, name: bytes, encloser: bytes) -> tuple[RRset, ...]:
        """Prove that ``name`` is not there, nor a wildcard at its closest encloser."""
        if self._hashing is None:
            return self._sets(self._before(name), self._before(WILDCARD + encloser))
        # An empty name above nothing but unsigned delegations has no record of its own
        # in an opt-out span (RFC 5155 §7.1).
        provable = self._provable(encloser)
        wildcard = self._before(self._hashed(WILDCARD + provable))
        return self._sets(*self._enclosed(name, provable), wildcard)

    def gap(self, name: bytes) -> bytes:
        """Return which owner's record says that ``name`` is missing.

        Names right below one and the same name have the same proof if this is the same.
        """
        return self._before(name if self._hashing is None else self._hashed(name))

    def no_data(self, name: bytes) -> tuple[RRset, ...]:
        """Prove that ``name`` has no records of the type asked for."""
        if self._hashing is None:
            return self._sets(self._before(name))
        hashed = self._hashed(name)
        if hashed in self._nodes:
            return self._sets(hashed)
        # RFC 5155 §7.2.4 and §7.2.7: an unsigned delegation in an opt-out span.
        return self._sets(*self._enclosed(name, self._provable(parent(name))))

    def no_data_at(self, name: bytes, wildcard: bytes) -> tuple[RRset, ...]:
        """Prove that ``name`` is not there, and ``wildcard`` has no such records."""
        if self._hashing is None:
            return self._sets(self._before(name), self._before(wildcard))
        enclosed = self._enclosed(name, parent(wildcard))
        return self._sets(*enclosed, self._hashed(wildcard))

    def no_closer(self, name: bytes, wildcard: bytes) -> tuple[RRset, ...]:
        """Prove that nothing nearer to ``name`` than ``wildcard`` is there."""
        if self._hashing is None:
            return self._sets(self._before(name))
        closer = _next_closer(name, parent(wildcard))
        return self._sets(self._before(self._hashed(closer)))

    def _enclosed(self, name: bytes, encloser: bytes) -> Sequence[bytes]:
        """Return the owners that prove the closest encloser (RFC 5155 §7.2.1)."""
        closer = _next_closer(name, encloser)
        return self._hashed(encloser), self._before(self._hashed(closer))

    def _provable(self, name: bytes) -> bytes:
        """Return ``name`` or the nearest name above it that has an NSEC3 record."""
        while name != self._origin and self._hashed(name) not in self._nodes:
            name = parent(name)
        return name

    def _before(self, name: bytes) -> bytes:
        """Return the owner at or before ``name`` in the order, around its end."""
        if not self.order.runs:
            return self._origin
        return self.order.at_or_before(name)

    def _hashed(self, name: bytes) -> bytes:
        """Return the owner of the NSEC3 record that ``name`` would have."""
        iterations, salt = self._hashing or (0, b"")
        digest = hashlib.sha1(name + salt).digest()
        for _ in range(iterations):
            digest = hashlib.sha1(digest + salt).digest()
        label = base64.b32encode(digest).translate(_TO_HEX32)
        return bytes((len(label),)) + label + self._origin

    def _sets(self, *owners: bytes) -> tuple[RRset, ...]:
        """Return the records of each of ``owners`` once, with their signatures."""
        found: list[RRset] = []
        for owner in dict.fromkeys(owners):
            rrsets = self._nodes.get(owner, {})
            proof = rrsets.get(self._rdtype)
            if proof is not None:
                found += (proof, *signatures(rrsets, proof))
        return tuple(found)


def _next_closer(name: bytes, encloser: bytes) -> bytes:
    """Return the name one label longer than ``encloser`` on the way to ``name``."""
    depth = len(name) - len(encloser)
    offsets = [offset for offset in label_offsets(name) if offset < depth]
    return name[offsets[-1] :] if offsets else name


def owned(rrsets: tuple[RRset, ...], owner: bytes) -> tuple[RRset, ...]:
    """Return ``rrsets`` under another name: what a wildcard stands in for."""
    return tuple(replace(rrset, owner=owner) for rrset in rrsets)
