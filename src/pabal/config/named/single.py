"""Who may ask for single zones of a named.conf, have them, and is told of them.

It becomes [dns.zone.ZONE], and [dns.view.NAME.zone.ZONE] where a view says otherwise.

Sans-IO. Source: BIND 9.18: what a zone says holds in the place of what its view or
options say, the whole list.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.keys import names_of, without_key
from pabal.config.named.outcome import Outcome, header_of
from pabal.config.named.transfers import Servers
from pabal.config.named.zones import Zone
from pabal.config.views import NOTHING, VIEW
from pabal.config.zone_lists import OF_VIEW, ZONE

_NO: Final = frozenset(("no", "false", "0"))

_UNSAID: Final = {"allow-query": ("any",), "allow-transfer": (NOTHING,)}
"""What holds where nothing is said; of whole zones BIND 9.18 gives anybody any."""

_WHO_IS_TOLD: Final = (
    "pabal tells only those whom notify names, not every server of the NS records"
)


@dataclass(slots=True)
class Singles:
    """Collects it.

    Attributes:
        outcome: Gets what comes of it.
        scope: What holds for the zones everybody sees: options, and their view.
        hidden: Zones nobody may ask about: private ones.
    """

    outcome: Outcome
    scope: Sequence[Statement] = ()
    hidden: dict[str, None] = field(default_factory=dict)
    _common: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)

    def common(self, zone: Zone) -> tuple[str, ...]:
        """Take what a zone everybody sees says; return the names of what was taken."""
        found = self._said(zone, self.scope)
        self._common[zone.origin] = found
        self._set(f"{ZONE}{zone.origin}", found)
        return self._told(zone, f"{ZONE}{zone.origin}")

    def view(
        self, zone: Zone, name: str, scope: Sequence[Statement]
    ) -> tuple[str, ...]:
        """Take what a zone of a view says; return the names of what was taken.

        Args:
            name: What pabal calls the view.
            scope: What holds in it: options, and what the view says itself.
        """
        found = self._said(zone, scope)
        common = self._common.get(zone.origin, {})
        for key, statement in (
            ("allow_query", "allow-query"),
            ("allow_transfer", "allow-transfer"),
        ):
            if key in common and key not in found:
                # What everybody is told of the zone does not hold here.
                found[key] = self._list(scope, statement)
            elif key in common and common[key] == found.get(key):
                del found[key]
        table = f"{VIEW}{name}{OF_VIEW}{zone.origin}"
        self._set(table, found)
        return self._told(zone, table)

    def _set(self, table: str, found: dict[str, tuple[str, ...]]) -> None:
        self.outcome.settings += [(table, key, found[key]) for key in found]

    def _told(self, zone: Zone, table: str) -> tuple[str, ...]:
        """Say what is taken of what a zone says; return the names of it."""
        outcome, taken = self.outcome, []
        names = {
            "allow-query": "allow_query",
            "allow-transfer": "allow_transfer",
            "also-notify": "notify",
            "notify": "notify",
        }
        for name, key in names.items():
            said = zone.statement.find(name)
            if said is None or key not in outcome.known:
                continue
            taken.append(name)
            what = f"zone {zone.name.text}: {name}"
            if name == "allow-query" and zone.origin in self.hidden:
                outcome.note(said.token, what, "private_zones in [dns]", taken=True)
                continue
            if name == "notify" and said.value().lower() not in {*_NO, "explicit"}:
                outcome.note(said.token, f"{what} {said.value()}", _WHO_IS_TOLD)
                continue
            is_own = any(
                (where, which) == (table, key) for where, which, _ in outcome.settings
            )
            where = f"{key} in {header_of(table)}" if is_own else "as for all"
            outcome.note(said.token, what, where, taken=True)
        return tuple(taken)

    def _said(
        self, zone: Zone, scope: Sequence[Statement]
    ) -> dict[str, tuple[str, ...]]:
        """Return what a zone says otherwise than ``scope``, by keys of pabal.toml."""
        found: dict[str, tuple[str, ...]] = {}
        body = zone.statement.body()
        for name in ("allow-query", "allow-transfer"):
            key = name.replace("-", "_")
            for statement in names_in(body, name)[:1]:
                is_hidden = name == "allow-query" and zone.origin in self.hidden
                if key in self.outcome.known and not is_hidden:
                    mine = self.outcome.networks(statement)
                    if mine != self._list(scope, name):
                        found[key] = mine
        told = self._peers([*body, *_unlike(scope, body)], scope)
        if "notify" in self.outcome.known and told != self._peers(scope, scope):
            found["notify"] = told or (NOTHING,)
        return found

    def _list(self, scope: Sequence[Statement], name: str) -> tuple[str, ...]:
        for statement in names_in(scope, name)[:1]:
            return tuple(self.outcome.flat(statement).elements)
        return _UNSAID[name]

    def _peers(
        self, body: Sequence[Statement], scope: Sequence[Statement]
    ) -> tuple[str, ...]:
        return notified(body, scope, self.outcome)


def notified(
    body: Sequence[Statement], scope: Sequence[Statement], outcome: Outcome
) -> tuple[str, ...]:
    """Return who is told of changes where ``body`` holds; nobody with ``notify no``.

    Args:
        scope: Where the statements ``server`` are.
    """
    if any(each.value().lower() in _NO for each in names_in(body, "notify")[:1]):
        return ()
    for statement in names_in(body, "also-notify")[:1]:
        peers = Servers(outcome.statements, scope).notified(statement)
        lost = without_key(peers, names_of(outcome.secrets))
        return tuple(peer for peer in peers if peer not in lost)
    return ()


def _unlike(scope: Sequence[Statement], body: Sequence[Statement]) -> list[Statement]:
    """Return the statements of ``scope`` that ``body`` says nothing of."""
    said = {statement.name for statement in body}
    return [statement for statement in scope if statement.name not in said]
