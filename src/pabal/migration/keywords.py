"""Flags and keywords of other servers, as they can be here.

Sans-IO.
"""

from typing import Final

from pabal.store.flags import SYSTEM_FLAGS, Flags
from pabal.store.flagtable import KEYWORD_MAX_OCTETS

STAND_IN: Final = "_"
"""In place of a character no keyword can hold."""

_ATOM_SPECIALS: Final = frozenset('(){ %*"\\]')
"""RFC 9051 §9, ``atom-specials``."""


def fit(flags: Flags) -> Flags:
    """Return ``flags`` without those unknown here, odd keywords in another spelling."""
    found = set()
    for flag in flags:
        if flag.startswith("\\"):
            if flag in SYSTEM_FLAGS:
                found.add(flag)
            continue
        kept = "".join(STAND_IN if _odd(one) else one for one in flag)
        found.add(kept[:KEYWORD_MAX_OCTETS])
    return frozenset(found - {""})


def plain(flags: Flags) -> Flags:
    """Return ``flags`` without keywords."""
    return flags & frozenset(SYSTEM_FLAGS)


def changed(before: Flags, now: Flags) -> tuple[Flags, Flags]:
    """Return which flags came and which went; the case of keywords does not count."""
    old = {flag.casefold(): flag for flag in before}
    new = {flag.casefold(): flag for flag in now}
    came = frozenset(flag for folded, flag in new.items() if folded not in old)
    went = frozenset(flag for folded, flag in old.items() if folded not in new)
    return came, went


def _odd(character: str) -> bool:
    return not "!" <= character <= "~" or character in _ATOM_SPECIALS
