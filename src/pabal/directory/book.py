"""The directory: every rule, over rows kept anywhere.

Cost: an answer given before is one dictionary look-up; whether anybody changed
anything is asked of the tables four times a second.
Security: what strangers ask is remembered up to a bound, then forgotten as a whole.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from pabal.base.clock import Clock
from pabal.directory.credential import (
    Credential,
    HashCost,
    PasswordError,
    make_credential,
)
from pabal.directory.ports import (
    NO_QUOTA,
    Account,
    Alias,
    DirectoryError,
    Quota,
    Resolution,
    Route,
    Rows,
    Tables,
)
from pabal.directory.resolution import resolve
from pabal.message.address import AddressError, Mailbox, domain_to_ascii

VERSION_CHECK_S: Final = 0.25
"""How often the tables are asked for changes: well within the second promised."""

ANSWERS_MAX: Final = 50_000
"""Resolutions remembered: 10,000 accounts, their aliases, and what strangers try."""

TARGETS_MAX: Final = 1_000
"""Most targets of one alias: beyond that it is a mailing list's work."""


class Book:
    """Implements ``Directory``, ``DirectoryAdmin`` and ``Credentials``.

    Args (of the constructor):
        tables: Where the rows are; closed with the book.
        clock: For how old an answer is.
        cost: What a new password's hash costs.
    """

    def __init__(
        self, tables: Tables, clock: Clock, cost: HashCost | None = None
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._cost = cost or HashCost()
        self._answers: dict[Mailbox, Resolution] = {}
        self._credentials: dict[int, Credential | None] = {}
        self._quotas: dict[int, Quota] = {}
        self._version = tables.version()
        self._fresh_until = 0.0

    def is_hosted(self, domain: str) -> bool:
        """Whether ``domain`` (any form) is one of ours."""
        try:
            return self._tables.rows.hosts(domain_to_ascii(domain))
        except AddressError:
            return False

    def resolve(self, address: Mailbox) -> Resolution:
        """Return where mail for ``address`` goes: account, alias, catch-all."""
        if self._clock.monotonic() >= self._fresh_until:
            self._refresh()
        answer = self._answers.get(address)
        if answer is None:
            answer = resolve(self._tables.rows, address)
            if len(self._answers) >= ANSWERS_MAX:
                self._answers.clear()
            self._answers[address] = answer
        return answer

    def account(self, account_id: int) -> Account | None:
        """Return the account, if there is one."""
        return self._tables.rows.account(account_id)

    def account_of(self, address: str) -> Account | None:
        """Return the account whose main address this is."""
        try:
            canonical = Mailbox.parse(address).canonical
        except AddressError:
            return None
        return self._tables.rows.account_at(canonical)

    def quota(self, account_id: int) -> Quota:
        """Return what the account may have; ``NO_QUOTA`` itself if that is no limit."""
        if self._clock.monotonic() >= self._fresh_until:
            self._refresh()
        found = self._quotas.get(account_id)
        if found is None:
            account = self._tables.rows.account(account_id)
            found = NO_QUOTA
            if account and (account.quota_octets or account.quota_messages):
                found = Quota(account.quota_octets, account.quota_messages)
            if len(self._quotas) >= ANSWERS_MAX:
                self._quotas.clear()
            self._quotas[account_id] = found
        return found

    def may_send_as(self, account_id: int, address: Mailbox) -> bool:
        """Whether the account may use ``address`` as sender.

        Whoever gets the mail for an address may write from it.
        """
        targets = self.resolve(address).targets
        return any(
            t.route is Route.LOCAL and t.account_id == account_id for t in targets
        )

    def domains(self) -> Sequence[str]:
        """Return the hosted domains, A-labels, sorted."""
        return self._tables.rows.domains()

    def credential(self, account_id: int) -> Credential | None:
        """Return what is kept of the account's password."""
        if self._clock.monotonic() >= self._fresh_until:
            self._refresh()
        if account_id not in self._credentials:
            found = self._tables.rows.credential(account_id)
            if len(self._credentials) >= ANSWERS_MAX:
                self._credentials.clear()
            self._credentials[account_id] = found
        return self._credentials[account_id]

    @property
    def cost(self) -> HashCost:
        """What a hash costs here."""
        return self._cost

    @property
    def secret(self) -> bytes:
        """A random key of this directory that never changes."""
        return self._tables.secret

    def add_domain(self, domain: str) -> None:
        """Host ``domain``."""
        name = _domain(domain)
        with self._change() as rows:
            if rows.hosts(name):
                raise DirectoryError(f"{name} is hosted already.")
            rows.add_domain(name)

    def remove_domain(self, domain: str) -> None:
        """Host it no longer, nor any alias in it; refused while accounts are left."""
        name = _domain(domain)
        with self._change() as rows:
            _need_domain(rows, name)
            count = rows.accounts_in(name)
            if count:
                raise DirectoryError(
                    f"{name} still has {count} account{'s' * (count > 1)}:"
                    " remove them first."
                )
            rows.remove_domain(name)

    def add_account(self, address: Mailbox, password: str) -> Account:
        """Create an account; its domain must be hosted. Slow: hashes the password."""
        self.check_new_account(address)
        return self.put_accounts([(address, self._hash(password))])[0]

    def check_new_account(self, address: Mailbox) -> None:
        """Raise ``DirectoryError`` if there can be no account of that address."""
        _check_new_account(self._tables.rows, address)

    def put_accounts(
        self, new: Sequence[tuple[Mailbox, Credential]], quota: Quota = NO_QUOTA
    ) -> list[Account]:
        """Create accounts, all or none, for whom hashes were made already."""
        accounts = []
        with self._change() as rows:
            for address, credential in new:
                _check_new_account(rows, address)
                account = rows.add_account(address.canonical)
                rows.set_credential(account.id, credential)
                if quota is not NO_QUOTA:
                    account = replace(
                        account,
                        quota_octets=quota.octets,
                        quota_messages=quota.messages,
                    )
                    rows.update_account(account)
                accounts.append(account)
        return accounts

    def set_password(self, address: str, password: str) -> None:
        """Replace the password. Slow: hashes it."""
        canonical = _mailbox(address).canonical
        _need_account(self._tables.rows, canonical)
        credential = self._hash(password)
        with self._change() as rows:
            rows.set_credential(_need_account(rows, canonical).id, credential)

    def change_account(
        self,
        address: str,
        *,
        enabled: bool | None = None,
        quota_octets: int | None = None,
        quota_messages: int | None = None,
    ) -> Account:
        """Change what is given; return the account as it is now."""
        canonical = _mailbox(address).canonical
        if min(quota_octets or 0, quota_messages or 0) < 0:
            raise DirectoryError("A quota is not negative; 0 means no limit.")
        with self._change() as rows:
            account = _need_account(rows, canonical)
            if enabled is not None:
                account = replace(account, enabled=enabled)
            if quota_octets is not None:
                account = replace(account, quota_octets=quota_octets)
            if quota_messages is not None:
                account = replace(account, quota_messages=quota_messages)
            rows.update_account(account)
        return account

    def remove_account(self, address: str) -> Account:
        """Remove the account; its mailboxes are the caller's to remove."""
        canonical = _mailbox(address).canonical
        with self._change() as rows:
            account = _need_account(rows, canonical)
            rows.remove_account(account.id)
        return account

    def accounts(self) -> Sequence[Account]:
        """Return every account by address."""
        return self._tables.rows.accounts()

    def add_alias(self, address: str, targets: Sequence[str]) -> None:
        """Let ``address`` (or ``@domain``) stand for ``targets`` too."""
        canonical, domain = _alias_address(address)
        added = [_mailbox(target) for target in targets]
        if not added:
            raise DirectoryError(f"{canonical} needs at least one target.")
        if any(target.canonical == canonical for target in added):
            raise DirectoryError(f"{canonical} cannot stand for itself.")
        with self._change() as rows:
            _need_domain(rows, domain)
            if rows.account_at(canonical):
                raise DirectoryError(
                    f"{canonical} is an account: mail for it goes there,"
                    " an alias of that name would never be asked."
                )
            wanted = dict.fromkeys((*rows.targets_at(canonical), *map(str, added)))
            if len(wanted) > TARGETS_MAX:
                raise DirectoryError(f"{canonical}: more than {TARGETS_MAX} targets.")
            rows.set_targets(canonical, tuple(wanted))

    def remove_alias(self, address: str) -> None:
        """Remove the alias and all its targets."""
        canonical, _ = _alias_address(address)
        with self._change() as rows:
            if not rows.targets_at(canonical):
                raise DirectoryError(f"There is no alias {canonical}.")
            rows.set_targets(canonical, ())

    def aliases(self) -> Sequence[Alias]:
        """Return every alias by address."""
        return self._tables.rows.aliases()

    def close(self) -> None:
        """Let go of the tables."""
        self._tables.close()

    def _hash(self, password: str) -> Credential:
        try:
            return make_credential(password, self._cost)
        except PasswordError as error:
            raise DirectoryError(f"{error}.".capitalize()) from error

    @contextmanager
    def _change(self) -> Iterator[Rows]:
        try:
            with self._tables.transaction() as rows:
                yield rows
        finally:
            self._forget()

    def _refresh(self) -> None:
        """Forget every answer if anybody changed anything."""
        version = self._tables.version()
        if version != self._version:
            self._version = version
            self._forget()
        self._fresh_until = self._clock.monotonic() + VERSION_CHECK_S

    def _forget(self) -> None:
        # New dictionaries: an answer being worked out on another thread must not
        # find its way into the fresh ones.
        self._answers = {}
        self._credentials = {}
        self._quotas = {}


def _mailbox(text: str) -> Mailbox:
    try:
        return Mailbox.parse(text)
    except AddressError as error:
        raise DirectoryError(f"{text!r} is not an address: {error}.") from error


def _domain(text: str) -> str:
    try:
        return domain_to_ascii(text)
    except AddressError as error:
        raise DirectoryError(f"{text!r} is not a domain: {error}.") from error


def _alias_address(text: str) -> tuple[str, str]:
    """Return the canonical address of an alias or catch-all, and its domain."""
    if text.startswith("@"):
        domain = _domain(text[1:])
        return f"@{domain}", domain
    mailbox = _mailbox(text)
    return mailbox.canonical, mailbox.ascii_domain


def _need_domain(rows: Rows, domain: str) -> None:
    if not rows.hosts(domain):
        raise DirectoryError(f"{domain} is not hosted here: add the domain first.")


def _need_account(rows: Rows, canonical: str) -> Account:
    account = rows.account_at(canonical)
    if account is None:
        raise DirectoryError(f"There is no account {canonical}.")
    return account


def _check_new_account(rows: Rows, address: Mailbox) -> None:
    canonical = address.canonical
    _need_domain(rows, address.ascii_domain)
    if rows.account_at(canonical):
        raise DirectoryError(f"There is an account {canonical} already.")
    if rows.targets_at(canonical):
        raise DirectoryError(
            f"{canonical} is an alias: remove it first, or mail would stop going there."
        )
