"""What is around the resolver: policies, DNS64, trust anchors that change."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import dns.name

from pabal.admin.layout import Layout
from pabal.base.atomic import write_file
from pabal.base.clock import Clock
from pabal.base.errors import OperatorError
from pabal.config import toml
from pabal.config.names import ResolverSection
from pabal.config.problem import Problem, Span, did_you_mean
from pabal.config.settings import Settings
from pabal.config.views import NOTHING, VIEW
from pabal.dns.ports import Resolver
from pabal.dns.resolver.clientele import Outlook, ViewedResolver
from pabal.dns.resolver.dns64 import read_prefix
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.filtered import FilteredResolver
from pabal.dns.resolver.keeper import AnchorKeeper
from pabal.dns.resolver.policy import Records, read_policy
from pabal.dns.resolver.routes import Route, read_route
from pabal.dns.wire.rrset import name_octets
from pabal.dns.zone.source import DirectorySource
from pabal.dns.zone.zones import Zones

ANCHORS_MODE: Final = 0o600
"""Nobody else is to change what is trusted."""


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
        """Return those there are."""
        by_apex = self.zones.by_apex
        return [(apex, by_apex[apex].nodes) for apex in self.apexes if apex in by_apex]

    def missing(self) -> Sequence[bytes]:
        """Return the apexes of those that are not there."""
        return [apex for apex in self.apexes if apex not in self.zones.by_apex]


def for_clients(
    settings: Settings, resolver: IterativeResolver, zones: Zones, clock: Clock
) -> Resolver:
    """Return ``resolver`` as clients see it, those of each view as they should.

    Raises:
        OperatorError: [dns] holds what cannot be.
    """
    filters: dict[tuple[str, ...], FilteredResolver | None] = {(): None}

    def outlook(texts: tuple[str, ...], dns64: str) -> Outlook:
        if texts not in filters:
            manners = {
                name_octets(name).lower(): manner
                for name, manner in map(read_policy, texts)
            }
            policies = ZonePolicies(zones, tuple(manners))
            filters[texts] = FilteredResolver(resolver, policies, clock, manners)
        return Outlook(filters[texts], read_prefix(dns64) if dns64 else None)

    chosen = settings.dns.resolver
    outlooks = [outlook(chosen.policy_zones, chosen.dns64)]
    for view in settings.dns.views:
        names = view.policy_zones or chosen.policy_zones
        dns64 = view.dns64 or chosen.dns64
        outlooks.append(
            outlook(
                () if names == (NOTHING,) else names, "" if dns64 == NOTHING else dns64
            )
        )
    if all(each == Outlook() for each in outlooks):
        return resolver
    return ViewedResolver(resolver, outlooks)


def policy_problems(settings: Settings, file: Path | None = None) -> list[Problem]:
    """Return what is wrong with the policy zones: no one has them, or not yet.

    Answers would go unfiltered: with a zone that nobody brings the server does not
    start. One whose first copy is on its way counts when it is there.

    Args:
        file: pabal.toml, for the places; ``None``: they are not looked for.
    """
    section = settings.dns
    lists = [("dns", section.resolver.policy_zones)]
    lists += [(f"{VIEW}{view.name}", view.policy_zones) for view in section.views]
    own = DirectorySource(section.zones).files()
    copies = DirectorySource(Layout(settings.data).copies).files()
    copied = {dns.name.from_text(text.split()[0]) for text in section.secondary}
    places = _Places(file)
    found = []
    for table, texts in lists:
        for text in texts if texts != (NOTHING,) else ():
            name, _ = read_policy(text)
            if name in own or name in copies:
                continue
            said = name.to_text(omit_final_dot=True)
            reason = f"policy_zones has {said}, and there is no such zone"
            known = [each.to_text(omit_final_dot=True) for each in (*own, *copies)]
            near = did_you_mean(said, known)
            fix = near or f"write {section.zones}/{said}.zone"
            comes = name in copied or bool(section.follow_catalogs)
            if comes:
                reason, fix = f"the policy zone {said} was not copied yet", ""
            found.append(places.problem(table, "policy_zones", text, reason, fix))
            found[-1] = replace(found[-1], warning=comes)
    return found


class _Places:
    """Finds where in pabal.toml something is said."""

    def __init__(self, file: Path | None) -> None:
        self._name = "pabal.toml" if file is None else str(file)
        text = ""
        if file is not None:
            with contextlib.suppress(OSError, UnicodeDecodeError):
                text = file.read_text(encoding="utf-8")
        self._lines = text.replace("\r\n", "\n").split("\n")
        self._document = toml.parse(text, self._name)

    def problem(
        self, table: str, key: str, text: str, reason: str, fix: str
    ) -> Problem:
        """Return what is wrong with ``text``, a value of ``key`` or one in its list."""
        content = self._document.tables.get(table)
        _, value = (content.keys if content else {}).get(key, (None, None))
        values = value.data if value and isinstance(value.data, tuple) else (value,)
        span = next((v.span for v in values if v and v.data == text), Span(0, 0))
        source = self._lines[span.line - 1] if span.line else ""
        return Problem(self._name, span, reason, fix, source)


def expect_policies(settings: Settings) -> None:
    """Raise OperatorError if a policy zone is there for nobody to find."""
    for problem in policy_problems(settings):
        if not problem.warning:
            fix = problem.suggestion
            raise OperatorError(f"{problem.reason}.", f"{fix[:1].upper()}{fix[1:]}.")


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
