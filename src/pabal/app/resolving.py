"""What is around the resolver: whom it asks, policies, trust anchors that change."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import dns.name

from pabal.admin.layout import Layout
from pabal.app.places import Places
from pabal.base.atomic import write_file
from pabal.base.clock import Clock
from pabal.base.errors import OperatorError
from pabal.config.names import DnsSection
from pabal.config.problem import Problem, did_you_mean
from pabal.config.settings import Settings
from pabal.config.views import NOTHING, ONLY, VIEW, ViewSection
from pabal.dns.resolver.keeper import AnchorKeeper, Trusting
from pabal.dns.resolver.policy import read_policy
from pabal.dns.resolver.routes import Route, read_route
from pabal.dns.zone.source import DirectorySource

ANCHORS_MODE: Final = 0o600
"""Nobody else is to change what is trusted."""


@dataclass(frozen=True, slots=True)
class Way:
    """Whom a resolver asks.

    Attributes:
        forwarders: Instead of the root.
        forward_zones: With forwarders of their own.
        stub_zones: With servers of their own.
        forward: ``first``: what forwarders do not answer is looked for all the same.
    """

    forwarders: tuple[str, ...]
    forward_zones: tuple[str, ...]
    stub_zones: tuple[str, ...]
    forward: str = ONLY

    def routes(self) -> tuple[Route, ...]:
        """Return the zones that are asked elsewhere than their parents say.

        Raises:
            OperatorError: A line says none.
        """
        return (
            *(read_route(text, recursive=True) for text in self.forward_zones),
            *(read_route(text, recursive=False) for text in self.stub_zones),
        )


def common_way(section: DnsSection) -> Way:
    """Return whom everybody's resolver asks."""
    chosen = section.resolver
    lists = (section.forwarders, chosen.forward_zones, chosen.stub_zones)
    return Way(*lists, chosen.forward)


def way_of(view: ViewSection, common: Way) -> Way:
    """Return whom the resolver of ``view`` asks."""
    said = view.resolver
    return Way(
        _instead(said.forwarders, common.forwarders),
        _instead(said.forward_zones, common.forward_zones),
        _instead(said.stub_zones, common.stub_zones),
        said.forward or common.forward,
    )


def has_own_resolver(view: ViewSection, common: Way) -> bool:
    """Return whether what is found for ``view`` is not what others would find."""
    own_zones = bool(view.zones or view.without or view.exchange.secondary)
    return own_zones or way_of(view, common) != common


def resolvers_in(section: DnsSection) -> int:
    """Return how many resolvers there are, everybody's among them."""
    common = common_way(section)
    return 1 + sum(has_own_resolver(view, common) for view in section.views)


def _instead(own: tuple[str, ...], common: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a view says, if anything, else what [dns] says."""
    return () if own == (NOTHING,) else own or common


def policy_problems(settings: Settings, file: Path | None = None) -> list[Problem]:
    """Return what is wrong with the policy zones: no one has them, or not yet.

    Answers would go unfiltered: with a zone that nobody brings the server does not
    start. One whose first copy is on its way counts when it is there.

    Args:
        file: pabal.toml, for the places; ``None``: they are not looked for.
    """
    section = settings.dns
    lists = [("dns", section.resolver.policy_zones)]
    lists += [
        (f"{VIEW}{view.name}", view.resolver.policy_zones) for view in section.views
    ]
    own = DirectorySource(section.zones).files()
    copies = DirectorySource(Layout(settings.data).copies).files()
    copied = {dns.name.from_text(text.split()[0]) for text in section.secondary}
    places = Places(file)
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
            found.append(places.problem(table, "policy_zones", reason, fix, text))
            found[-1] = replace(found[-1], warning=comes)
    return found


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
    settings: Settings, resolvers: Trusting, clock: Clock
) -> AnchorKeeper:
    """Return who looks after the trust anchors of ``resolvers``."""
    store = FileAnchors(Layout(settings.data).anchors)
    return AnchorKeeper(resolvers, store, clock)
