"""Who shares mailboxes with whom: one small database beside those of the accounts.

What is allowed is in the owners' own databases; here is only where to look, so what is
too much here does no harm. The file comes into being with the first share.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Final, cast

import apsw

from pabal.base.sqlite import errors
from pabal.store.ports import AccountId

SHARES_FILE: Final = "shares.db"

BUSY_TIMEOUT_MS: Final = 5_000
"""How long a change waits for one by another process."""

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS share (
    identifier TEXT NOT NULL,
    owner INTEGER NOT NULL,
    PRIMARY KEY (identifier, owner)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS share_owner ON share (owner);
"""


class SqliteShares:
    """``pabal.store.ports.Shares`` in one file of all processes.

    Args (of the constructor):
        path: Of the file.
        executor: Where changes are written.
    """

    def __init__(self, path: Path, executor: Executor) -> None:
        self._path = path
        self._executor = executor
        self._reader: apsw.Connection | None = None

    async def owners(self, identifiers: Sequence[str]) -> Sequence[AccountId]:
        """Return the accounts that noted one of ``identifiers``, ascending."""
        if self._reader is None and not self._path.exists():
            return ()
        with errors():
            if self._reader is None:
                self._reader = _open(self._path)
            marks = ",".join("?" * len(identifiers))
            rows = self._reader.execute(
                "SELECT DISTINCT owner FROM share"  # noqa: S608 (question marks only)
                f" WHERE identifier IN ({marks}) ORDER BY owner",
                tuple(identifiers),
            ).fetchall()
        return [owner for (owner,) in cast("list[tuple[int]]", rows)]

    async def note(self, owner: AccountId, identifiers: Collection[str]) -> None:
        """Note with whom ``owner`` shares anything; durable; replaces what was."""
        rows = [(one, owner) for one in sorted(identifiers)]

        def work(connection: apsw.Connection) -> None:
            connection.execute("DELETE FROM share WHERE owner = ?", (owner,))
            connection.executemany("INSERT INTO share VALUES (?, ?)", rows)

        await self._change(work)

    async def forget(self, account_id: AccountId) -> None:
        """Forget an account that is gone, as owner and as friend."""
        if self._path.exists():
            await self._change(
                lambda connection: connection.execute(
                    "DELETE FROM share WHERE owner = ? OR identifier = ?",
                    (account_id, str(account_id)),
                )
            )

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def _change(self, work: Callable[[apsw.Connection], object]) -> None:
        """Do ``work`` in a transaction, on a thread; it is on disk afterwards."""

        def change() -> None:
            with errors():
                self._path.parent.mkdir(parents=True, exist_ok=True)
                connection = _open(self._path)
                try:
                    with connection:
                        work(connection)
                finally:
                    connection.close()

        await asyncio.get_running_loop().run_in_executor(self._executor, change)


def _open(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(_TABLE)
    return connection
