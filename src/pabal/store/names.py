"""Names of mailboxes: what may be one, and which lies below which.

Sans-IO. Names are Unicode text, levels separated by ``/``; how a protocol spells them
on the wire (modified UTF-7, quoting) is the protocol's business.
Source: RFC 9051 §5.1 (mailbox naming), RFC 5198 §2 (NFC).
"""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from pabal.store.ports import INBOX, SEPARATOR, MailboxNameError

NAME_MAX_OCTETS: Final = 1_000
"""Longest name, in UTF-8: fits a command line with room, and no index page."""

LEVELS_MAX: Final = 32
"""Most levels: nobody sorts deeper, and each may cost a parent."""

LOST_SUBSCRIPTIONS_MAX: Final = 1_000
"""Subscribed names without a mailbox: a client in a loop must not fill the table."""

_NAMES_MAX: Final = 1_024
"""Names remembered: clients and deliveries name the same few; at most 2 MB."""

_FORBIDDEN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Controls, surrogates, line and paragraph separators (RFC 9051 §5.1)."""


@lru_cache(maxsize=_NAMES_MAX)
def normalise(name: str) -> str:
    """Return ``name`` as stored: NFC, INBOX in capitals, no separator at its end.

    A separator at the end only announces children (RFC 9051 §6.3.4).

    Raises:
        MailboxNameError: No such name can be; says why.
    """
    name = unicodedata.normalize("NFC", name).removesuffix(SEPARATOR)
    _check(name)
    levels = name.split(SEPARATOR)
    if not all(levels):
        raise MailboxNameError("a level of the name is empty")
    if len(levels) > LEVELS_MAX:
        raise MailboxNameError(f"more than {LEVELS_MAX} levels")
    if levels[0].upper() == INBOX:
        levels[0] = INBOX
    return SEPARATOR.join(levels)


def _check(name: str) -> None:
    if not name:
        raise MailboxNameError("the name is empty")
    if any(unicodedata.category(character) in _FORBIDDEN for character in name):
        raise MailboxNameError("the name holds a control character")
    if len(name.encode()) > NAME_MAX_OCTETS:
        raise MailboxNameError(f"the name is longer than {NAME_MAX_OCTETS} octets")
    if name.startswith("#"):
        # RFC 9051 §5.1: a leading number sign names a namespace, not a mailbox.
        raise MailboxNameError("a name cannot begin with #")


def parents(name: str) -> Sequence[str]:
    """Return the names above ``name``, the highest first."""
    levels = name.split(SEPARATOR)
    return [SEPARATOR.join(levels[:count]) for count in range(1, len(levels))]


def is_below(name: str, parent: str) -> bool:
    """Return whether ``name`` lies below ``parent``, at any depth."""
    return name.startswith(parent + SEPARATOR)


def children(parent: str, names: Iterable[str]) -> Sequence[str]:
    """Return those of ``names`` that lie below ``parent``, at any depth, sorted."""
    return sorted(name for name in names if is_below(name, parent))


def moved(name: str, old: str, new: str) -> str:
    """Return what ``name``, being ``old`` or below it, is called when that is ``new``.

    Raises:
        MailboxNameError: The longer name cannot be.
    """
    return normalise(new + name[len(old) :])
