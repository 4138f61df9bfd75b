"""What is around the resolver: policies, DNS64, trust anchors that change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dns.name

from pabal.admin.layout import Layout
from pabal.base.atomic import write_file
from pabal.base.clock import Clock
from pabal.base.log import Log
from pabal.config.names import ResolverSection
from pabal.config.settings import Settings
from pabal.dns.ports import Resolver
from pabal.dns.resolver.dns64 import Dns64Resolver, read_prefix
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.filtered import FilteredResolver
from pabal.dns.resolver.keeper import AnchorKeeper
from pabal.dns.resolver.policy import Records
from pabal.dns.resolver.routes import Route, read_route
from pabal.dns.wire.name import to_text
from pabal.dns.wire.rrset import name_octets
from pabal.dns.zone.zones import Zones

ANCHORS_MODE: Final = 0o600
"""Nobody else is to change what is trusted."""

log = Log("resolving")


def routes(section: ResolverSection) -> tuple[Route, ...]:
    """Return the zones that are asked elsewhere than their parents say.

    Raises:
        OperatorError: A line says none.
    """
    return (
        *(read_route(text, recursive=True) for text in section.forward_zones),
        *(read_route(text, recursive=False) for text in section.stub_zones),
    )


@dataclass(frozen=True, slots=True)
class ZonePolicies:
    """Policies out of our zones: implements ``PolicySource``.

    Attributes:
        apexes: Of the policy zones, folded wire names, the first goes first.
    """

    zones: Zones
    apexes: Sequence[bytes]

    @property
    def version(self) -> int:
        """Grows whenever a zone changes."""
        return self.zones.version

    def policies(self) -> Sequence[tuple[bytes, Mapping[bytes, Records]]]:
        """Return those there are; one that is not there is told of."""
        by_apex = self.zones.by_apex
        for apex in self.apexes:
            if apex not in by_apex:
                log.warning("policy zone not there", zone=to_text(apex))
        return [(apex, by_apex[apex].nodes) for apex in self.apexes if apex in by_apex]


def for_clients(
    settings: Settings, resolver: IterativeResolver, zones: Zones, clock: Clock
) -> Resolver:
    """Return ``resolver`` as clients see it.

    Raises:
        OperatorError: [dns] holds what cannot be.
    """
    found: Resolver = resolver
    chosen = settings.dns.resolver
    names = chosen.policy_zones
    if names:
        apexes = [name_octets(dns.name.from_text(name)).lower() for name in names]
        policies = ZonePolicies(zones, apexes)
        found = FilteredResolver(resolver, policies, clock)
    if chosen.dns64:
        found = Dns64Resolver(found, read_prefix(chosen.dns64))
    return found


@dataclass(frozen=True, slots=True)
class FileAnchors:
    """The state of the trust anchors in a file: implements ``AnchorStore``."""

    path: Path

    def load(self) -> str:
        """Return what was saved last; empty: nothing ever was.

        Raises:
            OSError: It cannot be read.
        """
        try:
            return self.path.read_text("ascii", "replace")
        except FileNotFoundError:
            return ""

    def save(self, text: str) -> None:
        """Keep ``text`` in the place of what was there, durably.

        Raises:
            OSError: It cannot be written; what was there still is.
        """
        write_file(self.path, text.encode("ascii", "replace"), ANCHORS_MODE)


def anchor_keeper(
    settings: Settings, resolver: IterativeResolver, clock: Clock
) -> AnchorKeeper:
    """Return who looks after the trust anchors of ``resolver``."""
    store = FileAnchors(Layout(settings.data).anchors)
    return AnchorKeeper(resolver, store, clock)
