"""The views of a named.conf as pabal has them: what everybody sees, and differences.

BIND has nothing but views once there is one; pabal has zones that everybody sees, and
views that see something else in their place. So BIND's view for all clients becomes
what everybody sees, and those before it become [dns.view.NAME].

Sans-IO. Security: nothing that a view hid from others is shown to them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pabal.config.acls import ACL, holds_everybody
from pabal.config.named.elsewhere import policy_lines, policy_names
from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.holdings import ASKED_ELSEWHERE, Holdings, unsaid_transfers
from pabal.config.named.outcome import DNS, VIEWS, Outcome, Value
from pabal.config.named.whole import NO, UNSAID_RECURSION, recursion_of, servers_of
from pabal.config.named.zones import Zone
from pabal.config.views import NOTHING, VIEW

_MATCHES: Final = frozenset(
    ("match-clients", "match-destinations", "match-recursive-only")
)

_OF_VIEWS: Final = _MATCHES | frozenset(
    (
        "allow-query-cache",
        "allow-recursion",
        "dns64",
        "forward",
        "forwarders",
        "recursion",
        "response-policy",
        "zone",
    )
)
"""Statements of a view that the functions below look at."""

_LOCAL: Final = ("localhost",)

_BY_ADDRESS: Final = (
    "pabal knows the clients of a view by their own address alone: nobody would see it"
)
_QUERY: Final = "who is in a view may ask: allow_query in [dns] is for all clients"
_FORWARDERS: Final = "pabal asks the same forwarders for the clients of all views"
_OPEN: Final = (
    "anybody could use this resolver: as in [dns], where it has to be said twice"
)


@dataclass(frozen=True, slots=True)
class BindView:
    """A view of the configuration.

    Attributes:
        name: As BIND has it.
        table: What it is called in pabal.toml, and its directory.
        clients: Who is in it, as pabal.toml has it.
        lost: What of that list could not be kept, in words.
        why_not: Why it cannot be taken over; empty: it can.
    """

    statement: Statement
    name: str
    table: str
    clients: tuple[str, ...]
    lost: tuple[str, ...]
    why_not: str

    @property
    def is_for_all(self) -> bool:
        """Whether every client is in it."""
        return not self.why_not and self.clients[:1] == ("any",)


class Horizon:
    """Takes over zones and views.

    Args (of the constructor):
        outcome: Gets what comes of them.

    Attributes:
        told: Names of statements that are told of here.
        has_common: Whether there is something that everybody sees.
    """

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._views = list(_views(outcome))
        self._common = next((view for view in self._views if view.is_for_all), None)
        self.told = _MATCHES | {"zone"} if self._views else frozenset()
        self.has_common = self._common is not None or not self._views

    def common_body(self) -> list[Statement]:
        """Return what holds for everybody: options, and the view that is for all."""
        body = self._body(self._common)
        if not self._views:
            return body
        kept = [s for s in body if s.name not in {"forward", "forwarders"}]
        if self._common is None:
            for statement in names_in(kept, "allow-query"):
                self._outcome.note(statement.token, "allow-query", _QUERY)
            kept = [s for s in kept if s.name != "allow-query"]
        return kept + self._forwarding()

    def _body(self, view: BindView | None) -> list[Statement]:
        """Return what holds in a view, what options say for all included."""
        options = [
            statement
            for each in names_in(self._outcome.statements, "options")
            for statement in each.body()
        ]
        own = [] if view is None else view.statement.body()
        said = {statement.name for statement in own}
        return [*own, *(each for each in options if each.name not in said)]

    def _forwarding(self) -> list[Statement]:
        """Return whom to ask, as the views that may ask at all have it.

        If they differ, as the first of them has it; the others are told of.
        """
        found: list[tuple[tuple[str, ...], list[Statement]]] = []
        for view in self._views:
            body = self._body(view)
            if view.why_not or not self._recurses(view):
                continue
            forwarders = names_in(body, "forwarders")[:1]
            servers = servers_of(forwarders[0]) if forwarders else ()
            found.append((servers, [*forwarders, *names_in(body, "forward")[:1]]))
            if servers != found[0][0]:
                place = forwarders[0].token if forwarders else view.statement.token
                what = f"view {view.name}: forwarders"
                self._outcome.note(place, what, _FORWARDERS)
        return found[0][1] if found else []

    def zones(self) -> None:
        """Take the zones, and the views with theirs."""
        outcome = self._outcome
        holdings = Holdings(outcome)
        everything = outcome.checked.zones
        policies = self._policy_zones()
        common = self._common
        holdings.common(
            zone
            for zone in everything
            if not zone.view
            or (common is not None and zone.view == common.name)
            or (zone.type in ASKED_ELSEWHERE and self._is_for_all(zone))
        )
        holdings.policies(zone for zone in everything if zone.origin in policies)
        unsaid_transfers(outcome, {each.name for each in self._body(common)})
        reached = True
        for view in self._views:
            own = [zone for zone in everything if zone.view == view.name]
            if view is common:
                reached = False
                what = f"view {view.name}"
                said = "what everybody sees: [dns], zones/"
                outcome.note(view.statement.token, what, said, taken=True)
            elif not reached or view.why_not:
                name = common.name if common is not None else ""
                why = view.why_not or f"no client gets there: all are in view {name}"
                outcome.note(view.statement.token, f"view {view.name}", why)
                holdings.stay(own, "its view is not taken over")
            else:
                self._take(view, own, holdings)

    def _is_for_all(self, zone: Zone) -> bool:
        """Return whether only clients of the zone's view ask for names elsewhere.

        What is asked elsewhere is so for all clients: nobody else may notice.
        """
        return all(
            view.name == zone.view or not self._recurses(view)
            for view in self._views
            if not view.why_not
        )

    def _recurses(self, view: BindView) -> bool:
        statement = recursion_of(self._body(view))
        return statement is None or statement.name != "recursion"

    def _policy_zones(self) -> set[str]:
        """Return the zones that say which answers clients get otherwise."""
        return {
            name.lower().removesuffix(".")
            for view in self._views
            for statement in names_in(self._body(view), "response-policy")[:1]
            for name in policy_names(statement)
        }

    def _take(self, view: BindView, own: Sequence[Zone], holdings: Holdings) -> None:
        outcome, table = self._outcome, f"{VIEW}{view.table}"
        token = view.statement.token
        outcome.note(token, f"view {view.name}", f"[{table}]", taken=True)
        for lost in view.lost:
            what = f"view {view.name}: match-clients"
            outcome.note(token, what, f"without {lost}")
        self._clients(view)
        if holdings.view(view.table, own):
            outcome.settings.append((table, "zones", f"{VIEWS}/{view.table}"))
        holdings.beyond(view.name, own, token)
        self._recursion(view)
        self._filters(view)
        for statement in view.statement.body():
            if statement.name in _OF_VIEWS:
                continue
            what = f"view {view.name}: {statement.name}"
            if statement.name == "allow-query":
                outcome.note(statement.token, what, _QUERY)
            else:
                outcome.not_taken(statement, what)

    def _clients(self, view: BindView) -> None:
        """Take who sees a view.

        Where nothing is for everybody, nobody else may ask either, as in BIND.
        """
        settings, table = self._outcome.settings, f"{VIEW}{view.table}"
        if self._common is not None:
            settings.append((table, "clients", view.clients))
            return
        name = f"{view.table}-clients"
        settings.append((f"{ACL}{name}", "networks", view.clients))
        settings.append((table, "clients", (name,)))
        asking: tuple[str, ...] = (name,)
        for number, (place, key, value) in enumerate(settings):
            if (place, key) == (DNS, "allow_query") and isinstance(value, tuple):
                settings[number] = (place, key, (*value, *asking))
                return
        settings.append((DNS, "allow_query", asking))

    def _recursion(self, view: BindView) -> None:
        """Take who of a view may ask for everything."""
        outcome, table = self._outcome, f"{VIEW}{view.table}"
        statement = recursion_of(self._body(view))
        what = f"view {view.name}: allow-recursion"
        if statement is None:
            value: tuple[str, ...] = _LOCAL
            outcome.note(view.statement.token, f"{what}, not set", UNSAID_RECURSION)
        elif statement.name == "recursion":
            value = (NOTHING,)
        else:
            value = outcome.networks(statement, "allow_recursion")
            if all(any(map(holds_everybody, each)) for each in (value, view.clients)):
                outcome.note(statement.token, what, _OPEN)
                return
        outcome.settings.append((table, "allow_recursion", value))
        place = view.statement.token if statement is None else statement.token
        outcome.note(place, what, f"allow_recursion in [{table}]", taken=True)

    def _filters(self, view: BindView) -> None:
        """Take which answers are made otherwise, where it is not as for everybody."""
        body, common = self._body(view), self._body(self._common)
        for name, key in (("response-policy", "policy_zones"), ("dns64", "dns64")):
            if key not in self._outcome.known:
                continue
            mine, theirs = _filter(body, name), _filter(common, name)
            if mine == theirs:
                continue
            nothing: Value = (NOTHING,) if key == "policy_zones" else NOTHING
            table = f"{VIEW}{view.table}"
            self._outcome.settings.append((table, key, mine or nothing))
            for statement in names_in(view.statement.body(), name)[:1]:
                what = f"view {view.name}: {name}"
                said = f"{key} in [{table}]"
                self._outcome.note(statement.token, what, said, taken=True)


def _filter(body: Sequence[Statement], name: str) -> tuple[str, ...] | str:
    """Return the value of a statement; empty: it is not there."""
    for statement in names_in(body, name)[:1]:
        return statement.value() if name == "dns64" else policy_lines(statement)
    return ""


def _views(outcome: Outcome) -> Iterator[BindView]:
    """Yield the views in their order, each with a name of its own for pabal.toml."""
    tables: set[str] = set()
    for statement in names_in(outcome.statements, "view"):
        words = [word.text for word in statement.words()]
        if not words:
            continue
        table = stem = re.sub(r"[^A-Za-z0-9_-]+", "-", words[0]).strip("-") or "view"
        number = 1
        while table.lower() in tables:
            number += 1
            table = f"{stem}-{number}"
        tables.add(table.lower())
        clients, lost, why_not = _clients(statement, outcome)
        if len(words) > 1 and words[1].lower() not in {"in", "internet"}:
            why_not = "pabal answers in class IN only"
        yield BindView(statement, words[0], table, clients, lost, why_not)


def _clients(
    view: Statement, outcome: Outcome
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Return who is in a view, what of that was lost, and why it cannot be taken."""
    only = view.find("match-recursive-only")
    if view.find("match-destinations") is not None or (
        only is not None and only.value().lower() not in NO
    ):
        return ("none",), (), _BY_ADDRESS
    said = view.find("match-clients")
    if said is None:
        return ("any",), (), ""
    flat = outcome.flat(said)
    elements = tuple(flat.elements)
    why_not = _BY_ADDRESS if elements == ("none",) else ""
    return elements, tuple(flat.lost), why_not
