"""The directory in one SQLite database, shared by every process of the server.

Reads are point reads on a connection of their own and never wait for a writer (WAL);
a change is one transaction with one fsync (synchronous=FULL).
"""

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from pabal.base.errors import OperatorError
from pabal.base.sqlite import errors
from pabal.directory.credential import Credential, ScramKeys
from pabal.directory.ports import Account, Alias, PublicKey, Rows

SCHEMA_VERSION: Final = 3
"""Of the tables below; kept in ``user_version``."""

BUSY_TIMEOUT_MS: Final = 5_000
"""How long a change waits for one by another process."""

_PUBLIC_KEYS: Final = """
CREATE TABLE public_key (
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    algorithm TEXT NOT NULL,
    blob BLOB NOT NULL,
    comment TEXT NOT NULL,
    PRIMARY KEY (account_id, position)
) STRICT, WITHOUT ROWID;
"""

_SCHEMA: Final = f"""{_PUBLIC_KEYS}
CREATE TABLE domain (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused
    address TEXT NOT NULL UNIQUE,
    domain TEXT NOT NULL REFERENCES domain (name),
    enabled INTEGER NOT NULL DEFAULT 1,
    quota_octets INTEGER NOT NULL DEFAULT 0,
    quota_messages INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX account_by_domain ON account (domain, id);
CREATE TABLE alias (
    address TEXT NOT NULL,
    position INTEGER NOT NULL,
    target TEXT NOT NULL,
    domain TEXT NOT NULL REFERENCES domain (name),
    PRIMARY KEY (address, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_by_domain ON alias (domain);
CREATE TABLE credential (
    account_id INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    argon2 TEXT NOT NULL,
    scram_salt BLOB NOT NULL,
    scram_iterations INTEGER NOT NULL,
    scram_stored_key BLOB NOT NULL,
    scram_server_key BLOB NOT NULL
) STRICT;
CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""

_UPGRADES: Final = (
    "",
    "ALTER TABLE account ADD COLUMN quota_messages INTEGER NOT NULL DEFAULT 0",
    _PUBLIC_KEYS,
)
"""What makes the tables of version n those of n + 1, at index n."""

_ACCOUNT: Final = (
    "SELECT id, address, enabled, quota_octets, quota_messages FROM account"
)
"""In the order of ``Account``; likewise what an insertion returns."""

Value = int | str | bytes
Cell = int | float | str | bytes | None


class SqliteRows:
    """Rows through one connection, one thread at a time."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()

    def _all(self, sql: str, *values: Value) -> list[tuple[Cell, ...]]:
        with self._lock, errors():
            return self._connection.execute(sql, values).fetchall()

    def hosts(self, domain: str) -> bool:
        """Whether ``domain`` is hosted."""
        return bool(self._all("SELECT 1 FROM domain WHERE name = ?", domain))

    def domains(self) -> Sequence[str]:
        """Return every domain, sorted."""
        return [
            str(name) for (name,) in self._all("SELECT name FROM domain ORDER BY 1")
        ]

    def add_domain(self, domain: str) -> None:
        """Add a domain that is not there."""
        self._all("INSERT INTO domain VALUES (?)", domain)

    def remove_domain(self, domain: str) -> None:
        """Remove a domain and the aliases in it."""
        self._all("DELETE FROM alias WHERE domain = ?", domain)
        self._all("DELETE FROM domain WHERE name = ?", domain)

    def account(self, account_id: int) -> Account | None:
        """Return the account, if there is one."""
        return self._account("WHERE id = ?", account_id)

    def account_at(self, address: str) -> Account | None:
        """Return the account with this main address."""
        return self._account("WHERE address = ?", address)

    def first_account_in(self, domain: str) -> Account | None:
        """Return the oldest enabled account of ``domain``."""
        return self._account("WHERE domain = ? AND enabled ORDER BY id LIMIT 1", domain)

    def accounts(self) -> Sequence[Account]:
        """Return every account by address."""
        return [_to_account(row) for row in self._all(f"{_ACCOUNT} ORDER BY address")]

    def accounts_in(self, domain: str) -> int:
        """Return how many accounts the domain has."""
        rows = self._all("SELECT count(*) FROM account WHERE domain = ?", domain)
        return _integer(rows[0][0])

    def add_account(self, address: str) -> Account:
        """Add an account under an id never used before."""
        rows = self._all(
            "INSERT INTO account (address, domain) VALUES (?, ?)"
            " RETURNING id, address, enabled, quota_octets, quota_messages",
            address,
            _domain_of(address),
        )
        return _to_account(rows[0])

    def update_account(self, account: Account) -> None:
        """Write what may change of an account."""
        self._all(
            "UPDATE account SET enabled = ?, quota_octets = ?, quota_messages = ?"
            " WHERE id = ?",
            account.enabled,
            account.quota_octets,
            account.quota_messages,
            account.id,
        )

    def remove_account(self, account_id: int) -> None:
        """Remove an account and its credential."""
        self._all("DELETE FROM account WHERE id = ?", account_id)

    def targets_at(self, address: str) -> Sequence[str]:
        """Return the targets of the alias; empty if there is none."""
        sql = "SELECT target FROM alias WHERE address = ? ORDER BY position"
        return [str(target) for (target,) in self._all(sql, address)]

    def aliases(self) -> Sequence[Alias]:
        """Return every alias by address."""
        found: dict[str, list[str]] = {}
        sql = "SELECT address, target FROM alias ORDER BY address, position"
        for address, target in self._all(sql):
            found.setdefault(str(address), []).append(str(target))
        return [Alias(address, tuple(targets)) for address, targets in found.items()]

    def set_targets(self, address: str, targets: Sequence[str]) -> None:
        """Replace the targets of an alias; none removes it."""
        self._all("DELETE FROM alias WHERE address = ?", address)
        for position, target in enumerate(targets):
            sql = "INSERT INTO alias VALUES (?, ?, ?, ?)"
            self._all(sql, address, position, target, _domain_of(address))

    def credential(self, account_id: int) -> Credential | None:
        """Return what is kept of the account's password."""
        rows = self._all(
            "SELECT argon2, scram_salt, scram_iterations, scram_stored_key,"
            " scram_server_key FROM credential WHERE account_id = ?",
            account_id,
        )
        for argon2, salt, iterations, stored, server in rows:
            keys = ScramKeys(
                _octets(salt), _integer(iterations), _octets(stored), _octets(server)
            )
            return Credential(str(argon2), keys)
        return None

    def set_credential(self, account_id: int, credential: Credential) -> None:
        """Replace what is kept of the account's password."""
        keys = credential.scram
        self._all(
            "INSERT OR REPLACE INTO credential VALUES (?, ?, ?, ?, ?, ?)",
            account_id,
            credential.argon2,
            keys.salt,
            keys.iterations,
            keys.stored_key,
            keys.server_key,
        )

    def public_keys(self, account_id: int) -> Sequence[PublicKey]:
        """Return the keys of an account in the order they were added."""
        sql = (
            "SELECT algorithm, blob, comment FROM public_key"
            " WHERE account_id = ? ORDER BY position"
        )
        return [
            PublicKey(str(algorithm), _octets(blob), str(comment))
            for algorithm, blob, comment in self._all(sql, account_id)
        ]

    def set_public_keys(self, account_id: int, keys: Sequence[PublicKey]) -> None:
        """Replace the keys of an account."""
        self._all("DELETE FROM public_key WHERE account_id = ?", account_id)
        for position, key in enumerate(keys):
            sql = "INSERT INTO public_key VALUES (?, ?, ?, ?, ?)"
            cells = (account_id, position, key.algorithm, key.blob, key.comment)
            self._all(sql, *cells)

    def data_version(self) -> int:
        """Return a number that changes with any change through other connections."""
        return _integer(self._all("PRAGMA data_version")[0][0])

    def _account(self, where: str, value: Value) -> Account | None:
        rows = self._all(f"{_ACCOUNT} {where}", value)
        return _to_account(rows[0]) if rows else None


