"""The keys of a zone, and how far the world knows of each.

Sans-IO, pure values. What the world sees of a key are three things: its DNSKEY record
(with the signatures of the keys, which travel with it), its signatures over all other
records, and its DS at the parent. Each is on its own way from unknown to known and
back, and caches follow late: that is what the places say.

Source: RFC 7583 §3.1 (key states), §3.2 and §3.3 (what is waited for), RFC 6781 §4.1
(roll-overs).
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pabal.dns.dnssec.algorithm import ECDSAP256SHA256

DAY_S: Final = 86_400

DNSKEY_TTL_S: Final = 3600
"""TTL of DNSKEY, CDS and CDNSKEY: a roll-over step takes hours, not days."""

PROPAGATION_S: Final = 3600
"""How late a secondary may be with a new version of the zone (RFC 7583 §2, Dprp)."""

PARENT_PROPAGATION_S: Final = 3600
"""How late a server of the parent may be with a new DS (RFC 7583 §2, DprpP)."""

DS_TTL_S: Final = DAY_S
"""What the parent's TTL of the DS is taken for until it was seen."""

VALIDITY_S: Final = 14 * DAY_S
"""How long a signature holds from when it is made."""

REFRESH_S: Final = 5 * DAY_S
"""A signature is made anew when it holds no longer than this (RFC 6781 §4.4.2.2)."""

ZSK_LIFETIME_S: Final = 30 * DAY_S
"""How long a ZSK signs unless it is said otherwise."""


class Role(enum.Enum):
    """What a key does (RFC 6781 §3.1)."""

    CSK = "csk"
    KSK = "ksk"
    ZSK = "zsk"

    @property
    def is_sep(self) -> bool:
        """Whether the parent's DS stands for it, and it signs the keys."""
        return self is not Role.ZSK

    @property
    def signs_zone(self) -> bool:
        """Whether it signs all other records."""
        return self is not Role.KSK


class Place(enum.Enum):
    """How far the world knows of one thing."""

    HIDDEN = "hidden"
    """No cache has it."""
    ASKED = "asked"
    """A DS only: the parent is asked to publish it."""
    RUMOURED = "rumoured"
    """It is published; some caches still have what was before."""
    OMNIPRESENT = "omnipresent"
    """Whoever asks or remembers has it."""
    RECALLED = "recalled"
    """A DS only: the parent is asked to take it away."""
    UNRETENTIVE = "unretentive"
    """It is withdrawn; some caches still have it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Where one thing is.

    Attributes:
        since: Seconds since 1970; ``None``: decided, not published yet.
    """

    place: Place = Place.HIDDEN
    since: int | None = 0


@dataclass(frozen=True, slots=True)
class KeyState:
    """One key.

    Attributes:
        tag: RFC 4034 appendix B; unique in its ring.
        algorithm: RFC 4034 appendix A.1.
        dnskey: RDATA of its DNSKEY record.
        created: Seconds since 1970.
        wanted: Whether it is to be in use; otherwise it is to go.
        key: Its DNSKEY record, and its signature over the keys.
        signatures: Its signatures over the zone's other records.
        ds: Its DS record at the parent.
    """

    tag: int
    algorithm: int
    role: Role
    dnskey: bytes
    created: int
    wanted: bool = True
    key: Cell = Cell()
    signatures: Cell = Cell()
    ds: Cell = Cell()

    @property
    def cells(self) -> tuple[Cell, Cell, Cell]:
        """Everything the world sees of it."""
        return self.key, self.signatures, self.ds

    @property
    def is_gone(self) -> bool:
        """Whether it is not wanted, and nobody knows of it any more."""
        hidden = all(cell.place is Place.HIDDEN for cell in self.cells)
        return hidden and not self.wanted

    @property
    def is_published(self) -> bool:
        """Whether the zone holds its DNSKEY record."""
        return self.key.place in PRESENT

    @property
    def is_signing(self) -> bool:
        """Whether the zone holds its signatures."""
        return self.signatures.place in PRESENT

    @property
    def is_for_parent(self) -> bool:
        """Whether the parent should have its DS: what CDS says (RFC 7344 §4)."""
        return self.ds.place in ASKED_FOR


