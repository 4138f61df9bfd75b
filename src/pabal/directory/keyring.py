"""The public keys of accounts, over rows kept anywhere; see ``publickey``.

Nothing is remembered: a key that was removed opens nothing from that moment on.
"""

from collections.abc import Callable, Sequence

from pabal.directory.ports import Account, DirectoryError, PublicKey, Tables
from pabal.message.address import AddressError, Mailbox


class Keyring:
    """Keys with which accounts log in to the console.

    Args (of the constructor):
        tables: Where the rows are.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def public_keys(self, account_id: int) -> Sequence[PublicKey]:
        """Return the keys of an account in the order they were added."""
        return self._tables.rows.public_keys(account_id)

    def change(
        self,
        address: str,
        change: Callable[[Sequence[PublicKey]], Sequence[PublicKey]],
    ) -> Account:
        """Replace the keys of an account by what ``change`` makes of them.

        Raises:
            DirectoryError: There is no such account, or ``change`` refuses.
        """
        try:
            canonical = Mailbox.parse(address).canonical
        except AddressError as error:
            raise DirectoryError(f"{address!r} is not an address: {error}.") from error
        with self._tables.transaction() as rows:
            account = rows.account_at(canonical)
            if account is None:
                raise DirectoryError(f"There is no account {canonical}.")
            keys = change(rows.public_keys(account.id))
            rows.set_public_keys(account.id, keys)
        return account