class SqliteTables:
    """Implements ``Tables`` on the database at ``path``, made if it is not there.

    Raises:
        OperatorError: The file cannot be opened, is no database, or is newer than we.
    """

    def __init__(self, path: Path) -> None:
        try:
            # Made private before SQLite writes into it: WAL files take its mode over.
            path.touch(mode=0o600)
            self._writer = _open(path)
            _set_up(self._writer, path)
            self._reader = _open(path)
        except (apsw.Error, OSError) as error:
            raise OperatorError(
                f"cannot open the directory {path}: {error}.",
                "Check that the file and its folder belong to the user pabal runs as.",
            ) from error
        self._rows = SqliteRows(self._reader)
        self._changing = threading.Lock()
        row = self._reader.execute("SELECT value FROM secret").fetchone()
        self.secret = _octets(row[0]) if row else b""

    @property
    def rows(self) -> Rows:
        """The rows as they are now."""
        return self._rows

    def version(self) -> int:
        """Return a number that is another one after any change by anybody.

        The reader's ``data_version``: our own writer is another connection to it too.
        """
        return self._rows.data_version()

    @contextmanager
    def transaction(self) -> Iterator[Rows]:
        """Return rows to change, committed when the context ends well."""
        with self._changing:
            with errors():
                self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteRows(self._writer)
                with errors():
                    self._writer.execute("COMMIT")
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")

    def close(self) -> None:
        """Close the database."""
        self._reader.close()
        self._writer.close()


def _open(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.pragma("foreign_keys", "on")
    return connection


def _set_up(connection: apsw.Connection, path: Path) -> None:
    """Make the tables once, whoever of several processes comes first."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.pragma("user_version")
        if version == 0:
            connection.execute(_SCHEMA)
            key = secrets.token_bytes(32)
            connection.execute("INSERT INTO secret VALUES ('directory', ?)", (key,))
        if version < SCHEMA_VERSION:
            for step in range(max(version, 1), SCHEMA_VERSION if version else 0):
                connection.execute(_UPGRADES[step])
            connection.pragma("user_version", SCHEMA_VERSION)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    if version > SCHEMA_VERSION:
        raise OperatorError(
            f"{path} was written by a newer pabal (schema {version}).",
            "Start that version, or restore the backup made before the upgrade.",
        )


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def _to_account(row: tuple[Cell, ...]) -> Account:
    number, address, enabled, octets, messages = row
    return Account(
        _integer(number),
        str(address),
        bool(enabled),
        _integer(octets),
        _integer(messages),
    )


def _integer(value: Cell) -> int:
    return value if isinstance(value, int) else 0


def _octets(value: Cell) -> bytes:
    return value if isinstance(value, bytes) else b""
