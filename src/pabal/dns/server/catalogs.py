"""Catalogs that are followed: which zones to copy besides those of the configuration.

Source: RFC 9432 §5.2 (members that clash), §5.3 (members that go), §5.4 (members that
begin anew), §4.3.2.1 (change of ownership), §4.3.2.2 (groups).
Security: a catalog decides which zones are copied, but never takes the place of a zone
that is ours, of one that the configuration copies, or of another catalog's.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import dns.name

from pabal.base.atomic import write_file
from pabal.base.log import Log
from pabal.dns.wire.rrset import name_octets, name_of
from pabal.dns.zone.catalog import CatalogError, Member, read_catalog
from pabal.dns.zone.tree import Zone

MEMBERS_FILE: Final = ".members"
"""In the directory of copies: which of them came by which catalog."""

log = Log("dns")


@dataclass(frozen=True, slots=True)
class Listed:
    """A zone that is copied because a catalog lists it."""

    catalog: bytes
    label: bytes
    groups: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Turnover:
    """What a look at the catalogs found.

    Attributes:
        added: Zones to copy, perhaps by other servers than before, and who lists each.
        removed: Zones to forget, with their copies.
    """

    added: Mapping[dns.name.Name, Listed]
    removed: Sequence[dns.name.Name]


@dataclass(slots=True)
class Catalogs:
    """The members of all catalogs.

    Attributes:
        names: The catalogs that are followed.
        directory: Where the copies are.
        is_taken: Says whether a zone is there already by other means.
    """

    names: Sequence[dns.name.Name]
    directory: Path
    is_taken: Callable[[dns.name.Name], bool]
    _listed: dict[bytes, Listed] = field(default_factory=dict)
    _seen: dict[bytes, Zone] = field(default_factory=dict)

    def restore(self) -> Mapping[dns.name.Name, Listed]:
        """Return the members known when the server last ran, and who lists them.

        What a catalog that is no longer followed listed is not among them: the next
        ``look`` removes it.
        """
        try:
            text = (self.directory / MEMBERS_FILE).read_text(encoding="utf-8")
            found = json.loads(text)
            self._listed = {
                bytes.fromhex(name): Listed(
                    bytes.fromhex(catalog),
                    bytes.fromhex(label),
                    tuple(map(bytes.fromhex, groups)),
                )
                for name, (catalog, label, *groups) in found.items()
            }
        except (OSError, ValueError, TypeError, AttributeError):
            # The catalogs themselves say it again; only what went meanwhile stays.
            self._listed = {}
        followed = self._followed()
        return {
            name_of(name): listed
            for name, listed in self._listed.items()
            if listed.catalog in followed
        }

    def look(self, zone_of: Callable[[dns.name.Name], Zone | None]) -> Turnover:
        """Compare the catalogs, as ``zone_of`` returns them, with what is copied."""
        added: dict[bytes, Listed] = {}
        followed = self._followed()
        removed = [
            name for name, each in self._listed.items() if each.catalog not in followed
        ]
        for catalog in followed:
            zone = zone_of(name_of(catalog))
            if zone is None or self._seen.get(catalog) is zone:
                continue
            self._seen[catalog] = zone
            try:
                members = read_catalog(zone)
            except CatalogError as error:
                log.warning("catalog not used", catalog=_text(catalog), why=str(error))
                continue
            removed += self._gone(catalog, members)
            added |= self._new(catalog, members)
        for name in removed:
            del self._listed[name]
        self._listed |= added
        return Turnover(
            {name_of(name): each for name, each in added.items()},
            [name_of(name) for name in removed],
        )

    def save(self) -> None:
        """Remember the members for the next start; raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        found = {
            name.hex(): [each.catalog.hex(), each.label.hex(), *_hex(each.groups)]
            for name, each in self._listed.items()
        }
        write_file(self.directory / MEMBERS_FILE, json.dumps(found).encode())

    def _followed(self) -> list[bytes]:
        return [name_octets(name).lower() for name in self.names]

    def _gone(self, catalog: bytes, members: Mapping[bytes, Member]) -> list[bytes]:
        """Return the zones that go: not listed any more, begun anew, handed over."""
        return [
            name
            for name, each in self._listed.items()
            if each.catalog == catalog
            and (name not in members or members[name].label != each.label)
        ]

    def _new(
        self, catalog: bytes, members: Mapping[bytes, Member]
    ) -> dict[bytes, Listed]:
        found = {}
        for name, member in members.items():
            listed = self._listed.get(name)
            coming = Listed(catalog, member.label, member.groups)
            if listed == coming:
                continue
            mine = listed is not None and listed.catalog == catalog
            if not mine and not self._may_have(catalog, name, listed):
                log.warning(
                    "a catalog lists a zone that is another's",
                    catalog=_text(catalog),
                    zone=_text(name),
                )
                continue
            found[name] = coming
        return found

    def _may_have(self, catalog: bytes, name: bytes, listed: Listed | None) -> bool:
        if listed is None:
            return not self.is_taken(name_of(name))
        before = self._seen.get(listed.catalog)
        try:
            given = {} if before is None else read_catalog(before)
        except CatalogError:
            return False
        # RFC 9432 §4.3.2.1: both catalogs have to say so.
        return name in given and given[name].new_owner == catalog


def _hex(groups: Sequence[bytes]) -> list[str]:
    return [group.hex() for group in groups]


def _text(name: bytes) -> str:
    return str(name_of(name))
