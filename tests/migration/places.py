"""Mailboxes of other servers, on disk, for tests."""

import os
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from pabal.store.memory.account import MemoryAccount, MemoryStore
from pabal.store.ports import AccountStore, Column
from tests.store.contract.letters import FakeClock

KOREAN = "회의는 내일입니다."
PLAIN = f"Subject: one\n\n{KOREAN}\n".encode()
DOS = b"Subject: two\r\n\r\nalready\r\n"
ODD = b"Subject: three\r\n\r\nbare \r cr, mixed\nends\r\n\xff\xfe"


def crlf(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def make_maildir(path: Path) -> Path:
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True, exist_ok=True)
    return path


def drop(folder: Path, name: str, octets: bytes, at: float = 1_600_000_000.0) -> Path:
    """Put a message into a folder, ``cur`` if its name has flags."""
    path = folder / ("cur" if ":2," in name else "new") / name
    path.write_bytes(octets)
    os.utime(path, (at, at))
    return path


async def an_account() -> MemoryAccount:
    return await MemoryStore(FakeClock(), keep_expunged_s=600).account(17)


async def seen(
    account: AccountStore, name: str
) -> Sequence[tuple[int, AbstractSet[str], float, bytes]]:
    """Return (UID, flags, INTERNALDATE, octets) of each message of a mailbox."""
    view = await account.view((await account.mailbox(name)).id)
    found = []
    for at, email in enumerate(view.emails):
        octets = b"".join([piece async for piece in account.octets(email)])
        (row,) = await account.read([email], [Column.RECEIVED])
        assert row is not None
        received = row[0]
        assert isinstance(received, float)
        flags = account.flags_of(view.flags[at])
        found.append((view.uids[at], flags, received, octets))
    view.close()
    return found
