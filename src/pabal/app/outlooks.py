"""What the clients of each view get of the resolver, or of one of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pabal.app import parts, resolving
from pabal.app.caches import EVERYBODYS
from pabal.base.clock import Clock
from pabal.base.errors import OperatorError
from pabal.config.problem import did_you_mean
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
from pabal.dns.zone.views import views_of
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


class ViewResolvers(Resolvers):
    """Everybody's resolver and those of views.

    Args (of the constructor):
        own: Those of views by the names of these.

    Attributes:
        by_view: All of them; that of the empty name is everybody's.
    """

    def __init__(
        self, first: IterativeResolver, own: Mapping[str, IterativeResolver]
    ) -> None:
        super().__init__(first, tuple(own.values()))
        self.by_view: Mapping[str, IterativeResolver] = {"": first, **own}


@dataclass(frozen=True, slots=True)
class ForClients:
    """What clients are answered by.

    Attributes:
        resolver: Knows what each client is to see.
        resolvers: Those it asks.
    """

    resolver: Resolver
    resolvers: ViewResolvers


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
        self.others: dict[str, IterativeResolver] = {}

    def common(self) -> Outlook:
        chosen = self._settings.dns.resolver
        return self._outlook(chosen.policy_zones, chosen.dns64)

    def of(self, section: ViewSection, view: View) -> Outlook:
        common = resolving.common_way(self._settings.dns)
        if not resolving.has_own_resolver(section, common):
            return self._outlook(*self._filters_of(section))
        own = parts.resolver(self._settings, self._clock, view, section)
        self.others[view.name] = own
        return self.around(own, section, view)

    def around(
        self, own: IterativeResolver, section: ViewSection, view: View
    ) -> Outlook:
        """Return what the clients of a view get of a resolver of their own."""
        names, dns64 = self._filters_of(section)
        prefix = read_prefix(dns64) if dns64 else None
        return Outlook(own, self._filtered(own, view, names) if names else None, prefix)

    def _filters_of(self, section: ViewSection) -> tuple[tuple[str, ...], str]:
        chosen, said = self._settings.dns.resolver, section.resolver
        names = said.policy_zones or chosen.policy_zones
        dns64 = said.dns64 or chosen.dns64
        names = () if names == (NOTHING,) else names
        return names, "" if dns64 == NOTHING else dns64

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
    resolvers = ViewResolvers(resolver, making.others)
    if all(each == Outlook(resolver) for each in outlooks):
        return ForClients(resolver, resolvers)
    return ForClients(ViewedResolver(outlooks), resolvers)


def for_view(
    settings: Settings, own: IterativeResolver, zones: Zones, clock: Clock, view: View
) -> Resolver:
    """Return ``own`` as the clients of ``view`` would see it, were it theirs.

    Raises:
        OperatorError: There is no such view in ``settings``.
    """
    making = _Making(settings, own, zones, clock)
    section = section_of(settings, view.name)
    return ViewedResolver([making.around(own, section, view)])


def section_of(settings: Settings, name: str) -> ViewSection:
    """Return [dns.view.``name``].

    Raises:
        OperatorError: There is none.
    """
    for section in settings.dns.views:
        if section.name == name:
            return section
    known = [section.name for section in settings.dns.views]
    there = ", ".join(known) or "none: add [dns.view.NAME] to pabal.toml"
    fix = did_you_mean(name, known) or f"Views there are: {there}"
    raise OperatorError(f"there is no view {name}.", f"{fix[:1].upper()}{fix[1:]}.")


def cache_of(settings: Settings, name: str) -> str:
    """Return the view whose cache the clients of view ``name`` are answered from.

    ``EVERYBODYS``: that view has none of its own. Nothing stays nothing.

    Raises:
        OperatorError: There is no such view.
    """
    if name in ("", EVERYBODYS):
        return name
    section = section_of(settings, name)
    common = resolving.common_way(settings.dns)
    return name if resolving.has_own_resolver(section, common) else EVERYBODYS


def views_by_name(settings: Settings, clock: Clock) -> dict[str, View]:
    """Return the views by name, empty as yet, for who only looks."""
    made = views_of(
        parts.view_settings(settings), settings.hostname, clock, writes=False
    )
    return {view.name: view for view in made}
