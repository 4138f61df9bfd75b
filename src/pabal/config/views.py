"""The tables [dns.view.NAME] of pabal.toml: split horizon."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pabal.config.acls import holds_everybody
from pabal.config.peers import check_dns64, check_policy_zone
from pabal.config.section import BadValueError, Section

VIEW: Final = "dns.view."
"""What the name of such a table begins with."""

NOTHING: Final = "none"
"""Where a view could have what [dns] says: it has none of it."""

EXAMPLE: Final = f"{VIEW}NAME"
"""The table in the manual."""


@dataclass(frozen=True, slots=True)
class ViewSection:
    """[dns.view.NAME].

    Attributes:
        name: NAME.
        clients: Who sees it.
        zones: A directory, absolute; empty: none.
        addresses: What derived records say; empty: what everybody is told.
        allow_recursion: Empty: as in [dns].
        policy_zones: Empty: as in [dns]; ``none`` alone: none.
        dns64: Empty: as in [dns]; ``none``: none.
    """

    name: str
    clients: tuple[str, ...]
    zones: str
    addresses: tuple[str, ...]
    allow_recursion: tuple[str, ...]
    policy_zones: tuple[str, ...] = ()
    dns64: str = ""


def views_in(tables: Iterable[str]) -> list[str]:
    """Return which of ``tables`` are views, in their order."""
    return [table for table in tables if table.startswith(VIEW) and table != VIEW]


def read_views(sections: Mapping[str, Section]) -> tuple[ViewSection, ...]:
    """Return the views in ``sections``, in their order."""
    return tuple(
        _view(table.removeprefix(VIEW), sections[table]) for table in views_in(sections)
    )


def _view(name: str, section: Section) -> ViewSection:
    clients = section.networks(
        "clients", ("none",), "Who sees this view; the first view that fits counts."
    )
    is_for_everybody = any(map(holds_everybody, clients))
    return ViewSection(
        name,
        clients,
        section.path(
            "zones",
            "",
            "Files that differ for them, DOMAIN.zone each: with an SOA a whole zone;"
            " without one each set in it takes the place of the common one.",
        ),
        section.texts(
            "addresses",
            (),
            _check_address,
            "This host's addresses as derived records tell them.",
        ),
        section.networks(
            "allow_recursion",
            (),
            "Who of them may ask about everything else; empty: as in [dns].",
            _check_not_everybody if is_for_everybody else None,
        ),
        section.texts(
            "policy_zones",
            (),
            check_policy_zone,
            "As in [dns], for them instead; none: their answers are left alone.",
        ),
        section.text(
            "dns64",
            "",
            "As in [dns], for them instead; none: no addresses are made.",
            _check_dns64,
        ),
    )


def _check_dns64(text: str) -> None:
    if text != NOTHING:
        check_dns64(text)


def _check_not_everybody(text: str) -> None:
    if holds_everybody(text):
        raise BadValueError(
            "anybody could use this resolver, also against others",
            "leave it out here; [dns] says who may, and open_resolver that it is meant",
        )


def _check_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError as error:
        raise BadValueError(
            f"{text!r} is not an address", 'like "10.0.0.25"'
        ) from error
