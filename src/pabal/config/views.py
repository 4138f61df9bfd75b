"""The tables [dns.view.NAME] of pabal.toml: split horizon."""

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pabal.config.acls import holds_everybody
from pabal.config.peers import (
    PeerChecks,
    check_dns64,
    check_forward_zone,
    check_policy_zone,
    check_stub_zone,
    check_zone_name,
    is_server,
)
from pabal.config.section import BadValueError, Check, Section
from pabal.dns.settings import NO_EXCHANGE, ViewExchange

VIEW: Final = "dns.view."
"""What the name of such a table begins with."""

ONLY: Final = "only"
FIRST: Final = "first"
FORWARD: Final = (ONLY, FIRST)
ABOUT_FORWARD: Final = (
    "Whether what no forwarder answers is looked for from the root: first, then it is."
)

NOTHING: Final = "none"
"""Where a view could have what [dns] says: it has none of it."""

EXAMPLE: Final = f"{VIEW}NAME"
"""The table in the manual."""


@dataclass(frozen=True, slots=True)
class ViewResolver:
    """What of [dns.view.NAME] is about names elsewhere.

    Attributes:
        forwarders: Empty: as in [dns]; ``none`` alone: nobody, the root is asked.
        forward_zones: Likewise; ``none`` alone: there are none.
        stub_zones: Likewise.
        policy_zones: Likewise.
        dns64: Empty: as in [dns]; ``none``: none.
        forward: ``only`` or ``first``; empty: as in [dns].
    """

    forwarders: tuple[str, ...] = ()
    forward_zones: tuple[str, ...] = ()
    stub_zones: tuple[str, ...] = ()
    policy_zones: tuple[str, ...] = ()
    dns64: str = ""
    forward: str = ""


@dataclass(frozen=True, slots=True)
class ViewClients:
    """Who is in a view: whoever fits all of it.

    Attributes:
        clients: By address and key.
        destinations: Our addresses that are asked; empty: any.
        recursive_only: Whether only questions that want recursion count.
    """

    clients: tuple[str, ...]
    destinations: tuple[str, ...] = ()
    recursive_only: bool = False


@dataclass(frozen=True, slots=True)
class ViewSection:
    """[dns.view.NAME].

    Attributes:
        name: NAME.
        who: Who sees it.
        zones: A directory, absolute; empty: none.
        without: Common zones that they do not see.
        addresses: What derived records say; empty: what everybody is told.
        allow_query: Empty: as in [dns].
        allow_recursion: Empty: as in [dns].
        resolver: Where it asks, and what clients get of it.
        exchange: What other servers have to do with it.
    """

    name: str
    who: ViewClients
    zones: str = ""
    without: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    allow_query: tuple[str, ...] = ()
    allow_recursion: tuple[str, ...] = ()
    resolver: ViewResolver = ViewResolver()
    exchange: ViewExchange = NO_EXCHANGE


def views_in(tables: Iterable[str]) -> list[str]:
    """Return which of ``tables`` are views, in their order."""
    return [
        table
        for table in tables
        if table.startswith(VIEW) and table != VIEW and ".zone." not in table
    ]


def read_views(
    sections: Mapping[str, Section], keys: Collection[str] = ()
) -> tuple[ViewSection, ...]:
    """Return the views in ``sections``, in their order.

    Args:
        keys: The names of the keys there are.
    """
    checks = PeerChecks(keys)
    return tuple(
        _view(table.removeprefix(VIEW), sections[table], checks)
        for table in views_in(sections)
    )


def _view(name: str, section: Section, checks: PeerChecks) -> ViewSection:
    who = _who(section, checks)
    is_for_everybody = any(map(holds_everybody, who.clients))

    def check_recursion(text: str) -> None:
        if is_for_everybody:
            _check_not_everybody(text)
        checks.client(text)

    return ViewSection(
        name,
        who,
        section.path(
            "zones",
            "",
            "Files that differ for them, DOMAIN.zone each: with an SOA a whole zone;"
            " without one each set in it takes the place of the common one.",
        ),
        section.texts(
            "without",
            (),
            check_zone_name,
            "Zones of everybody that they do not see: for them those are elsewhere.",
        ),
        section.texts(
            "addresses",
            (),
            _check_address,
            "This host's addresses as derived records tell them.",
        ),
        section.access(
            "allow_query",
            (),
            checks.client,
            "Who of them may ask about our zones; empty: as in [dns].",
        ),
        section.access(
            "allow_recursion",
            (),
            check_recursion,
            "Who of them may ask about everything else; empty: as in [dns].",
        ),
        _resolver(section),
        _exchange(section, checks),
    )


def _who(section: Section, checks: PeerChecks) -> ViewClients:
    return ViewClients(
        section.access(
            "clients",
            ("none",),
            checks.client,
            'Who sees this view: networks, and "key NAME" for what is signed with it'
            " (TSIG); the first element that fits decides, and the first view.",
        ),
        section.access(
            "destinations",
            (),
            checks.address,
            "Only who asks these addresses of this server; empty: whichever.",
        ),
        section.boolean(
            "recursive_only",
            default=False,
            about="Only questions that want an answer from elsewhere, too (RD).",
        ),
    )


def _resolver(section: Section) -> ViewResolver:
    return ViewResolver(
        section.texts(
            "forwarders",
            (),
            _or_nothing(_check_server),
            "As in [dns], for them instead; none: the root is asked.",
        ),
        section.texts(
            "forward_zones",
            (),
            _or_nothing(check_forward_zone),
            "As in [dns], for them instead; none: there are none.",
        ),
        section.texts(
            "stub_zones",
            (),
            _or_nothing(check_stub_zone),
            "As in [dns], for them instead; none: there are none.",
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
            _or_nothing(check_dns64),
        ),
        section.choice("forward", "", ("", *FORWARD), "As in [dns], for them instead."),
    )


def _exchange(section: Section, checks: PeerChecks) -> ViewExchange:
    return ViewExchange(
        section.texts(
            "secondary",
            (),
            checks.secondary,
            "Zones copied from other servers, for them alone: ZONE ADDRESS[:PORT] [key"
            " NAME] [tls NAME].",
        ),
        section.texts(
            "notify",
            (),
            checks.peer,
            "Secondaries that are told of changes of what they see: ADDRESS[:PORT] [key"
            " NAME].",
        ),
        section.access(
            "allow_transfer",
            (),
            checks.client,
            "Who of them may have whole zones, as they are for them; empty: as in"
            " [dns].",
        ),
        section.texts(
            "allow_update",
            (),
            checks.update,
            "As in [dns], for whole zones and copies of this view.",
        ),
    )


def _or_nothing(check: Check) -> Check:
    """Return a check that has nothing against ``none`` either."""

    def either(text: str) -> None:
        if text != NOTHING:
            check(text)

    return either


def _check_server(text: str) -> None:
    if not is_server(text):
        raise BadValueError(f"{text!r} is not an address", 'like "9.9.9.9"')


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
