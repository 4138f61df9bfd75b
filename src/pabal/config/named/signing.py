"""What a ``dnssec-policy`` of BIND comes to in pabal: the words of one command.

Sans-IO. Source: BIND 9.18, dnssec-policy (its built-in ``default``, TTLs and ISO 8601
durations).
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pabal.config.named.grammar import Statement, names_in

DAY_S: Final = 86_400

BUILT_IN: Final = "default"
UNSIGNED: Final = frozenset(("none", "insecure", ""))

_ALGORITHMS: Final[Mapping[str, str]] = MappingProxyType(
    {"13": "", "ecdsap256sha256": "", "15": "ED25519", "ed25519": "ED25519"}
)
"""What ``--algorithm`` is told; nothing for the one pabal takes by itself."""

_DURATION: Final = re.compile(
    r"p?(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)w)?(?:(\d+)d)?"
    r"(?:t?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?)?",
    re.IGNORECASE,
)
_UNITS_S: Final = (365 * DAY_S, 31 * DAY_S, 7 * DAY_S, DAY_S, 3600, 60, 1)

KEYS_FIRST: Final = (
    "sign on with BIND's keys by `pabal zone dnssec {zone} import K….private` before"
    " the switch, or the DS at the parent makes validating resolvers refuse the domain"
)


def told_of(zone: str, policy: Statement, statements: Sequence[Statement]) -> str:
    """Return how the owner of ``zone`` goes on with ``policy``, its statement.

    Args:
        statements: All of the configuration.
    """
    name = policy.value().lower()
    if name in UNSIGNED:
        return "the zone is not signed, and pabal signs none unasked"
    words = [f"pabal zone dnssec {zone} enable"]
    for found in names_in(statements, "dnssec-policy"):
        if found.value().lower() == name and name != BUILT_IN:
            strange = _strange(found)
            if strange:
                return (
                    f"pabal does not sign with {strange}: let BIND change to"
                    " ecdsap256sha256 or ed25519 before the switch"
                )
            words += _options(found)
    return f"{KEYS_FIRST.format(zone=zone)}; then `{' '.join(words)}`"


def _keys(policy: Statement) -> Mapping[str, Statement]:
    keys = policy.find("keys")
    return {} if keys is None else {each.name: each for each in keys.body()}


def _strange(policy: Statement) -> str:
    """Return an algorithm of ``policy`` that pabal does not sign with, if any."""
    for key in _keys(policy).values():
        name = key.option("algorithm").lower()
        if name and name not in _ALGORITHMS:
            return name
    return ""


def _options(policy: Statement) -> list[str]:
    keys = _keys(policy)
    words: list[str] = []
    for key in keys.values():
        said = _ALGORITHMS.get(key.option("algorithm").lower(), "")
        if said and said not in words:
            words += ["--algorithm", said]
    if "zsk" in keys:
        words.append("--split")
    if policy.find("nsec3param") is not None:
        words.append("--nsec3")
    for role, option in (("zsk", "--zsk-lifetime"), ("ksk", "--ksk-lifetime"),
                         ("csk", "--ksk-lifetime")):  # fmt: skip
        if role in keys:
            words += [option, str(days_of(keys[role].option("lifetime")))]
    return words


def days_of(text: str) -> int:
    """Return a duration in whole days, at least one; 0: without end."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        return 0
    seconds = sum(
        int(count or 0) * unit
        for count, unit in zip(found.groups(), _UNITS_S, strict=True)
    )
    return max(1, round(seconds / DAY_S)) if seconds else 0
