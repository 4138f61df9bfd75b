"""The tables [dns.acl.NAME] of pabal.toml: lists of networks that have a name.

As in BIND: a list may stand in another one, also behind ``!``; what a list excludes it
does not hold, and whoever uses it looks at the next element then.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pabal.config.section import ACL_WORDS, Section

ACL: Final = "dns.acl."
"""What the name of such a table begins with."""

EXAMPLE: Final = f"{ACL}NAME"
"""The table in the manual."""


_WORDS: Final = re.compile(r"!?[^\s;{}!]+")
"""The elements of a list."""

_EVERYBODY: Final = frozenset(("any", "!none", "0.0.0.0/0", "::/0"))


def acls_in(tables: Iterable[str]) -> list[str]:
    """Return which of ``tables`` are lists, in their order."""
    return [
        table
        for table in tables
        if table.startswith(ACL) and table.removeprefix(ACL) not in ("", *ACL_WORDS)
    ]


def read_acl(section: Section) -> str:
    """Return one list as a single element of others: ``{ELEMENT; ELEMENT}``."""
    elements = section.networks(
        "networks",
        (),
        "Networks, and lists that stand before this one in the file; `!` in front"
        " excludes; the first that fits decides.",
    )
    return "{" + "; ".join(elements or ("none",)) + "}"


def holds_everybody(text: str) -> bool:
    """Return whether an element lets everybody in, as far as its words say."""
    if text.startswith("!{"):
        return False
    return not _EVERYBODY.isdisjoint(_WORDS.findall(text))


def read_acls(sections: Mapping[str, Section]) -> dict[str, str]:
    """Return every list of ``sections`` by its name."""
    return {
        table.removeprefix(ACL): read_acl(sections[table])
        for table in acls_in(sections)
    }
