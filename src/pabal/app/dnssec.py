"""What the command line can do about signed zones, beside a running server."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import dns.name
from dns.rdtypes.ANY.DS import DS

from pabal.admin.layout import Layout
from pabal.app import parts
from pabal.app.office import zone_tools
from pabal.app.shared import ZONES_BELL
from pabal.app.signing import ds_records
from pabal.base.clock import Clock
from pabal.base.errors import NotFoundError, OperatorError
from pabal.config.settings import Settings
from pabal.dns.dnssec.delegation import ds_of
from pabal.dns.dnssec.foreign import ForeignKey, read_foreign
from pabal.dns.dnssec.keys import KeyKindError
from pabal.dns.dnssec.keystate import (
    DNSKEY_TTL_S,
    PRESENT,
    KeyState,
    Place,
    Policy,
    Ring,
    Role,
)
from pabal.dns.dnssec.rollover import RollOverError, adopt, observed, roll
from pabal.dns.dnssec.waiting import Standing, standing
from pabal.dns.ports import ResolutionError
from pabal.dns.wire.rrset import name_octets
from pabal.dns.zone.keystore import KeyStore, ZoneKeys
from pabal.dns.zone.signedfile import SignedZones
from pabal.dns.zone.signer import UNSIGNED, ZoneSigner, note_parent, with_keys
from pabal.net.doorbell import UnixDoorbell


@dataclass(frozen=True, slots=True)
class Delegation:
    """A DS record and what the parent should do with it.

    Attributes:
        ready: Whether it may be published: before, some caches could not follow it.
        leaving: Whether it is to be removed.
    """

    ds: DS
    key: KeyState
    ready: bool
    leaving: bool


@dataclass(frozen=True, slots=True)
class ZoneDnssec:
    """One zone: its keys and where they are.

    Attributes:
        zone: Its name.
        ring: Its keys.
        at: The time this was looked at, seconds since 1970.
    """

    zone: dns.name.Name
    ring: Ring
    at: int

    @property
    def standing(self) -> Standing:
        """Where it is and what it waits for."""
        return standing(self.ring)

    @property
    def delegations(self) -> Sequence[Delegation]:
        """The DS records that concern the parent."""
        return [
            Delegation(
                ds_of(self.zone, key),
                key,
                ready=key.is_for_parent,
                leaving=not key.wanted,
            )
            for key in self.ring.keys
            if key.role.is_sep and (key.wanted or key.ds.place is not Place.HIDDEN)
        ]


@dataclass(frozen=True, slots=True)
class DnssecOffice:
    """Signing of one zone: what it is, and how it is changed."""

    settings: Settings
    keys: ZoneKeys
    bell: UnixDoorbell
    clock: Clock

    def look(self) -> ZoneDnssec:
        """Return where the zone is."""
        ring = self.keys.read() or UNSIGNED
        return ZoneDnssec(self.keys.name, ring, int(self.clock.now()))

    def change(self, policy: Callable[[Policy], Policy]) -> ZoneDnssec:
        """Sign under another policy; the server does the rest by itself."""
        return self._write(lambda ring: adopt(ring, policy(ring.policy)))

    def take_over(self, files: Sequence[Path]) -> ZoneDnssec:
        """Go on signing with the keys that BIND has signed with until now.

        Args:
            files: ``K….private``, its ``.key`` beside it; those in use, all of them.

        Raises:
            OperatorError: They cannot be used, or the zone has keys already.
        """
        found = [self._foreign(file) for file in files]
        keys = [each.key for each in found]
        sep = [key for key in keys if key.is_sep]
        split = len(keys) != len(sep)
        if len({key.algorithm for key in keys}) != 1 or len(sep) != 1:
            raise OperatorError(
                "that is not one KSK (or CSK) and at most one ZSK of one algorithm.",
                "Let a roll-over that is under way finish first.",
            )
        if len(keys) > 1 + split:
            raise OperatorError("there is more than one ZSK.", "Give the one in use.")
        policy = Policy(
            algorithm=keys[0].algorithm,
            split=split,
            dnskey_ttl_s=max(DNSKEY_TTL_S, *(each.ttl_s for each in found)),
        )
        roles = {True: Role.KSK if split else Role.CSK, False: Role.ZSK}
        now = int(self.clock.now())

        def begin(ring: Ring) -> Ring:
            if ring.keys:
                raise OperatorError(f"{self._name} has keys already.")
            adopted = [self.keys.adopt(k, roles[k.is_sep], now) for k in keys]
            return replace(ring, policy=policy, keys=tuple(adopted))

        self._write(begin)
        self._sign_now()
        return self.look()

    def _sign_now(self) -> None:
        """Sign without waiting for a server: the parent vouches for the zone already.

        A server that starts now must not answer without signatures, not for a second.
        """
        with contextlib.closing(
            parts.open_directory(self.settings, self.clock)
        ) as book:
            zones = parts.zones(self.settings, book, self.clock)
            zones.reload()
            origin = name_octets(self.keys.name)
            if origin in zones.owners:
                directory = Layout(self.settings.data).dnssec
                store, files = KeyStore(directory), SignedZones(directory)
                signer = ZoneSigner(store, files, self.clock)
                signer.turn({origin: zones.owners[origin]})
        self.bell.ring(ZONES_BELL)

    def _foreign(self, file: Path) -> ForeignKey:
        try:
            private = file.read_text(encoding="ascii")
            public = file.with_suffix(".key").read_text(encoding="ascii")
            found = read_foreign(private, public)
        except (OSError, UnicodeDecodeError) as error:
            raise OperatorError(f"{file} and its .key cannot be read.") from error
        except KeyKindError as error:
            raise OperatorError(f"{file}: {error}.") from error
        if found.zone.canonicalize() != self.keys.name:
            raise OperatorError(f"{file} is a key of {found.zone}.")
        return found

    def roll(self, roles: Sequence[Role]) -> ZoneDnssec:
        """Replace the keys of ``roles``; all there are if none is named.

        Raises:
            OperatorError: There is no such key, or a roll-over is under way.
        """

        def begin(ring: Ring) -> Ring:
            if not ring.policy.enabled:
                raise self._unsigned()
            try:
                return roll(ring, roles or ring.policy.roles)
            except RollOverError as error:
                raise OperatorError(
                    f"{error}.", f"See `pabal zone dnssec {self._name}`."
                ) from error

        return self._write(begin)

    def believe(self, *, published: bool) -> ZoneDnssec:
        """Take the operator's word for what the parent has.

        Args:
            published: The DS records asked for are there; otherwise those to be removed
                are gone.
        """
        now = int(self.clock.now())

        def note(ring: Ring) -> Ring:
            there = PRESENT | ({Place.ASKED, Place.RECALLED} if published else set())
            seen = frozenset(key.tag for key in ring.keys if key.ds.place in there)
            return observed(ring, seen, 0, ring.parent.strangers, now)

        return self._write(note)

    async def ask_parent(self) -> ZoneDnssec:
        """Look at the parent now, with nothing remembered.

        Raises:
            OperatorError: It cannot be asked; says why.
        """
        with contextlib.closing(
            parts.open_directory(self.settings, self.clock)
        ) as book:
            zones = parts.zones(self.settings, book, self.clock)
            resolver = parts.resolver(self.settings, self.clock, zones)
            try:
                zones.reload()
                records, ttl_s = await ds_records(resolver, self.keys.name)
            except ResolutionError as error:
                raise OperatorError(
                    f"the parent of {self._name} cannot be asked: {error}.",
                    "If you know better: --published or --withdrawn.",
                ) from error
            finally:
                await resolver.stop()
        note_parent(self.keys, records, ttl_s, int(self.clock.now()))
        self.bell.ring(ZONES_BELL)
        return self.look()

    def _write(self, work: Callable[[Ring], Ring]) -> ZoneDnssec:
        with self.keys.locked():
            before = self.keys.read() or UNSIGNED
            ring = with_keys(self.keys, work(before), int(self.clock.now()))
            self.keys.write(ring)
        self.bell.ring(ZONES_BELL)
        return self.look()

    @property
    def _name(self) -> str:
        return str(self.keys.name.to_text(omit_final_dot=True))

    def _unsigned(self) -> OperatorError:
        return OperatorError(
            f"{self._name} is not signed.", f"`pabal zone dnssec {self._name} enable`."
        )


@contextlib.contextmanager
def dnssec_office(settings: Settings, zone: dns.name.Name) -> Iterator[DnssecOffice]:
    """Open what concerns the signing of one zone.

    Raises:
        OperatorError: There is no such zone here, or the data cannot be used.
    """
    with zone_tools(settings) as tools:
        if zone.canonicalize() not in tools.names():
            missing = zone.to_text(omit_final_dot=True)
            raise NotFoundError(
                f"there is no zone {missing}.",
                "`pabal zone list` shows those there are.",
            )
        store = KeyStore(Layout(settings.data).dnssec)
        yield DnssecOffice(settings, store.of(zone), tools.bell, tools.clock)
