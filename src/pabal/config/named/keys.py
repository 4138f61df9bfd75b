"""The TSIG keys of a named.conf, as pabal's file of keys has them.

Sans-IO. Security: what is returned holds secrets; no note or problem does.
"""

from collections.abc import Collection, Iterable
from typing import Final

from pabal.config.named.grammar import Statement
from pabal.config.peers import check_key, key_name
from pabal.config.section import BadValueError

KEYS_FILE: Final = "tsig.keys"
"""Where the keys go, beside pabal.toml."""

UNUSABLE: Final = (
    "its algorithm is too weak: make one with `tsig-keygen -a hmac-sha256` for both"
    " sides, and add it to keys_file"
)


def key_text(statement: Statement) -> str:
    """Return ``ALGORITHM:NAME:SECRET`` of a ``key`` statement; empty: pabal takes none.

    A digest cut short (``hmac-sha256-128``) is none of pabal's either.
    """
    algorithm, secret = statement.find("algorithm"), statement.find("secret")
    if algorithm is None or secret is None:
        return ""
    text = f"{algorithm.value().lower()}:{statement.value()}:{secret.value()}"
    try:
        check_key(text)
    except BadValueError:
        return ""
    return text


def names_of(texts: Iterable[str]) -> frozenset[str]:
    """Return the names of keys, lower-case."""
    return frozenset(map(key_name, texts))


def without_key(elements: Iterable[str], known: Collection[str]) -> list[str]:
    """Return those of ``elements`` that name a key pabal does not have."""
    found = []
    for element in elements:
        words = element.removeprefix("!").split()
        named = words[words.index("key") + 1 :][:1] if "key" in words else []
        if any(name.lower().removesuffix(".") not in known for name in named):
            found.append(element)
    return found
