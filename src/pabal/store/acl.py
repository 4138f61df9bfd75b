"""Who may do what with a mailbox: access control lists, kept among its annotations.

Sans-IO. An entry is an annotation no client can name, so it goes with its mailbox and
its changes are told like others. Accounts are named by id: who gets the address of
somebody who left does not get their rights.
Source: RFC 4314 §2 (rights, identifiers, negative rights).
"""

from collections.abc import Mapping
from typing import Final

from pabal.store.flags import EVERY_FLAG, FlagScope
from pabal.store.ports import AccountId

PREFIX: Final = "acl:"
"""What names of entries begin with; annotations of clients begin with a slash."""

ANYONE: Final = "anyone"
"""Everybody who can log in (RFC 4314 §2)."""

NEGATIVE: Final = "-"
"""Before an identifier: rights it does not have, whatever else says so."""

RIGHTS: Final = "lrswipkxtea"
"""Every right, in the order they are told."""

Rights = frozenset[str]
"""Some of them."""

ALL_RIGHTS: Final[Rights] = frozenset(RIGHTS)
"""What an account has in its own mailboxes, always."""

NO_RIGHTS: Final[Rights] = frozenset()

Acl = Mapping[str, Rights]
"""Rights by identifier: the id of an account, or ``ANYONE``; may be ``NEGATIVE``."""


def read(annotations: Mapping[str, bytes]) -> dict[str, Rights]:
    """Return the access control list among the annotations of a mailbox."""
    return {
        name.removeprefix(PREFIX): frozenset(value.decode("ascii"))
        for name, value in annotations.items()
        if name.startswith(PREFIX)
    }


def written(identifier: str, rights: Rights) -> dict[str, bytes | None]:
    """Return the annotation of an entry; one without rights is removed."""
    octets = "".join(sorted(rights, key=RIGHTS.index)).encode("ascii")
    return {PREFIX + identifier: octets or None}


def identifiers(account_id: AccountId) -> tuple[str, str]:
    """Return what an account is called in lists."""
    return str(account_id), ANYONE


def rights_of(acl: Acl, account_id: AccountId) -> Rights:
    """Return what an account, not the owner, may do: what is given but not taken."""
    given, taken = NO_RIGHTS, NO_RIGHTS
    for identifier in identifiers(account_id):
        given |= acl.get(identifier, NO_RIGHTS)
        taken |= acl.get(NEGATIVE + identifier, NO_RIGHTS)
    return given - taken


def shared_with(acl: Acl) -> frozenset[str]:
    """Return the identifiers that are given anything."""
    return frozenset(one for one in acl if not one.startswith(NEGATIVE))


def scope(rights: Rights) -> FlagScope:
    """Return the flags that may be changed (RFC 4314 §2.1: s, t, w)."""
    if rights is ALL_RIGHTS:
        return EVERY_FLAG  # one's own mailbox; adding flags up takes microseconds
    found = FlagScope(0)
    if "s" in rights:
        found |= FlagScope.SEEN
    if "t" in rights:
        found |= FlagScope.DELETED
    if "w" in rights:
        found |= FlagScope.OTHERS
    return found
