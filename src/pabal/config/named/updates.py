"""Who may change zones: ``allow-update`` and ``update-policy`` as pabal has them.

Sans-IO. Both become rules of ``allow_update``. What cannot be said in them is told;
nothing becomes wider than it was.
Security: pabal knows a client by its key alone; an address proves nothing over UDP.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import dns.exception
import dns.name

from pabal.config.named.elsewhere import Noting
from pabal.config.named.grammar import Braces, Statement, names_in
from pabal.config.named.lexer import Kind, Token
from pabal.config.named.transfers import DEPTH_MAX
from pabal.config.named.zones import Zone
from pabal.config.peers import PeerChecks
from pabal.config.section import BadValueError

NAMES: Final = ("allow-update", "update-policy")

_BY_KEY: Final = (
    "an address proves nothing over UDP; pabal wants a key: make one with"
    " `tsig-keygen`, add it to keys_file and a rule to allow_update"
)

_LOCAL: Final = (
    "BIND makes a key for `nsupdate -l` at each start; pabal does not: make one with"
    " `tsig-keygen`, add it to keys_file and a rule to allow_update"
)

_KIND: Final = (
    "pabal has no such rule: only zonesub, name, subdomain, wildcard, self, selfsub"
    " and selfwild of keys"
)

_KINDS: Final = frozenset(
    ("zonesub", "name", "subdomain", "wildcard", "self", "selfsub", "selfwild")
)

_BEHIND: Final = (
    "its journal has changes that its file may lack: `rndc sync -clean` and stop BIND"
    " before you import, then import anew"
)


class _CannotError(Exception):
    """A rule cannot be said in ours."""


@dataclass(slots=True)
class Updates:
    """Collects the rules.

    Attributes:
        known: The keys of [dns]; without ``allow_update`` nothing is taken.
        statements: All of the configuration.
        note: Takes what there is to say.
        keys: Names of the keys that were taken over, lower-case.
        table: Where they go in pabal.toml.
        rules: Lines of ``allow_update``.
    """

    known: frozenset[str]
    statements: Sequence[Statement]
    note: Noting
    keys: frozenset[str]
    table: str = "dns"
    rules: list[str] = field(default_factory=list)

    def zone(self, zone: Zone, *, has_journal: bool) -> tuple[str, ...]:
        """Take who may change a zone; return the names of what was taken."""
        if "allow_update" not in self.known:
            return ()
        before = len(self.rules)
        own = [names_in(zone.statement.body(), name)[:1] for name in NAMES]
        if any(own):
            for statement in (each for found in own for each in found):
                self._statement(zone, statement)
        else:
            for statement in self._inherited(zone):
                self._statement(zone, statement)
        if has_journal:
            self.note(zone.name, f"zone {zone.name.text}: journal", _BEHIND)
        if len(self.rules) > before:
            what = f"zone {zone.name.text}: who may change it"
            self.note(zone.name, what, f"allow_update in [{self.table}]", taken=True)
        return NAMES

    def _inherited(self, zone: Zone) -> list[Statement]:
        """Return what holds for a zone that says nothing itself."""
        views = [
            view
            for view in names_in(self.statements, "view")
            if zone.view and view.value() == zone.view
        ]
        for scope in (*views, *names_in(self.statements, "options")):
            found = names_in(scope.body(), "allow-update")
            if found:
                return found[:1]
        return []

    def _statement(self, zone: Zone, statement: Statement) -> None:
        if statement.name == "allow-update":
            self._allowed(zone, statement)
        elif statement.has_body:
            self._policy(zone, statement)
        else:
            self.note(statement.token, f"zone {zone.name.text}: local", _LOCAL)

    # allow-update

    def _allowed(self, zone: Zone, statement: Statement) -> None:
        """Take the keys of a list; the first element that fits a client decides."""
        what = f"zone {zone.name.text}: allow-update"
        acls = {acl.value().lower(): acl for acl in names_in(self.statements, "acl")}
        refused: set[str] = set()
        for token, text, negated in _elements(statement.body(), acls, 0):
            if text == "none" and not negated:
                continue
            key = text.removeprefix("key ")
            if key == text:
                if negated:
                    why = (
                        "who is kept out by address cannot be told from who has a"
                        " key: nothing behind it is taken over"
                    )
                    self.note(token, f"{what}: !{text}", why)
                    return
                self.note(token, f"{what}: {text}", _BY_KEY)
            elif negated:
                refused.add(key.lower())
            elif key.lower() not in refused:
                try:
                    self._add(f"{zone.origin} key {key} zonesub ANY")
                except _CannotError as error:
                    self.note(token, f"{what}: {text}", str(error))

    # update-policy

    def _policy(self, zone: Zone, statement: Statement) -> None:
        """Take rules in their order."""
        for element in statement.body():
            words = [part.text for part in element.parts if isinstance(part, Token)]
            what = f"zone {zone.name.text}: {' '.join(words)}"
            try:
                for rule in self._rules(zone, words):
                    self._add(rule)
            except _CannotError as error:
                self.note(element.token, what, str(error))
                if element.name == "deny" and self._of(words[1:2]):
                    why = "without this rule those behind it would allow more"
                    self.note(element.token, f"{what}, and what follows", why)
                    return

    def _of(self, identity: Sequence[str]) -> list[str]:
        """Return the keys taken over that an identity means; it may be a wildcard."""
        return [
            key for key in sorted(self.keys) if identity and _fits(identity[0], key)
        ]

    def _rules(self, zone: Zone, words: Sequence[str]) -> Iterator[str]:
        """Yield what ``grant|deny IDENTITY KIND [NAME] [TYPE …]`` becomes."""
        if len(words) < 3:
            raise _CannotError(_KIND)
        mode, identity, kind = words[0].lower(), words[1], words[2].lower()
        if kind not in _KINDS:
            raise _CannotError(_KIND)
        rest = list(words[3:])
        # BIND wants a name here, but for zonesub; for the `self` kinds it says nothing.
        about = rest.pop(0) if kind != "zonesub" and rest else ""
        types = [word.partition("(")[0] for word in rest]
        keys = self._of([identity])
        if not keys:
            raise _CannotError("its key was not taken over")
        for key in keys:
            if kind in {"self", "selfsub", "selfwild"} and not _below(key, zone.origin):
                continue
            told = (
                [kind, about] if kind in {"name", "subdomain", "wildcard"} else [kind]
            )
            if kind == "selfwild":
                told = ["wildcard", f"*.{key}"]
            sign = ["deny"] if mode == "deny" else []
            yield " ".join([zone.origin, *sign, "key", key, *told, *types])
        if types and any("(" in word for word in rest):
            raise _CannotError("without the number of records: pabal does not count")

    def _add(self, rule: str) -> None:
        """Take ``rule``.

        Raises:
            _CannotError: It is none of ours; says why.
        """
        try:
            PeerChecks(self.keys).update(rule)
        except BadValueError as error:
            if "there is no key" in str(error) or " key " not in rule:
                raise _CannotError("its key was not taken over") from error
            raise _CannotError(str(error)) from error
        self.rules.append(rule)


def _elements(
    items: Sequence[Statement], acls: Mapping[str, Statement], depth: int
) -> Iterator[tuple[Token, str, bool]]:
    """Yield token, text and whether ``!`` is before it, of a list and lists within."""
    for item in items:
        signs = [p for p in item.parts if isinstance(p, Token) and p.kind is Kind.NOT]
        rest = item.parts[len(signs) :]
        negated = len(signs) % 2 == 1
        first = rest[0] if rest else None
        inner: Sequence[Statement] | None = None
        text = "{ … }"
        if isinstance(first, Braces):
            inner = first.items
        elif first is not None:
            text = first.text
            if text.lower() == "key" and len(rest) > 1 and isinstance(rest[1], Token):
                text = f"key {rest[1].text}"
            elif text.lower() in acls:
                inner = acls[text.lower()].body()
        if inner is not None and not negated and depth < DEPTH_MAX:
            yield from _elements(inner, acls, depth + 1)
        else:
            yield item.token, text, negated


def _name(text: str) -> dns.name.Name:
    try:
        return dns.name.from_text(text)
    except (dns.exception.DNSException, ValueError) as error:
        raise _CannotError(f"{text} is no name") from error


def _fits(identity: str, key: str) -> bool:
    """Return whether ``identity``, perhaps a wildcard, means ``key``."""
    if identity.startswith("*"):
        above = _name(identity.removeprefix("*").removeprefix(".") or ".")
        return _name(key) != above and _below(key, above.to_text())
    return bool(_name(identity) == _name(key))


def _below(name: str, origin: str) -> bool:
    return bool(_name(name).is_subdomain(_name(origin)))
