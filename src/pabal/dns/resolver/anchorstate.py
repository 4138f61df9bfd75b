"""How trust anchors change by themselves: keys that come, go and are revoked.

Sans-IO, pure: takes the time as an argument.
Security: who holds one key of a zone cannot slip in another unseen: a new key has to be
there for ``ADD_HOLD_S`` at every look, and each look needs a signature by a key that is
trusted already. A key that is revoked is never trusted again.
Source: RFC 5011 §2 (what is a new, a revoked key), §4 (states), §5 (the end of all).
"""

import base64
import binascii
import enum
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import dns.exception
import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

from pabal.base.errors import ProtocolError
from pabal.dns.dnssec.algorithm import REVOKE_FLAG, SEP_FLAG, VerifyingKey, load
from pabal.dns.dnssec.digest import matches
from pabal.dns.dnssec.fault import BogusError, EffortError
from pabal.dns.dnssec.record import record
from pabal.dns.dnssec.signature import Effort, check
from pabal.dns.resolver.anchors import TrustAnchor

DAY_S: Final = 86_400
HOUR_S: Final = 3_600

ADD_HOLD_S: Final = 30 * DAY_S
"""How long a new key is watched before it is trusted (RFC 5011 §2.4.1)."""

REMOVE_HOLD_S: Final = 30 * DAY_S
"""How long a revoked key is remembered as such before it is history (§2.4.2)."""

LOOK_MAX_S: Final = 15 * DAY_S
RETRY_S: Final = HOUR_S
"""Longest time between looks, and the time after one in vain (§2.3)."""

KEYS_MAX: Final = 16
"""Most keys of a zone watched: the root never had more than four; what a zone shows
beyond is not taken."""


class State(enum.Enum):
    """RFC 5011 §4.2; ``Start`` is a key that is not there."""

    WAITING = "waiting"
    VALID = "valid"
    MISSING = "missing"
    REVOKED = "revoked"
    REMOVED = "removed"


_TRUSTED: Final = frozenset({State.VALID, State.MISSING})
_OVER: Final = frozenset({State.REVOKED, State.REMOVED})


class AnchorStateError(ProtocolError):
    """A text is no state of trust anchors."""


@dataclass(frozen=True, slots=True)
class TrackedKey:
    """A key of a zone, as published before any revocation.

    Attributes:
        since: When it got into its state, seconds since 1970.
    """

    dnskey: DNSKEY
    state: State
    since: float


@dataclass(frozen=True, slots=True)
class TrustPoint:
    """A zone whose keys are watched.

    Attributes:
        look_at: When to look again, seconds since 1970.
    """

    zone: dns.name.Name
    keys: tuple[TrackedKey, ...] = ()
    look_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """The keys a zone shows, and the signatures over them."""

    rrset: dns.rrset.RRset
    signatures: Sequence[RRSIG]


def anchor_of(point: TrustPoint, configured: TrustAnchor) -> TrustAnchor | None:
    """Return what is trusted of ``point``; ``None``: all its keys are revoked (§5).

    What the operator configured stays trusted until it is revoked.
    """
    over = [key.dnskey for key in point.keys if key.state in _OVER]
    digests = tuple(
        ds
        for ds in configured.digests
        if not any(matches(ds, point.zone, key) for key in over)
    )
    found = [key.dnskey for key in point.keys if key.state in _TRUSTED]
    keys = [key for key in (*configured.keys, *found) if key not in over]
    if not digests and not keys:
        return None
    return TrustAnchor(point.zone, digests, tuple(dict.fromkeys(keys)))


def observe(
    point: TrustPoint, configured: TrustAnchor, seen: Sighting, now: float
) -> TrustPoint:
    """Return ``point`` after ``seen``.

    Raises:
        BogusError: No key that is trusted, or revokes itself, signed it.
    """
    anchor = anchor_of(point, configured)
    shown = [key for key in seen.rrset if isinstance(key, DNSKEY)]
    effort = Effort()
    revoked = [
        _bare(key)
        for key in shown
        if key.flags & REVOKE_FLAG
        and anchor is not None
        and anchor.vouches_for(_bare(key))
        and _signs(_revoking(key), point.zone, seen, now, effort)
    ]
    trusted = [
        key
        for key in shown
        if anchor is not None and anchor.vouches_for(key) and key not in revoked
    ]
    loaded = [verifying for key in trusted if (verifying := load(key)) is not None]
    try:
        check(seen.rrset, seen.signatures, point.zone, loaded, now, effort)
    except EffortError as error:
        raise BogusError(f"keys of {point.zone}: {error}") from error
    except BogusError:
        if not revoked:
            raise
        keys = _after_revocation(point.keys, revoked, now)
    else:
        keys = _after(point.keys, shown, (trusted, revoked), _hold_s(seen), now)
    return TrustPoint(point.zone, keys, now + _pause_s(seen, now))


