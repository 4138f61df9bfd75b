"""How keys come and go without a moment in which the zone does not validate.

Sans-IO, pure: a ring of keys and the time in, the next ring out. There is no plan for
each kind of roll-over: each thing a key shows the world moves on as soon as that is
safe, and what follows is pre-publication for a ZSK, double signatures for a KSK, both
at once for a CSK, and for a new algorithm signatures before keys (RFC 6781 §4.1.4).

Source: RFC 7583 §3.2.1 (ZSK, pre-publication), §3.3.1 (KSK, double signatures),
RFC 6781 §4.1.4 (algorithm), RFC 8078 §4 (going insecure), RFC 4035 §2.2 and RFC 6840
§5.11 (every algorithm of the DNSKEY set signs everything).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from pabal.base.errors import LocalProtocolError
from pabal.dns.dnssec.keystate import (
    ASKED_FOR,
    LEAVING,
    PRESENT,
    Cell,
    KeyState,
    Place,
    Policy,
    Ring,
    Role,
)

ROUNDS_MAX: Final = 64
"""Most rounds of one step: each moves something on, and nothing moves in circles."""

PARENT_BUSY_S: Final = 300
"""How often the parent is looked at while a DS is to come or go."""

PARENT_IDLE_S: Final = 6 * 3600
"""How often it is looked at to notice that somebody took the DS away."""


class RollOverError(LocalProtocolError):
    """A roll-over cannot begin: one is under way, or nothing is signed."""


def adopt(ring: Ring, policy: Policy) -> Ring:
    """Return ``ring`` under another policy: keys it does not ask for are to go.

    Keys on their way out that it asks for, and that are still in use, stay.
    """
    roles = frozenset(policy.roles if policy.enabled else ())
    kept: set[Role] = set()
    keys: list[KeyState] = []
    for key in sorted(ring.keys, key=lambda key: (not key.wanted, -key.created)):
        in_use = key.wanted or _is_in_use(key)
        wanted = (
            key.role in roles - kept and key.algorithm == policy.algorithm and in_use
        )
        if wanted:
            kept.add(key.role)
        keys.append(replace(key, wanted=wanted))
    keys.sort(key=lambda key: key.created)
    return replace(ring, policy=policy, keys=tuple(keys))


def _is_in_use(key: KeyState) -> bool:
    """Return whether ``key`` can be wanted again: nothing of it was withdrawn."""
    signs = not key.role.signs_zone or key.signatures.place in PRESENT
    return key.key.place in PRESENT and signs


def missing(ring: Ring) -> Sequence[Role]:
    """Return the roles the policy wants and no wanted key has: keys to be made."""
    if not ring.policy.enabled:
        return ()
    there = {key.role for key in ring.keys if key.wanted}
    return tuple(role for role in ring.policy.roles if role not in there)


def roll(ring: Ring, roles: Iterable[Role]) -> Ring:
    """Return ``ring`` with the keys of ``roles`` to be replaced.

    Raises:
        RollOverError: A key of that role comes or goes already, or there is none.
    """
    for role in roles:
        if not any(key.wanted and key.role is role for key in ring.keys):
            raise RollOverError(f"there is no {role.name} in use")
        if is_rolling(ring, role):
            raise RollOverError(f"a roll-over of the {role.name} is under way")
    return replace(
        ring,
        keys=tuple(
            replace(key, wanted=key.wanted and key.role not in roles)
            for key in ring.keys
        ),
    )


def is_rolling(ring: Ring, role: Role) -> bool:
    """Return whether a key of ``role`` is coming or going."""
    return any(
        key.role is role and (not key.wanted or not is_settled(key))
        for key in ring.keys
    )


def is_settled(key: KeyState) -> bool:
    """Return whether everything a wanted key should show is known everywhere."""
    expected = [key.key]
    if key.role.signs_zone:
        expected.append(key.signatures)
    if key.role.is_sep:
        expected.append(key.ds)
    return all(cell.place is Place.OMNIPRESENT for cell in expected)


def due_roles(ring: Ring, now: int) -> Sequence[Role]:
    """Return the roles whose key is older than the policy wants."""
    return tuple(
        key.role
        for key in ring.keys
        if key.wanted
        and (lifetime_s := ring.policy.lifetime_s(key.role))
        and now >= key.created + lifetime_s
        and not is_rolling(ring, key.role)
    )


def step(ring: Ring, now: int) -> Ring:
    """Return ``ring`` with everything moved on that may move now.

    All that moves is one change of the zone; ``published`` says when it is in service.
    """
    for _ in range(ROUNDS_MAX):
        # Each round sees the ring before it: what belongs together moves together.
        keys = tuple(
            replace(
                key,
                key=_moved(ring, key, key.key, now, _next_key),
                signatures=_moved(ring, key, key.signatures, now, _next_signatures),
                ds=_moved(ring, key, key.ds, now, _next_ds),
            )
            for key in ring.keys
        )
        if keys == ring.keys:
            return ring
        ring = replace(ring, keys=keys)
    raise LocalProtocolError("keys move in circles")


def published(ring: Ring, now: int, zone_ttl_s: int) -> Ring:
    """Return ``ring`` once the version of the zone that it asks for is in service.

    ``zone_ttl_s`` is the longest TTL in that version.
    """
    keys = tuple(
        replace(key, key=_dated(key.key, now), signatures=_dated(key.signatures, now))
        for key in ring.keys
    )
    longest, until = ring.zone_ttl_s, ring.zone_ttl_until
    if zone_ttl_s >= longest or (until is not None and now >= until):
        longest, until = zone_ttl_s, None
    elif until is None:
        until = now + longest + ring.policy.propagation_s
    return replace(ring, keys=keys, zone_ttl_s=longest, zone_ttl_until=until)


def _dated(cell: Cell, now: int) -> Cell:
    return replace(cell, since=now) if cell.since is None else cell


def observed(
    ring: Ring, seen: frozenset[int], ttl_s: int, strangers: Sequence[int], now: int
) -> Ring:
    """Return ``ring`` after a look at the parent.

    Args:
        seen: Tags of our keys whose DS is there.
        ttl_s: The TTL of the DS records; 0 if there are none.
        strangers: Tags of DS records that stand for no key of ours.
        now: When it was looked.
    """
    parent = replace(
        ring.parent,
        checked_at=now,
        ds_ttl_s=max(ring.parent.ds_ttl_s, ttl_s),
        strangers=tuple(strangers),
    )
    keys = tuple(
        replace(key, ds=_seen(key.ds, now, present=key.tag in seen))
        for key in ring.keys
    )
    return replace(ring, parent=parent, keys=keys)


def _seen(cell: Cell, now: int, *, present: bool) -> Cell:
    place = (_PRESENT_NOW if present else _ABSENT_NOW).get(cell.place)
    return cell if place is None else Cell(place, now)


_PRESENT_NOW: Final = {
    Place.ASKED: Place.RUMOURED,
    Place.UNRETENTIVE: Place.RECALLED,
}
_ABSENT_NOW: Final = {
    Place.RUMOURED: Place.ASKED,
    Place.OMNIPRESENT: Place.ASKED,
    Place.RECALLED: Place.UNRETENTIVE,
}
"""How a DS moves by what the parent shows."""


def looks_at_parent_every_s(ring: Ring) -> int:
    """Return how often the parent is to be looked at, seconds; 0: never."""
    places = {key.ds.place for key in ring.keys} - {Place.HIDDEN}
    if not places:
        return 0
    return PARENT_IDLE_S if places == {Place.OMNIPRESENT} else PARENT_BUSY_S


def swept(ring: Ring) -> Ring:
    """Return ``ring`` without the keys that nobody knows of any more."""
    return replace(ring, keys=tuple(key for key in ring.keys if not key.is_gone))


def until(ring: Ring, key: KeyState, cell: Cell) -> int | None:
    """Return when ``cell`` of ``key`` is through its wait; ``None``: it waits for none.

    Seconds since 1970.
    """
    if cell.since is None or cell.place not in (Place.RUMOURED, Place.UNRETENTIVE):
        return None
    if cell is key.ds:
        return cell.since + ring.ds_wait_s()
    if cell is key.key:
        return cell.since + ring.key_wait_s()
    return cell.since + ring.signatures_wait_s()


def next_move(ring: Ring) -> int | None:
    """Return when the first wait ends, seconds since 1970; ``None`` without any."""
    ends = [until(ring, key, cell) for key in ring.keys for cell in key.cells]
    ends += [
        key.created + lifetime_s
        for key in ring.keys
        if key.wanted
        and (lifetime_s := ring.policy.lifetime_s(key.role))
        and not is_rolling(ring, key.role)
    ]
    return min((end for end in ends if end is not None), default=None)


_Next = Callable[[Ring, KeyState], Place]


def _moved(ring: Ring, key: KeyState, cell: Cell, now: int, decide: _Next) -> Cell:
    place = decide(ring, key)
    if place is cell.place:
        end = until(ring, key, cell)
        if end is None or now < end:
            return cell
        place = _THROUGH[place]
    # What depends on the zone is dated when it is published; a DS when it is seen.
    waits = cell is not key.ds and place is not Place.HIDDEN
    through = place is _THROUGH.get(cell.place)
    return Cell(place, None if waits and not through else now)


_THROUGH: Final = {
    Place.RUMOURED: Place.OMNIPRESENT,
    Place.UNRETENTIVE: Place.HIDDEN,
}
"""Where a wait leads to."""


def _next_key(ring: Ring, key: KeyState) -> Place:
    place = key.key.place
    if place is Place.HIDDEN and key.wanted:
        # RFC 6781 §4.1.4: the key of an algorithm comes after all its signatures.
        ready = ring.is_bare or _signed_by(ring, key.algorithm)
        return Place.RUMOURED if ready else place
    if place in PRESENT and not key.wanted:
        if _leaves_at_once(ring):
            return Place.HIDDEN
        return Place.UNRETENTIVE if _may_go(ring, key) else place
    return place


def _leaves_at_once(ring: Ring) -> bool:
    """Return whether the zone is to be unsigned and no cache has a DS for it."""
    return ring.is_going_insecure and not ring.is_secure_by_parent


def _signed_by(ring: Ring, algorithm: int) -> bool:
    """Return whether whatever a cache has of the zone is signed by ``algorithm``."""
    places = {
        key.signatures.place
        for key in ring.of(algorithm)
        # Signatures by a key that is not and will not be there help nobody.
        if key.is_published or (key.wanted and key.key.place is Place.HIDDEN)
    }
    # A swap begins only once the signatures of the one before are everywhere.
    swap = {Place.RUMOURED, Place.UNRETENTIVE}
    return Place.OMNIPRESENT in places or places >= swap


def _may_go(ring: Ring, key: KeyState) -> bool:
    """Return whether the DNSKEY of a key that is not wanted is of no more use."""
    if key.ds.place is not Place.HIDDEN:
        return False
    if ring.wants(key.algorithm):
        return key.signatures.place is Place.HIDDEN
    # RFC 6840 §5.11: the keys of an algorithm go together, their signatures later.
    others = [other for other in ring.keys if other.algorithm != key.algorithm]
    led = any(other.ds.place is Place.OMNIPRESENT for other in others if other.wanted)
    alone = all(other.ds.place is Place.HIDDEN for other in ring.of(key.algorithm))
    return alone and (led or not ring.is_secure_by_parent)


def _next_signatures(ring: Ring, key: KeyState) -> Place:
    place = key.signatures.place
    if not key.role.signs_zone:
        return place
    fellows = [other for other in ring.of(key.algorithm) if other is not key]
    if key.wanted:
        takes_over = place is Place.HIDDEN and _may_sign(ring, key, fellows)
        return Place.RUMOURED if takes_over else place
    useless = key.key.place is Place.HIDDEN or _leaves_at_once(ring)
    if place in PRESENT and useless:
        return Place.HIDDEN
    replaced = any(
        other.wanted and other.is_signing and other.is_published for other in fellows
    )
    return Place.UNRETENTIVE if place is Place.OMNIPRESENT and replaced else place


def _may_sign(ring: Ring, key: KeyState, fellows: Sequence[KeyState]) -> bool:
    """Return whether ``key`` may take over the signing of the zone."""
    if ring.is_bare:
        return True
    signing = {other.signatures.place for other in fellows} - {Place.HIDDEN}
    if not signing and all(other.key.place is Place.HIDDEN for other in fellows):
        # RFC 6781 §4.1.4: the signatures of a new algorithm come before its keys.
        return key.key.place is Place.HIDDEN
    # RFC 7583 §3.2.1: every cache must have the key before its signatures come.
    return key.key.place is Place.OMNIPRESENT and signing <= {Place.OMNIPRESENT}


def _next_ds(ring: Ring, key: KeyState) -> Place:
    place = key.ds.place
    if not key.role.is_sep:
        return place
    if key.wanted:
        again = place in LEAVING and key.key.place in PRESENT
        ready = place is Place.HIDDEN and _may_lead(ring, key)
        return Place.ASKED if again or ready else place
    followed = any(other.wanted and other.is_for_parent for other in ring.keys)
    dispensable = ring.is_going_insecure or followed
    if place in ASKED_FOR and dispensable:
        return Place.RECALLED
    if place is Place.RECALLED and not dispensable and key.key.place in PRESENT:
        # Its owner wants the zone secure again, and the next key is not ready yet.
        return Place.ASKED
    return place


def _may_lead(ring: Ring, key: KeyState) -> bool:
    """Return whether a chain over a DS for ``key`` holds whatever a cache has."""
    if key.key.place is not Place.OMNIPRESENT or not _signed_by(ring, key.algorithm):
        return False
    return all(
        other.key.place is Place.OMNIPRESENT
        for other in ring.of(key.algorithm)
        if other.is_signing
    )
