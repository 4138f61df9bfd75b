"""What a view has to do with other servers: whom it copies, whom it tells.

One object a view; that of number 0 is everybody's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import dns.name

from pabal.base.clock import Clock
from pabal.base.tasks import Tasks
from pabal.dns.server.access import parse_access_list
from pabal.dns.server.control import Realm, TransferAccess, parse_transfer_access
from pabal.dns.server.forwarding import UpdateForwarder
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.notify import Notifier
from pabal.dns.server.peer import Peer, Sources, parse_peer
from pabal.dns.server.policy import parse_policy
from pabal.dns.server.secondary import (
    Following,
    Reload,
    Secondaries,
    parse_copied,
    parse_groups,
)
from pabal.dns.settings import DnsSettings
from pabal.dns.wire.rrset import name_octets
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.view import View
from pabal.dns.zone.zones import Zones


@dataclass(slots=True)
class Relations:
    """Those of one view.

    Attributes:
        realm: What others may.
        secondaries: Whom it copies from.
        notifier: Whom it tells.
        view: Its zones; ``None``: the common ones.
    """

    realm: Realm
    secondaries: Secondaries
    notifier: Notifier
    view: View | None = None

    def start(self, sources: Sources) -> None:
        """Follow primaries from now on; connections come from our own addresses."""
        self.notifier.sources = sources
        self.secondaries.start(sources)
        if self.realm.forwarder is not None:
            self.realm.forwarder.sources = sources
        self.secondaries.tidy()

    @property
    def tells(self) -> bool:
        """Whether anybody is told of changes."""
        return self.notifier.has_peers

    def changed(self, zones: Iterable[Zone | None]) -> None:
        """Tell that common ``zones`` changed, or what hides them."""
        there = [zone for zone in zones if zone is not None]
        if self.view is not None and self.notifier.has_peers:
            origins = {zone.origin for zone in there} | self.view.different
            seen = self.view.by_apex
            there = [seen[origin] for origin in origins if origin in seen]
            there = [zone for zone in there if not zone.withheld]
        self.notifier.changed(there)


@dataclass(frozen=True, slots=True)
class Means:
    """What they are made with."""

    keys: KeyRing
    tasks: Tasks
    reload: Reload
    clock: Clock


def common_relations(settings: DnsSettings, zones: Zones, means: Means) -> Relations:
    """Return those of everybody; raises OperatorError."""
    keys = means.keys
    directory = Path(settings.secondary_directory)
    catalogs = parse_copied(settings.follow_catalogs, keys, "dns.follow_catalogs")
    secondaries = Secondaries(
        parse_copied(settings.secondary, keys) if settings.secondary_directory else (),
        directory,
        zones,
        means.reload,
        means.clock,
        Following(catalogs, parse_groups(settings.follow_groups, keys))
        if settings.secondary_directory
        else None,
    )
    realm = Realm(zones, parse_transfer_access(settings.allow_transfer))
    realm.policy = parse_policy(settings.allow_update, keys)
    realm.tls_only = settings.transfer_tls_only
    peers = [parse_peer(text, keys, "dns.notify") for text in settings.notify]
    realm.single, told = _single(settings, "", keys)
    made = Relations(realm, secondaries, Notifier(peers, means.tasks, told))
    return _joined(made, settings)


def view_relations(
    settings: DnsSettings, number: int, view: View, means: Means
) -> Relations:
    """Return those of ``view``, which has a number from 1 on; raises OperatorError."""
    chosen, keys = settings.views[number - 1], means.keys
    said, where = chosen.exchange, f"dns.view.{chosen.name}"
    secondaries = Secondaries(
        parse_copied(said.secondary, keys, f"{where}.secondary")
        if chosen.secondary_directory
        else (),
        Path(chosen.secondary_directory),
        view.whole,
        means.reload,
        means.clock,
    )
    transfers = said.allow_transfer or settings.allow_transfer
    realm = Realm(view.whole, parse_transfer_access(transfers))
    realm.policy = parse_policy(said.allow_update, keys)
    realm.tls_only = settings.transfer_tls_only
    peers = [parse_peer(text, keys, f"{where}.notify") for text in said.notify]
    realm.single, told = _single(settings, chosen.name, keys)
    made = Relations(realm, secondaries, Notifier(peers, means.tasks, told), view)
    return _joined(made, settings)


def _single(
    settings: DnsSettings, view: str, keys: KeyRing
) -> tuple[dict[bytes, TransferAccess], dict[bytes, list[Peer]]]:
    """Return who may have single zones of a view, and who is told of their changes."""
    transfers: dict[bytes, TransferAccess] = {}
    told: dict[bytes, list[Peer]] = {}
    for zone in settings.zones:
        if zone.view == view:
            origin = name_octets(dns.name.from_text(zone.zone)).lower()
            if zone.allow_transfer:
                transfers[origin] = parse_transfer_access(zone.allow_transfer)
            if zone.notify:
                place = f"dns.zone.{zone.zone}.notify"
                peers = (text for text in zone.notify if text != "none")
                told[origin] = [parse_peer(text, keys, place) for text in peers]
    return transfers, told


def _joined(made: Relations, settings: DnsSettings) -> Relations:
    made.realm.on_notify = made.secondaries.notified
    made.realm.heralds = parse_access_list(settings.allow_notify, "dns.allow_notify")
    if settings.forward_updates:
        made.realm.forwarder = UpdateForwarder(
            parse_access_list(settings.forward_updates, "dns.forward_updates"),
            made.secondaries.primaries,
        )
    return made
