"""Messages on their way: some at a time, with their digests."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from pabal.migration.ports import Folder, Letter, Listed, Source
from pabal.migration.report import DIGEST_OCTETS
from pabal.migration.source import SLICE, SLICE_OCTETS
from pabal.store.ports import AccountStore, Column, EmailId

READ_BACK_AT_ONCE: Final = 32
"""Messages read back in one go."""


@dataclass(slots=True)
class Batch:
    """Messages that are read and not written yet."""

    letters: list[Letter] = field(default_factory=list)
    octets: int = 0

    @property
    def full(self) -> bool:
        """Whether it is time to write them."""
        return len(self.letters) >= SLICE or self.octets >= SLICE_OCTETS

    def add(self, letter: Letter) -> None:
        """Take in a message."""
        self.letters.append(letter)
        self.octets += letter.spool.size

    def first(self, count: int) -> "Batch":
        """Return the first ``count`` of them; they stay with this one, which closes."""
        letters = self.letters[:count]
        return Batch(letters, sum(letter.spool.size for letter in letters))

    async def digests(self) -> list[bytes]:
        """Return a digest of the octets of each."""
        return await asyncio.to_thread(
            lambda: [_digest(letter) for letter in self.letters]
        )

    def close(self) -> None:
        """Give back what they hold."""
        for letter in self.letters:
            letter.spool.close()


async def batches(
    source: Source, folder: Folder, wanted: Sequence[Listed]
) -> AsyncIterator[Batch]:
    """Yield ``wanted``, in batches that are closed after their use."""
    batch = Batch()
    try:
        async for letter in source.letters(folder, wanted):
            batch.add(letter)
            if batch.full:
                yield batch
                batch.close()
                batch = Batch()
        if batch.letters:
            yield batch
    finally:
        batch.close()


async def stored_digests(
    account: AccountStore, emails: Sequence[EmailId]
) -> list[bytes]:
    """Return a digest of the octets of each email; empty for one that is gone."""
    found = []
    for start in range(0, len(emails), READ_BACK_AT_ONCE):
        some = emails[start : start + READ_BACK_AT_ONCE]
        rows = await account.read(some, (Column.SIZE, Column.OCTETS))
        for email, row in zip(some, rows, strict=True):
            running = hashlib.blake2b(digest_size=DIGEST_OCTETS)
            if row is None:
                found.append(b"")
                continue
            if isinstance(row[1], bytes):
                running.update(row[1])
            else:
                async for piece in account.octets(email):
                    running.update(piece)
            found.append(running.digest())
    return found


def _digest(letter: Letter) -> bytes:
    running = hashlib.blake2b(digest_size=DIGEST_OCTETS)
    for chunk in letter.spool.chunks():
        running.update(chunk)
    return running.digest()
