"""The zones of a named.conf, and what is wrong with one of them.

Sans-IO.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.name

from pabal.config.named.definitions import place
from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.lexer import Token
from pabal.config.named.schema import ZONE_TYPES
from pabal.config.problem import Problem

CLASSES: Final = ("in", "internet", "ch", "chaos", "hs", "hesiod", "any")

_MODERN: Final = {"master": "primary", "slave": "secondary"}
_NEEDS_FILE: Final = frozenset({"primary", "hint"})
_NEEDS_PRIMARIES: Final = frozenset({"secondary", "stub", "mirror"})
_INSTEAD_OF_FILE: Final = ("file", "database", "dlz")
_UPDATED_BY: Final = ("allow-update", "update-policy")


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone statement.

    Attributes:
        name: As written.
        origin: Canonical, without the last dot; ``.`` is the root.
        type: ``primary``, ``secondary``, …; empty: none was given.
        view: The view it is in; empty: none.
        file: Where its records are; ``None``: not said.
        is_raw: Whether that file is in BIND's own format, not in text.
    """

    name: Token
    origin: str
    type: str
    view: str
    statement: Statement
    file: Token | None
    is_raw: bool

    @property
    def is_internet(self) -> bool:
        """Whether its class is IN."""
        words = [word.text.lower() for word in self.statement.words()[1:2]]
        return not words or words[0] in {"in", "internet"}


def zones_of(statements: Sequence[Statement]) -> list[Zone]:
    """Return every zone, in the order of the files, those of views included."""
    raw = False
    for options in names_in(statements, "options"):
        raw = _is_raw(options, otherwise=raw)
    return list(_zones(statements, "", raw=raw))


def _is_raw(scope: Statement, *, otherwise: bool) -> bool:
    said = scope.find("masterfile-format")
    return said.value().lower() == "raw" if said is not None else otherwise


def _zones(statements: Sequence[Statement], view: str, *, raw: bool) -> Iterator[Zone]:
    for statement in names_in(statements, "zone", "view"):
        words = statement.words()
        if not words:
            continue
        if statement.name == "view":
            inside = _is_raw(statement, otherwise=raw)
            yield from _zones(statement.body(), words[0].text, raw=inside)
            continue
        typed = statement.find("type")
        kind = typed.value().lower() if typed is not None else ""
        file = statement.find("file")
        tokens = file.words() if file is not None else []
        yield Zone(
            words[0],
            origin_of(words[0].text) or words[0].text.lower(),
            _MODERN.get(kind, kind),
            view,
            statement,
            tokens[0] if tokens else None,
            _is_raw(statement, otherwise=raw),
        )


def origin_of(text: str) -> str:
    """Return the canonical name of a zone without its last dot; empty: it is none."""
    if not text:
        return ""
    try:
        name = dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError, ValueError):
        return ""
    return name.canonicalize().to_text(omit_final_dot=name != dns.name.root)