PRESENT: Final = frozenset({Place.RUMOURED, Place.OMNIPRESENT})
ASKED_FOR: Final = frozenset({Place.ASKED, Place.RUMOURED, Place.OMNIPRESENT})
LEAVING: Final = frozenset({Place.RECALLED, Place.UNRETENTIVE})


@dataclass(frozen=True, slots=True)
class Policy:
    """How a zone is to be signed.

    Attributes:
        enabled: Whether it is to be signed at all.
        algorithm: Of the keys: ECDSA P-256 (13) or Ed25519 (15).
        split: A KSK and a ZSK in place of one CSK.
        nsec3: Hashed denial of existence (RFC 9276 §3.1) in place of NSEC.
        opt_out: Unsigned delegations have no NSEC3 record.
        sep_lifetime_s: Age at which a CSK or KSK is replaced; 0: never by itself.
        zsk_lifetime_s: Age at which a ZSK is replaced; 0: never by itself.
    """

    enabled: bool = True
    algorithm: int = ECDSAP256SHA256
    split: bool = False
    nsec3: bool = False
    opt_out: bool = False
    sep_lifetime_s: int = 0
    zsk_lifetime_s: int = ZSK_LIFETIME_S
    dnskey_ttl_s: int = DNSKEY_TTL_S
    propagation_s: int = PROPAGATION_S
    parent_propagation_s: int = PARENT_PROPAGATION_S
    validity_s: int = VALIDITY_S
    refresh_s: int = REFRESH_S

    @property
    def roles(self) -> tuple[Role, ...]:
        """The keys it wants, one of each."""
        return (Role.KSK, Role.ZSK) if self.split else (Role.CSK,)

    def lifetime_s(self, role: Role) -> int:
        """Return the age at which a key is replaced, seconds; 0: never."""
        return self.sep_lifetime_s if role.is_sep else self.zsk_lifetime_s


@dataclass(frozen=True, slots=True)
class Parent:
    """What was seen at the parent.

    Attributes:
        checked_at: When last, seconds since 1970; 0: never.
        ds_ttl_s: The longest TTL its DS records were seen with; 0: never seen.
        strangers: Tags of DS records there that stand for no key of ours.
    """

    checked_at: int = 0
    ds_ttl_s: int = 0
    strangers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ring:
    """All keys of a zone, and what their waits depend on.

    Attributes:
        serial: Of the version served last; ``None`` before the first.
        zone_ttl_s: The longest TTL that caches may still hold of the zone, seconds.
        zone_ttl_until: Until when, if the zone has only shorter ones now.
        published_at: When the version served was put into service.
    """

    policy: Policy
    keys: tuple[KeyState, ...] = ()
    parent: Parent = field(default_factory=Parent)
    serial: int | None = None
    zone_ttl_s: int = 0
    zone_ttl_until: int | None = None
    published_at: int = 0

    @property
    def is_secure_by_parent(self) -> bool:
        """Whether some cache may have a DS for this zone."""
        return any(key.ds.place is not Place.HIDDEN for key in self.keys)

    @property
    def is_bare(self) -> bool:
        """Whether the world knows of no key at all."""
        return all(
            cell.place is Place.HIDDEN for key in self.keys for cell in key.cells
        )

    @property
    def is_going_insecure(self) -> bool:
        """Whether it is signed still and no key is wanted."""
        return not self.is_bare and not any(key.wanted for key in self.keys)

    def of(self, algorithm: int) -> Iterator[KeyState]:
        """Yield the keys of ``algorithm``."""
        return (key for key in self.keys if key.algorithm == algorithm)

    def wants(self, algorithm: int) -> bool:
        """Return whether a key of ``algorithm`` is wanted."""
        return any(key.wanted for key in self.of(algorithm))

    def key_wait_s(self) -> int:
        """Return how long caches may have the DNSKEY set before (RFC 7583 §3.2.1)."""
        return self.policy.dnskey_ttl_s + self.policy.propagation_s

    def signatures_wait_s(self) -> int:
        """Return how long caches may have records signed before (RFC 7583 §3.2.1)."""
        return self.zone_ttl_s + self.policy.propagation_s

    def ds_wait_s(self) -> int:
        """Return how long caches may have the DS set before (RFC 7583 §3.3.1)."""
        return (self.parent.ds_ttl_s or DS_TTL_S) + self.policy.parent_propagation_s
