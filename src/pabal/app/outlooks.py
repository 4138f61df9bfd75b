"""What the clients of each view get of the resolver, or of one of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pabal.app import parts, resolving
from pabal.base.clock import Clock
from pabal.config.settings import Settings
from pabal.config.views import NOTHING, ViewSection
from pabal.dns.ports import Resolver
from pabal.dns.resolver.clientele import Outlook, Resolvers, ViewedResolver
from pabal.dns.resolver.dns64 import read_prefix
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.filtered import FilteredResolver
from pabal.dns.resolver.policy import Records, read_policy
from pabal.dns.server.answering import VersionedZones
from pabal.dns.wire.rrset import name_octets
from pabal.dns.zone.view import View
from pabal.dns.zone.zones import Zones


@dataclass(frozen=True, slots=True)
class ZonePolicies:
    """Policies out of our zones: implements ``PolicySource``.

    Attributes:
        apexes: Of the policy zones, folded wire names, the first goes first.
    """

    zones: VersionedZones
    apexes: Sequence[bytes]

    @property
    def version(self) -> int:
        """Grows whenever a zone changes."""
        return self.zones.version

    def policies(self) -> Sequence[tuple[bytes, Mapping[bytes, Records]]]:
        """Return those there are."""
        by_apex = self.zones.by_apex
        return [(apex, by_apex[apex].nodes) for apex in self.apexes if apex in by_apex]

    def missing(self) -> Sequence[bytes]:
        """Return the apexes of those that are not there."""
        return [apex for apex in self.apexes if apex not in self.zones.by_apex]


@dataclass(frozen=True, slots=True)
class ForClients:
    """What clients are answered by.

    Attributes:
        resolver: Knows what each client is to see.
        resolvers: Those it asks.
    """

    resolver: Resolver
    resolvers: Resolvers


class _Making:
    """Makes the outlooks, one after the other."""

    def __init__(
        self,
        settings: Settings,
        common: IterativeResolver,
        zones: Zones,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._zones = zones
        self._clock = clock
        self._common = common
        self._filters: dict[tuple[str, ...], FilteredResolver] = {}
        self.others: list[IterativeResolver] = []

    def common(self) -> Outlook:
        chosen = self._settings.dns.resolver
        return self._outlook(chosen.policy_zones, chosen.dns64)

    def of(self, section: ViewSection, view: View) -> Outlook:
        chosen, said = self._settings.dns.resolver, section.resolver
        names = said.policy_zones or chosen.policy_zones
        names = () if names == (NOTHING,) else names
        dns64 = said.dns64 or chosen.dns64
        dns64 = "" if dns64 == NOTHING else dns64
        common = resolving.common_way(self._settings.dns)
        if not resolving.has_own_resolver(section, common):
            return self._outlook(names, dns64)
        own = parts.resolver(self._settings, self._clock, view, section)
        self.others.append(own)
        prefix = read_prefix(dns64) if dns64 else None
        filtered = self._filtered(own, view, names) if names else None
        return Outlook(own, filtered, prefix)

    def _outlook(self, names: tuple[str, ...], dns64: str) -> Outlook:
        if names and names not in self._filters:
            self._filters[names] = self._filtered(self._common, self._zones, names)
        prefix = read_prefix(dns64) if dns64 else None
        return Outlook(self._common, self._filters.get(names), prefix)

    def _filtered(
        self, resolver: IterativeResolver, zones: VersionedZones, texts: Sequence[str]
    ) -> FilteredResolver:
        manners = {
            name_octets(name).lower(): manner
            for name, manner in map(read_policy, texts)
        }
        policies = ZonePolicies(zones, tuple(manners))
        return FilteredResolver(resolver, policies, self._clock, manners)


def for_clients(
    settings: Settings,
    resolver: IterativeResolver,
    zones: Zones,
    clock: Clock,
    views: Sequence[View] = (),
) -> ForClients:
    """Return ``resolver`` as clients see it, those of each of ``views`` as they should.

    Raises:
        OperatorError: [dns] holds what cannot be.
    """
    making = _Making(settings, resolver, zones, clock)
    outlooks = [making.common()]
    outlooks += map(making.of, settings.dns.views, views)
    resolvers = Resolvers(resolver, making.others)
    if all(each == Outlook(resolver) for each in outlooks):
        return ForClients(resolver, resolvers)
    return ForClients(ViewedResolver(outlooks), resolvers)
