"""The tables [dns.zone.ZONE] and [dns.view.NAME.zone.ZONE] of pabal.toml.

What holds for a single zone in the place of what [dns] or its view says, as in BIND.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from pabal.config.peers import PeerChecks, check_zone_name
from pabal.config.section import BadValueError, Section
from pabal.config.views import NOTHING, VIEW
from pabal.dns.settings import ZoneSettings

ZONE: Final = "dns.zone."
"""What the name of such a table begins with."""

OF_VIEW: Final = ".zone."
"""What is between the name of a view and a zone of it."""

EXAMPLE: Final = f"{ZONE}ZONE"
"""The table in the manual."""


def zone_lists_in(tables: Iterable[str]) -> list[str]:
    """Return which of ``tables`` are about a zone, in their order."""
    names = list(tables)
    return [table for table in names if _place(table, names) is not None]


def read_zone_lists(
    sections: Mapping[str, Section], keys: Collection[str] = ()
) -> tuple[ZoneSettings, ...]:
    """Return what ``sections`` say of single zones, in their order.

    Args:
        keys: The names of the keys there are.
    """
    checks = PeerChecks(keys)
    found = []
    for table in zone_lists_in(sections):
        place = _place(table, sections)
        if place is not None:
            found.append(_zone(*place, sections[table], checks))
    return tuple(found)


def _place(table: str, tables: Collection[str]) -> tuple[str, str] | None:
    """Return view and zone a table is about; ``None``: it is about none."""
    view, zone = "", table.removeprefix(ZONE)
    if table.startswith(VIEW):
        head, _, zone = table.partition(OF_VIEW)
        view = head.removeprefix(VIEW)
        if head not in tables or not zone:
            return None
    elif not table.startswith(ZONE) or not zone:
        return None
    try:
        check_zone_name(zone)
    except BadValueError:
        return None
    return view, zone.lower().removesuffix(".") or "."


def _zone(view: str, zone: str, section: Section, checks: PeerChecks) -> ZoneSettings:
    def notified(text: str) -> None:
        if text != NOTHING:
            checks.peer(text)

    return ZoneSettings(
        zone,
        view,
        section.access(
            "allow_query",
            (),
            checks.client,
            "Who may ask about this zone, whatever [dns] says; empty: as there.",
        ),
        section.access(
            "allow_transfer",
            (),
            checks.client,
            "Who may have this zone as a whole, whatever [dns] says; empty: as there.",
        ),
        section.texts(
            "notify",
            (),
            notified,
            "Secondaries that are told of changes of this zone, and no others:"
            " ADDRESS[:PORT] [key NAME]; none: nobody; empty: as in [dns].",
        ),
    )
