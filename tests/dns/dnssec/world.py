"""A world in which keys roll: a zone, its parent, and every cache there could be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import dns.name

from pabal.dns.dnssec.keystate import KeyState, Policy, Ring, Role
from pabal.dns.dnssec.rollover import (
    adopt,
    due_roles,
    missing,
    observed,
    published,
    roll,
    step,
    swept,
)

ZONE = dns.name.from_text("example.test.")
ZONE_TTL_S = 7200
DS_TTL_S = 4 * 3600
TICK_S = 600

Keys = frozenset[tuple[int, int]]
"""Tag and algorithm of each."""


V = TypeVar("V")


@dataclass
class Versions(Generic[V]):
    """What was served from when to when, and for how long caches keep it."""

    kept_s: int
    now: V
    past: list[tuple[int, V]] = field(default_factory=list)

    def put(self, value: V, at: int) -> None:
        if value != self.now:
            self.past.append((at, self.now))
            self.now = value

    def held(self, at: int) -> Iterator[V]:
        """Yield everything a cache may have at that time."""
        yield self.now
        for end, value in self.past:
            if at < end + self.kept_s:
                yield value


@dataclass
class World:
    """One zone on its way; time moves by ``run``.

    Attributes:
        obeys_after_s: How long the parent takes to follow CDS; ``None``: never.
    """

    ring: Ring
    at: int = 1_000_000
    obeys_after_s: int | None = 3600
    tags: int = 100
    is_secure: bool = False
    log: list[str] = field(default_factory=list)
    _wish: tuple[Keys, int] | None = None

    def __post_init__(self) -> None:
        policy = self.ring.policy
        late_s = policy.propagation_s
        nothing: Keys = frozenset()
        self.keys = Versions(policy.dnskey_ttl_s + late_s, (nothing, nothing))
        self.signatures = Versions(ZONE_TTL_S + late_s, nothing)
        self.ds = Versions(DS_TTL_S + policy.parent_propagation_s, nothing)

    def adopt(self, **changes: Any) -> None:
        self.ring = adopt(self.ring, replace(self.ring.policy, **changes))

    def roll(self, *roles: Role) -> None:
        self.ring = roll(self.ring, roles)

    def tick(self) -> None:
        """Do what the signer does, what the parent does, and check every cache."""
        ring, now = self.ring, self.at
        for role in due_roles(ring, now):
            ring = roll(ring, [role])
        for role in missing(ring):
            self.tags += 1
            algorithm = ring.policy.algorithm
            key = KeyState(self.tags, algorithm, role, b"", now)
            ring = replace(ring, keys=(*ring.keys, key))
        there = {tag for tag, _ in self.ds.now}
        ring = observed(ring, frozenset(there), DS_TTL_S if there else 0, (), now)
        ring = step(ring, now)
        self._publish(ring)
        ring = published(ring, now, ZONE_TTL_S)
        if ring != self.ring:
            self._tell(ring)
        self.ring = swept(ring)
        self._parent()
        self.check()

    def _publish(self, ring: Ring) -> None:
        keys = [key for key in ring.keys if key.is_published]
        sep = [key for key in keys if key.role.is_sep]
        self.keys.put((_names(keys), _names(sep)), self.at)
        signing = [key for key in ring.keys if key.is_signing]
        self.signatures.put(_names(signing), self.at)

    def _parent(self) -> None:
        """Follow CDS some time after it changed (RFC 7344 §6)."""
        wanted = _names([key for key in self.ring.keys if key.is_for_parent])
        leaving = any(key.ds.place.value == "recalled" for key in self.ring.keys)
        if not wanted and not leaving:
            self._wish = None
            return
        if self._wish is None or self._wish[0] != wanted:
            self._wish = (wanted, self.at)
        after_s = self.obeys_after_s
        if after_s is not None and self.at >= self._wish[1] + after_s:
            self.ds.put(wanted, self.at)

    def _tell(self, ring: Ring) -> None:
        for key in ring.keys:
            cells = " ".join(cell.place.value for cell in key.cells)
            line = f"{key.role.value} {key.tag}/{key.algorithm} {key.wanted}: {cells}"
            if line not in self.log[-len(ring.keys) * 2 :]:
                self.log.append(line)

    def check(self) -> None:
        """Fail if some cache's mixture of old and new does not validate.

        As strict as RFC 6840 §5.11 lets nobody be: every algorithm has to hold.
        """
        for ds in self.ds.held(self.at):
            if self.is_secure:
                assert ds, "the chain of trust is gone"
            for keys, sep in self.keys.held(self.at):
                for signatures in self.signatures.held(self.at):
                    wrong = _fault(ds, keys, sep, signatures)
                    assert not wrong, "\n".join([*self.log[-12:], wrong])

    def run(self, holds: Callable[["World"], bool], hours: int = 24 * 30) -> int:
        """Let time pass until ``holds``; return how long it took, seconds."""
        begin = self.at
        while not holds(self):
            self.tick()
            self.at += TICK_S
            assert self.at < begin + hours * 3600, "\n".join(self.log[-12:])
        return self.at - begin


def _names(keys: list[KeyState]) -> Keys:
    return frozenset((key.tag, key.algorithm) for key in keys)


def _fault(ds: Keys, keys: Keys, sep: Keys, signatures: Keys) -> str:
    if not ds:
        return ""
    for algorithm in {a for _, a in ds}:
        if not any(key in sep for key in ds if key[1] == algorithm):
            return f"DS {set(ds)} leads to none of {set(sep)}"
    for algorithm in {a for _, a in keys}:
        if not any(key in sep for key in sep if key[1] == algorithm):
            return f"the keys {set(keys)} are not signed by {algorithm}"
        if not any(key in keys for key in signatures if key[1] == algorithm):
            return f"signatures {set(signatures)} do not suit keys {set(keys)}"
    return ""


def world(**policy: Any) -> World:
    return World(Ring(Policy(**policy)))


def is_settled(world: World) -> bool:
    """Whether every key is wanted and known everywhere."""
    if not all(key.wanted for key in world.ring.keys):
        return False
    places = [
        cell.place.value
        for key in world.ring.keys
        for cell, counts in zip(
            key.cells,
            (True, key.role.signs_zone, key.role.is_sep),
            strict=True,
        )
        if counts
    ]
    return bool(places) and set(places) == {"omnipresent"}


def secure(**policy: Any) -> World:
    """Return a world whose zone has been signed and delegated."""
    made = world(**policy)
    made.run(is_settled)
    made.is_secure = True
    return made
