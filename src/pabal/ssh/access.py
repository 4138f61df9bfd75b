"""Who may come in: the account a user name means, and whether a key is its.

Sans-IO, but for the directory, which answers at once.
Security: a name that means nobody and one that means somebody without that key get the
same answer.
"""

import hmac
from dataclasses import dataclass
from typing import Final

from pabal.directory.ports import Account
from pabal.directory.publickey import fingerprint
from pabal.ssh.ports import Accounts, Keys
from pabal.ssh.settings import ConsoleSettings

NAME_MAX_CHARACTERS: Final = 320
"""Longest address (RFC 5321 §4.5.3.1): a longer name is nobody's."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who proved to be an administrator.

    Attributes:
        account: Whose.
        proof: How: ``password``, or the fingerprint of the key.
    """

    account: Account
    proof: str


@dataclass(frozen=True, slots=True)
class Access:
    """The administrators and their keys."""

    accounts: Accounts
    keys: Keys
    settings: ConsoleSettings

    def administrator(self, user: str) -> Account | None:
        """Return whom ``user`` means, if it may log in.

        The address, or what stands before its ``@`` where no two administrators have
        the same.
        """
        if not user or len(user) > NAME_MAX_CHARACTERS:
            return None
        wanted = user.casefold()
        named = [
            address
            for address in self.settings.administrators
            if wanted in {address.casefold(), address.rpartition("@")[0].casefold()}
        ]
        if len(named) != 1:
            return None
        account = self.accounts.account_of(named[0])
        return account if account is not None and account.enabled else None

    def by_key(self, user: str, blob: bytes) -> Visitor | None:
        """Return who comes with the public key ``blob``, if it is one of theirs."""
        account = self.administrator(user)
        if account is None:
            return None
        for key in self.keys.public_keys(account.id):
            if hmac.compare_digest(key.blob, blob):
                return Visitor(account, fingerprint(blob))
        return None
