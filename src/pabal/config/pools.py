"""The tables [dns.pool.NAME] of pabal.toml: weighted and probed address sets."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Final

from pabal.base.errors import OperatorError
from pabal.config.peers import check_zone_name
from pabal.config.section import BadValueError, Section
from pabal.dns.server.probe import PROBE_FORM, parse_probe
from pabal.dns.settings import PoolSettings

POOL: Final = "dns.pool."
"""What the name of such a table begins with."""

EXAMPLE: Final = f"{POOL}NAME"
"""The table in the manual."""

WEIGHT_MAX: Final = 1000
"""Larger ones say nothing that smaller ones cannot."""

_DAY_S: Final = 86_400


def pools_in(tables: Iterable[str]) -> list[str]:
    """Return which of ``tables`` are pools, in their order."""
    return [table for table in tables if table.startswith(POOL) and table != POOL]


def read_pools(sections: Mapping[str, Section]) -> tuple[PoolSettings, ...]:
    """Return the pools in ``sections``, in their order."""
    return tuple(
        _pool(table.removeprefix(POOL), sections[table]) for table in pools_in(sections)
    )


def _pool(name: str, section: Section) -> PoolSettings:
    return PoolSettings(
        name,
        section.texts(
            "names", (), check_zone_name, "The names whose A and AAAA sets these are."
        ),
        section.texts(
            "weights",
            (),
            _check_weight,
            "ADDRESS WEIGHT each: how often it stands first, compared with others;"
            " 0: never; without one: 1.",
        ),
        section.text(
            "probe",
            "",
            "What shows that a host is well: tcp:PORT, http:PORT/PATH, https:PORT/PATH;"
            " empty: nobody is asked.",
            _check_probe,
        ),
        section.integer("interval", 10, 1, _DAY_S, "Seconds from probe to probe."),
        section.integer("timeout", 3, 1, 60, "Seconds until a probe has failed."),
        section.integer("fall", 3, 1, 100, "Failures in a row that take a host out."),
        section.integer("rise", 2, 1, 100, "Successes in a row that put it back."),
        section.integer("ttl", 60, 1, _DAY_S, "Longest TTL of the answers, seconds."),
    )


def _check_weight(text: str) -> None:
    address, _, number = text.partition(" ")
    try:
        ipaddress.ip_address(address)
        is_right = number.isascii() and 0 <= int(number) <= WEIGHT_MAX
    except ValueError:
        is_right = False
    if not is_right:
        hint = f'like "192.0.2.1 3", the weight from 0 to {WEIGHT_MAX}'
        raise BadValueError(f"{text!r} is no address with a weight", hint)


def _check_probe(text: str) -> None:
    if not text:
        return
    try:
        parse_probe(text)
    except OperatorError as error:
        raise BadValueError(f"{text!r} is no probe", PROBE_FORM) from error
