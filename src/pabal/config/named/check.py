"""Every mistake in a named.conf, in what it includes and in its zones.

Sans-IO: files come through a port, zones are checked by a callback.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pabal.config.named.definitions import Definitions
from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.lexer import Kind
from pabal.config.named.loops import acl_loops
from pabal.config.named.parser import Parsed, parse
from pabal.config.named.ports import Files
from pabal.config.named.zones import Zone, ZoneChecks
from pabal.config.problem import Problem

CheckZone = Callable[[str, str, str], Sequence[Problem]]
"""Returns what is wrong with a master file.

It gets the zone's name, the path of the file, and where relative paths start from.
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check.

    Attributes:
        zones: Those of the configuration, whether or not they are right.
        problems: All of them, file by file from the top.
        files: How many files were looked at.
    """

    parsed: Parsed
    zones: list[Zone]
    problems: list[Problem]
    files: int

    @property
    def is_good(self) -> bool:
        """Whether nothing but warnings was found."""
        return all(problem.warning for problem in self.problems)


def check(
    file: str, text: str, files: Files, check_zone: CheckZone | None = None
) -> Checked:
    """Return every mistake of a configuration; never raises.

    Args:
        file: How the configuration is called in problems; paths relative to it.
        text: What is in it.
        files: Reads what it names.
        check_zone: Checks a master file of class IN; ``None``: nobody does.
    """
    parsed = parse(file, text, files)
    zones = ZoneChecks(parsed.statements)
    definitions = Definitions(parsed.statements)
    found = [*parsed.problems, *definitions.problems, *zones.run()]
    found += definitions.unresolved(parsed.references)
    found += _forwarding(parsed.statements)
    found += _orders(parsed.statements)
    found += _tls(parsed.statements)
    found += acl_loops(parsed.statements, parsed.references)
    found += _missing_files(zones.zones, parsed)
    found, count = _in_order(found, file), parsed.reading.count
    if check_zone is not None:
        in_files, read = _zone_files(zones.zones, parsed, check_zone)
        found, count = found + in_files, count + read
    return Checked(parsed, zones.zones, found, count)


def path_of(zone: Zone, parsed: Parsed) -> str:
    """Return where the file of a zone is; empty: it has none."""
    return parsed.reading.locate(zone.file.text) if zone.file is not None else ""


def _in_order(problems: Sequence[Problem], main: str) -> list[Problem]:
    """Return problems without repeats, file by file in the order they are read."""
    ranks = {main: 0}
    for problem in problems:
        ranks.setdefault(problem.file, len(ranks))
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda p: (ranks[p.file], p.span.line, p.span.column))


def _options(statements: Sequence[Statement]) -> Iterator[list[Statement]]:
    for statement in names_in(statements, "options"):
        yield statement.body()


def _forwarding(statements: Sequence[Statement]) -> Iterator[Problem]:
    """Yield `forward` in options and views where nobody is named to forward to."""
    everywhere = [names_in(body, "forwarders") for body in _options(statements)]
    bodies = list(_options(statements))
    bodies += [view.body() for view in names_in(statements, "view")]
    for body in bodies:
        forward = names_in(body, "forward")
        if forward and not any(everywhere) and not names_in(body, "forwarders"):
            token = forward[0].token
            yield token.problem("`forward` without `forwarders`", "add forwarders")


def _orders(statements: Sequence[Statement]) -> Iterator[Problem]:
    """Yield lists of orders that fit some sets only: the others stand still then."""
    bodies = list(_options(statements))
    bodies += [view.body() for view in names_in(statements, "view")]
    for body in bodies:
        for orders in names_in(body, "rrset-order"):
            if orders.body() and not any(e.name == "order" for e in orders.body()):
                reason = "sets of records that no line here fits are not turned at all"
                yield orders.token.problem(
                    reason, "add `order random;` as the last line", warning=True
                )


def _tls(statements: Sequence[Statement]) -> Iterator[Problem]:
    for tls in names_in(statements, "tls"):
        pair = [tls.find("cert-file"), tls.find("key-file")]
        if pair.count(None) == 1:
            missing = "cert-file" if pair[0] is None else "key-file"
            reason = "`cert-file` and `key-file` belong together"
            yield tls.token.problem(reason, f"add `{missing}`")


def _missing_files(zones: Sequence[Zone], parsed: Parsed) -> Iterator[Problem]:
    for zone in zones:
        path = path_of(zone, parsed)
        if zone.file is None or zone.type not in {"primary", "hint"}:
            continue
        if zone.file.kind is not Kind.TEXT:
            continue  # it lacks quotes: reported
        if not parsed.reading.files.exists(path):
            reason = f"the file `{path}` of the zone `{zone.name.text}` does not exist"
            hint = parsed.reading.near(path, zone.file.text)
            hint = hint or "make it, or correct its name"
            yield zone.file.problem(reason, hint, warning=True)


def _zone_files(
    zones: Sequence[Zone], parsed: Parsed, check_zone: CheckZone
) -> tuple[list[Problem], int]:
    """Return what is wrong with the files of zones, and how many were read."""
    found: list[Problem] = []
    done: set[tuple[str, str]] = set()
    for zone in zones:
        path = path_of(zone, parsed)
        if zone.type != "primary" or zone.file is None or (zone.origin, path) in done:
            continue
        if not zone.is_internet or zone.is_raw:
            continue
        if parsed.reading.files.exists(path):
            done.add((zone.origin, path))
            found += check_zone(zone.origin, path, parsed.reading.base)
    return found, len(done)