class ZoneChecks:
    """Finds what is wrong with zones, each by itself and all together."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self.zones = zones_of(statements)
        self.problems: list[Problem] = []
        self._has_views = bool(names_in(statements, "view"))

    def run(self) -> list[Problem]:
        """Return every problem."""
        for zone in self.zones:
            self._name(zone)
            self._type(zone)
            self._statements(zone)
        self._twice()
        self._files()
        self._in_views()
        self._outside_views()
        return self.problems

    def _report(self, token: Token, reason: str, suggestion: str = "") -> None:
        self.problems.append(token.problem(reason, suggestion))

    def _name(self, zone: Zone) -> None:
        if not origin_of(zone.name.text):
            reason = f"`{zone.name.text}` is not the name of a zone"
            mended = re.sub(r"\.\.+", ".", zone.name.text.strip()).lstrip(".")
            is_one = mended != zone.name.text and origin_of(mended)
            self._report(zone.name, reason, f"write `{mended}`" if is_one else "")
        elif zone.type == "redirect" and zone.origin != ".":
            self._report(zone.name, "a redirect zone is called `.`")

    def _type(self, zone: Zone) -> None:
        """Check that what the type needs is there."""
        body = zone.statement.body()
        if names_in(body, "in-view"):
            return
        if not zone.type:
            if not names_in(body, "type"):
                reason = f"the zone `{zone.name.text}` has no type"
                self._report(zone.name, reason, f"add `type {_likely(body)};`")
            return
        needed = f"the {zone.type} zone `{zone.name.text}` has no"
        if zone.type in _NEEDS_FILE and not names_in(body, *_INSTEAD_OF_FILE):
            stem = "root" if zone.origin == "." else zone.origin
            self._report(zone.name, f"{needed} file", f'add `file "{stem}.zone";`')
        if (
            zone.type in _NEEDS_PRIMARIES
            and not names_in(body, "primaries", "masters")
            and (zone.type, zone.origin) != ("mirror", ".")
        ):
            self._report(zone.name, f"{needed} primaries", "add `primaries { … };`")
        updated = [names_in(body, name)[:1] for name in _UPDATED_BY]
        if all(updated):
            reason = "`allow-update` is nothing beside `update-policy`"
            self._report(updated[0][0].token, reason, "keep one")
        forward = names_in(body, "forward")
        if forward and not names_in(body, "forwarders"):
            token = forward[0].token
            self._report(token, "`forward` without `forwarders`", "add forwarders")

    def _statements(self, zone: Zone) -> None:
        """Check that the type takes each statement."""
        letter = ZONE_TYPES.get(zone.type, "")
        if names_in(zone.statement.body(), "in-view"):
            letter = "i"
        for statement in zone.statement.body():
            clause = statement.clause
            if clause is None or not clause.zones or not letter:
                continue
            if letter not in clause.zones and statement.name != "type":
                takers = [
                    name
                    for name, each in ZONE_TYPES.items()
                    if each in clause.zones and name not in _MODERN
                ]
                said = f"{zone.type} zones" if zone.type else "zones of another view"
                reason = f"`{clause.name}` is nothing for {said}"
                self._report(statement.token, reason, f"only for {', '.join(takers)}")

    def _twice(self) -> None:
        first: dict[tuple[str, str], Zone] = {}
        for zone in self.zones:
            before = first.setdefault((zone.view, zone.origin), zone)
            if before is not zone:
                reason = (
                    f"the zone `{zone.name.text}` was defined before, in "
                    f"{place(before.name)}"
                )
                self._report(zone.name, reason, "keep one")

    def _files(self) -> None:
        """Check that no two zones write to one file."""
        first: dict[str, Zone] = {}
        for zone in self.zones:
            if zone.file is None:
                continue
            before = first.setdefault(zone.file.text, zone)
            if before is not zone and (_is_written(zone) or _is_written(before)):
                reason = (
                    f"`{zone.file.text}` is the file of the zone `{before.name.text}` "
                    f"as well, in {place(before.name)}"
                )
                self._report(zone.file, reason, "give each a file of its own")

    def _in_views(self) -> None:
        """Check that a view has the zone that another one borrows from it."""
        own = {
            (zone.view.lower(), zone.origin)
            for zone in self.zones
            if zone.statement.find("in-view") is None
        }
        views = {view for view, _ in own}
        for zone in self.zones:
            borrowed = zone.statement.find("in-view")
            words = borrowed.words() if borrowed is not None else []
            for word in words[:1]:
                view = word.text.lower()
                if view in views and (view, zone.origin) not in own:
                    reason = f"the view `{word.text}` has no zone `{zone.name.text}`"
                    self._report(word, reason)

    def _outside_views(self) -> None:
        outside = [zone for zone in self.zones if not zone.view]
        if self._has_views and outside:
            more = f" ({len(outside)} are not)" if outside[1:] else ""
            self._report(
                outside[0].statement.token,
                f"where there are views, every zone is in one{more}",
                "move it into a view",
            )


def _likely(body: Sequence[Statement]) -> str:
    """Return the type that a zone without one seems to be of."""
    if names_in(body, "primaries", "masters"):
        return "secondary"
    return "forward" if names_in(body, "forwarders") else "primary"


def _is_written(zone: Zone) -> bool:
    """Whether the server itself writes the file of a zone."""
    if zone.type == "primary":
        return bool(names_in(zone.statement.body(), *_UPDATED_BY))
    return zone.type in {"secondary", "mirror", "stub"}
