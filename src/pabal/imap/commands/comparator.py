"""COMPARATOR: how SEARCH, SORT and THREAD compare; there is one way.

Source: RFC 5255 §4.7-§4.9; RFC 4790 §3.2 (patterns).
"""

from fnmatch import fnmatchcase
from typing import Final

from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.wire.login import Comparators
from pabal.imap.wire.response import Tagged

COMPARATOR: Final = "i;unicode-casemap"
"""The one every server of level 1 and 2 has, and the default (RFC 5255 §4.4)."""

DEFAULT: Final = "default"


async def run(context: Context, command: Comparators) -> Tagged:
    """Tell the comparator, or take the first of those wanted that there is."""
    if command.patterns and not any(map(_matches, command.patterns)):
        raise RefusedError("No such comparator", b"BADCOMPARATOR")
    context.send(b"* COMPARATOR %b\r\n" % COMPARATOR.encode("ascii"))
    return Tagged(b"Comparator told")


def _matches(octets: bytes) -> bool:
    """Return whether a pattern means the comparator, in ascending order.

    RFC 4790 §3.2: ``*`` stands for any number of characters; a sign in front is the
    order, and nothing here sorts the other way round.
    """
    pattern = octets.decode("ascii", "replace").removeprefix("+").lower()
    if "?" in pattern or "[" in pattern:
        return False  # only the star is special, and no comparator has these
    return pattern == DEFAULT or fnmatchcase(COMPARATOR, pattern)