def _after(
    old: Iterable[TrackedKey],
    shown: Sequence[DNSKEY],
    known: tuple[Sequence[DNSKEY], Sequence[DNSKEY]],
    hold_s: float,
    now: float,
) -> tuple[TrackedKey, ...]:
    """Return the keys after a look that is to be believed (RFC 5011 §4.2)."""
    trusted, revoked = known
    published = [key for key in shown if not key.flags & REVOKE_FLAG]
    keys = []
    for key in _after_revocation(old, revoked, now):
        here = key.dnskey in published
        match key.state:
            case State.WAITING if not here:
                continue  # it starts anew if it comes back
            case State.WAITING if now - key.since >= hold_s or key.dnskey in trusted:
                keys.append(replace(key, state=State.VALID, since=now))
            case State.VALID if not here:
                keys.append(replace(key, state=State.MISSING, since=now))
            case State.MISSING if here:
                keys.append(replace(key, state=State.VALID, since=now))
            case State.REVOKED if now - key.since >= REMOVE_HOLD_S:
                keys.append(replace(key, state=State.REMOVED, since=now))
            case _:
                keys.append(key)
    watched = {key.dnskey for key in keys}
    room = KEYS_MAX - sum(key.state is not State.REMOVED for key in keys)
    for dnskey in published:
        fits = dnskey.flags & SEP_FLAG and load(dnskey) is not None
        if fits and dnskey not in watched and room > 0:
            room -= 1
            state = State.VALID if dnskey in trusted else State.WAITING
            keys.append(TrackedKey(dnskey, state, now))
    return tuple(keys)


def _after_revocation(
    old: Iterable[TrackedKey], revoked: Sequence[DNSKEY], now: float
) -> tuple[TrackedKey, ...]:
    keys = [
        replace(key, state=State.REVOKED, since=now)
        if key.dnskey in revoked and key.state not in _OVER
        else key
        for key in old
    ]
    watched = {key.dnskey for key in keys}
    # A configured key that was revoked before it was ever seen in use.
    keys += [TrackedKey(k, State.REVOKED, now) for k in revoked if k not in watched]
    return tuple(keys)


def _signs(
    key: VerifyingKey | None,
    zone: dns.name.Name,
    seen: Sighting,
    now: float,
    effort: Effort,
) -> bool:
    """Return whether ``key`` signed what was seen (§2.1: revoking takes the key)."""
    if key is None:
        return False
    try:
        check(seen.rrset, seen.signatures, zone, [key], now, effort)
    except (BogusError, EffortError):
        return False
    return True


def _revoking(dnskey: DNSKEY) -> VerifyingKey | None:
    """Return ``dnskey``, which has its REVOKE bit set, ready to verify."""
    loaded = load(_bare(dnskey))
    return None if loaded is None else replace(loaded, tag=dnskey.key_id())


def _bare(dnskey: DNSKEY) -> DNSKEY:
    """Return ``dnskey`` as it was before it was revoked."""
    return _dnskey(
        int(dnskey.flags) & ~REVOKE_FLAG,
        (int(dnskey.protocol), int(dnskey.algorithm)),
        bytes(dnskey.key),
    )


def _dnskey(flags: int, kind: tuple[int, int], key: bytes) -> DNSKEY:
    octets = struct.pack("!HBB", flags, *kind) + key
    return record(DNSKEY, dns.rdatatype.DNSKEY, octets)


def _hold_s(seen: Sighting) -> float:
    longest = max((int(s.original_ttl) for s in seen.signatures), default=0)
    return max(ADD_HOLD_S, longest)


def _pause_s(seen: Sighting, now: float) -> float:
    """Return the time until the next look (RFC 5011 §2.3)."""
    halves = [LOOK_MAX_S * 1.0]
    for signature in seen.signatures:
        halves += [signature.original_ttl / 2, (signature.expiration - now) / 2]
    return max(HOUR_S, min(halves))


_HEAD: Final = """\
; What became of the trust anchors (RFC 5011): zone, state, since when, key.
; The resolver writes this file; without it, it starts from what is configured.
"""


def write_state(points: Iterable[TrustPoint]) -> str:
    """Return ``points`` as ``read_state`` takes them."""
    lines = []
    for point in points:
        lines.append(f"{point.zone} look {point.look_at:.0f}\n")
        for key in point.keys:
            dnskey = key.dnskey
            lines.append(
                f"{point.zone} {key.state.value} {key.since:.0f} {int(dnskey.flags)}"
                f" {int(dnskey.protocol)} {int(dnskey.algorithm)}"
                f" {base64.b64encode(bytes(dnskey.key)).decode()}\n"
            )
    return _HEAD + "".join(lines)


def read_state(text: str) -> Mapping[dns.name.Name, TrustPoint]:
    """Return the points ``write_state`` wrote, by zone.

    Raises:
        AnchorStateError: It did not write this.
    """
    points: dict[dns.name.Name, TrustPoint] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(";") or not line.strip():
            continue
        try:
            zone, word, when, *rest = line.split()
            name, at = dns.name.from_text(zone).canonicalize(), float(int(when))
            point = points.get(name, TrustPoint(name))
            if word == "look":
                points[name] = replace(point, look_at=at)
                continue
            flags, protocol, algorithm, key = rest
            octets = base64.b64decode(key, validate=True)
            dnskey = _dnskey(int(flags), (int(protocol), int(algorithm)), octets)
            tracked = TrackedKey(dnskey, State(word), at)
        except (
            ValueError,
            struct.error,
            binascii.Error,
            dns.exception.DNSException,
        ) as error:
            raise AnchorStateError(f"line {number}: {error}") from error
        points[name] = replace(point, keys=(*point.keys, tracked))
    return points
