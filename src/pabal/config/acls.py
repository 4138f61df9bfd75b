"""The tables [dns.acl.NAME] of pabal.toml: lists of networks and keys with a name.

As in BIND: a list may stand in another one, also behind ``!``; what a list excludes it
does not hold, and whoever uses it looks at the next element then.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from pabal.config.peers import EVERY_KEY, PeerChecks
from pabal.config.section import ACL_WORDS, Section
from pabal.net.interfaces import Own

ACL: Final = "dns.acl."
"""What the name of such a table begins with."""

EXAMPLE: Final = f"{ACL}NAME"
"""The table in the manual."""


_WORDS: Final = re.compile(r"!?[^\s;{}!]+")
"""The elements of a list."""

KEY: Final = re.compile(r"!?\s*key\s")
"""How an element begins that is a key."""

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
    elements = section.access(
        "networks",
        (),
        PeerChecks(EVERY_KEY).client,
        'Networks, "key NAME" for what is signed with it (TSIG), and lists that stand'
        " before this one in the file; `!` in front excludes; the first that fits"
        " decides.",
    )
    return "{" + "; ".join(elements or ("none",)) + "}"


def check_keys(sections: Mapping[str, Section], keys: Collection[str]) -> None:
    """Report what lists say of keys that are not among ``keys``, by their names.

    The lists are read before the keys, which stand in another table.
    """
    checks = PeerChecks(keys)

    def check(text: str) -> None:
        if KEY.match(text):
            checks.client(text)

    for table in acls_in(sections):
        sections[table].texts("networks", (), check, "")


def built_in(own: Own) -> dict[str, str]:
    """Return the lists every configuration has besides ``any`` and ``none``.

    Args:
        own: The addresses and networks of this machine.
    """
    return {
        "localhost": "{" + "; ".join(own.addresses) + "}",
        "localnets": "{" + "; ".join(own.networks) + "}",
    }


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
