"""The views of a named.conf as pabal has them: what everybody sees, and differences.

BIND has nothing but views once there is one; pabal has zones that everybody sees, and
views that see something else in their place. So BIND's view for all clients becomes
what everybody sees, and those before it become [dns.view.NAME].

Sans-IO. Security: nothing that a view hid from others is shown to them.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pabal.config.acls import holds_everybody
from pabal.config.named.elsewhere import policy_lines, policy_names
from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.holdings import (
    ASKED_ELSEWHERE,
    Holdings,
    Seen,
    unsaid_transfers,
)
from pabal.config.named.outcome import DNS, Outcome, Value
from pabal.config.named.single import notified
from pabal.config.named.transfers import Servers
from pabal.config.named.whole import (
    NO,
    asked_by,
    forward_of,
    recursion_of,
    servers_of,
    tell_server,
)
from pabal.config.named.zones import Zone
from pabal.config.views import NOTHING, ONLY, VIEW

_MATCHES: Final = frozenset(
    ("match-clients", "match-destinations", "match-recursive-only")
)

_OF_VIEWS: Final = _MATCHES | frozenset(
    (
        "allow-query",
        "allow-query-cache",
        "allow-recursion",
        "allow-transfer",
        "also-notify",
        "dns64",
        "forward",
        "forwarders",
        "include",
        "recursion",
        "response-policy",
        "server",
        "zone",
    )
)
"""Statements of a view that the functions below look at."""

_ANY: Final[tuple[str, ...]] = ("any",)

_NOBODY: Final = "nobody would see it, as far as pabal can tell its clients"
_OPEN: Final = (
    "anybody could use this resolver: as in [dns], where it has to be said twice"
)


@dataclass(frozen=True, slots=True)
class BindView:
    """A view of the configuration.

    Attributes:
        name: As BIND has it.
        table: What it is called in pabal.toml, and its directory.
        who: Who is in it, as pabal.toml has it: ``clients`` and what else there is.
        is_for_all: Whether every client is in it that is in none before.
        lost: What of those lists could not be kept, in words.
        why_not: Why it cannot be taken over; empty: it can.
    """

    statement: Statement
    name: str
    table: str
    who: Mapping[str, Value]
    is_for_all: bool
    lost: tuple[str, ...]
    why_not: str

    @property
    def clients(self) -> tuple[str, ...]:
        """Who is in it by address and key."""
        found = self.who["clients"]
        return found if isinstance(found, tuple) else ()


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
        self._base = self._asking()

    def _asking(self) -> BindView | None:
        """Return the view that asks as the server itself will: everybody's if it does.

        If what everybody sees is not looked for elsewhere, the first that is.
        """
        asking = [v for v in self._views if not v.why_not and self._recurses(v)]
        if self._common in asking:
            return self._common
        return asking[0] if asking else None

    def common_body(self) -> list[Statement]:
        """Return what holds for everybody: options, and the view that is for all."""
        body = self._body(self._common)
        if not self._views:
            return body
        kept = [s for s in body if s.name not in {"forward", "forwarders"}]
        if self._common is None:
            # Who is in no view may ask nothing, as in BIND.
            self._outcome.settings.append((DNS, "allow_query", (NOTHING,)))
            kept = [s for s in kept if s.name != "allow-query"]
        return kept + ([] if self._base is None else self._forwarding(self._base))

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

    def _forwarding(self, view: BindView) -> list[Statement]:
        """Return the statements that say whom a view asks."""
        body = self._body(view)
        return [*names_in(body, "forwarders")[:1], *names_in(body, "forward")[:1]]

    def zones(self) -> None:
        """Take the zones, and the views with theirs."""
        outcome = self._outcome
        base = "" if self._base is None else self._base.name
        body = [] if self._common is None else self._common.statement.body()
        holdings = Holdings(outcome, base, body, self._body(self._common))
        everything = outcome.checked.zones
        policies = self._policy_zones()
        common = self._common
        whole = "" if common is None else common.name
        seen_by_all = (zone for zone in everything if zone.view in {"", whole})
        asked = (zone for zone in everything if zone.type in ASKED_ELSEWHERE)
        if base == whole:
            holdings.common(seen_by_all)
        else:
            holdings.common(
                (zone for zone in seen_by_all if zone.type not in ASKED_ELSEWHERE),
                (zone for zone in asked if base and zone.view == base),
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
        holdings.close()

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
            what, _, why = lost.partition(": ")
            outcome.note(token, f"view {view.name}: {what}", why)
        outcome.settings += [(table, key, value) for key, value in view.who.items()]
        own_body, body = view.statement.body(), self._body(view)
        seen = Seen(view.table, table, self._recurses(view), own_body, body)
        before = len(outcome.settings)
        holdings.view(seen, own)
        if seen.asks and view is not self._base:
            self._asks(view, {key for _, key, _ in outcome.settings[before:]})
        self._query(view)
        self._recursion(view)
        self._filters(view)
        self._others(view)
        for statement in view.statement.body():
            if statement.name not in _OF_VIEWS:
                what = f"view {view.name}: {statement.name}"
                outcome.not_taken(statement, what)

    def _asks(self, view: BindView, said: Collection[str]) -> None:
        """Take whom a view asks, where that is not as [dns] has it."""
        outcome, table = self._outcome, f"{VIEW}{view.table}"
        common = {key for where, key, _ in outcome.settings if where == DNS}
        for key in ("forward_zones", "stub_zones"):
            if key in common and key not in said:
                outcome.settings.append((table, key, (NOTHING,)))
        mine, theirs = self._servers(view), self._servers(self._base)
        how = forward_of(self._body(view)) if mine else ""
        base = ONLY if self._base is None else forward_of(self._body(self._base))
        if how and how != (base if theirs else ONLY) and "forward" in outcome.known:
            outcome.settings.append((table, "forward", how))
        if mine == theirs:
            return
        outcome.settings.append((table, "forwarders", mine or (NOTHING,)))
        for statement in self._forwarding(view):
            what = f"view {view.name}: {statement.name}"
            if statement.name == "forwarders":
                said_so = f"forwarders in [{table}]"
                outcome.note(statement.token, what, said_so, taken=True)
            else:
                said_so = f"forward in [{table}] or [dns]"
                outcome.note(statement.token, what, said_so, taken=True)

    def _servers(self, view: BindView | None) -> tuple[str, ...]:
        found = [] if view is None else names_in(self._body(view), "forwarders")
        return servers_of(found[0]) if found else ()

    def _query(self, view: BindView) -> None:
        """Take who of a view may ask at all, where that is not as [dns] has it."""
        outcome, table = self._outcome, f"{VIEW}{view.table}"
        theirs: tuple[str, ...] = (NOTHING,)
        if self._common is not None:
            said = names_in(self._body(self._common), "allow-query")[:1]
            theirs = tuple(outcome.flat(said[0]).elements) if said else _ANY
        mine = _ANY
        for statement in names_in(self._body(view), "allow-query")[:1]:
            mine = outcome.networks(statement)
            what = f"view {view.name}: allow-query"
            said_so = f"allow_query in [{table}]"
            outcome.note(statement.token, what, said_so, taken=True)
        if mine != theirs:
            outcome.settings.append((table, "allow_query", mine))

    def _others(self, view: BindView) -> None:
        """Take who may have zones of a view as a whole, and who is told of changes."""
        outcome, table = self._outcome, f"{VIEW}{view.table}"
        own, body = view.statement.body(), self._body(view)
        for statement in names_in(own, "allow-transfer")[:1]:
            if "allow_transfer" in outcome.known:
                outcome.access(statement, "allow_transfer", table)
        for statement in names_in(body, "also-notify")[:1]:
            if "notify" in outcome.known and notified(body, own, outcome):
                peers = Servers(outcome.statements, own).notified(statement)
                outcome.set(statement, "notify", tuple(peers), table)
        for server in names_in(own, "server"):
            tell_server(server, outcome, f"view {view.name}: ")

    def _recursion(self, view: BindView) -> None:
        """Take who of a view may ask for everything."""
        outcome, table = self._outcome, f"{VIEW}{view.table}"
        body = self._body(view)
        statement = recursion_of(body)
        what = f"view {view.name}: allow-recursion"
        value = asked_by(statement, body, outcome)
        if statement is not None and statement.name != "recursion":
            both = map(outcome.lists.written_out, (value, view.clients))
            if all(any(map(holds_everybody, each)) for each in both):
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
    keys: set[str] = set()
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
        who, lost = _who(statement, outcome)
        clients = who["clients"]
        assert isinstance(clients, tuple)  # noqa: S101  for the type checker
        why_not = _NOBODY if clients == (NOTHING,) else ""
        if len(words) > 1 and words[1].lower() not in {"in", "internet"}:
            why_not = "pabal answers in class IN only"
        for_all = not why_not and len(who) == 1
        for_all = for_all and _lets_in_all(clients, keys, outcome.lists.tables)
        keys |= _sure_keys(clients, outcome.lists.tables)
        yield BindView(statement, words[0], table, who, for_all, lost, why_not)


def _sure_keys(clients: Sequence[str], lists: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the elements for keys that let in, whatever else is so."""
    found: set[str] = set()
    for element in clients:
        if element.startswith("!") and not element.startswith("!key "):
            break
        if element.startswith("key "):
            found.add(element)
        found |= _sure_keys(lists.get(element, ()), lists)
    return found - {element[1:] for element in clients}


def _lets_in_all(
    clients: Sequence[str],
    keys: Collection[str],
    lists: Mapping[str, Sequence[str]],
) -> bool:
    """Return whether a list is for every client that is in no view before.

    Args:
        keys: The elements for keys that are in views before.
        lists: What lists with a name hold; none holds itself.
    """
    for element in clients:
        if element == "any" or _lets_in_all(lists.get(element, ()), keys, lists):
            return True
        if element.startswith("!") and element[1:] not in keys:
            return False
    return False


def _who(view: Statement, outcome: Outcome) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Return who is in a view, by the keys of pabal.toml, and what of that was lost."""
    found: dict[str, Value] = {"clients": _ANY}
    lost: list[str] = []
    said = view.find("match-clients")
    if said is not None:
        flat = outcome.flat(said)
        found["clients"] = tuple(flat.elements)
        lost += [f"match-clients: without {each}" for each in flat.lost]
    said = view.find("match-destinations")
    if said is not None:
        flat = outcome.flat(said, with_keys=False)
        if flat.elements[0] != "any":
            found["destinations"] = tuple(flat.elements)
        lost += [f"match-destinations: without {each}" for each in flat.lost]
    only = view.find("match-recursive-only")
    if only is not None and only.value().lower() not in NO:
        found["recursive_only"] = True
    return found, tuple(lost)
