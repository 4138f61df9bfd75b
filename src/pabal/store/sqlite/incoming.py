"""A message on its way into the tables: what is found out before the transaction.

Nothing here touches the database, so a transaction holds its lock only to write.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pabal.message.facts import MessageFacts, scan_facts
from pabal.message.spool import Spool
from pabal.store.flags import Flags
from pabal.store.ports import BLOB_CHUNK_OCTETS, NewEmail
from pabal.store.sqlite.schema import HEADER_ROW_MAX_OCTETS, SPLIT_OCTETS
from pabal.store.threads import ThreadKey, thread_keys

INLINE_MAX_OCTETS: Final = 64 * 1024
"""Messages up to this are scanned on the event loop (below 1 ms), longer on threads."""

FACTS_OCTETS: Final = 4 * 1024
"""What is written of a message besides its octets."""

DIGEST_OCTETS: Final = 16
"""Of BLAKE2b: tells whether stored octets are still those that came."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message with its facts, ready to be written.

    Attributes:
        facts: What a scan found.
        keys: For its thread.
        digest: Of its octets.
        received_at: INTERNALDATE.
        flags: What it starts with.
        octets: All of it, when short; ``None``: read ``spool`` in pieces.
        spool: Where it comes from.
    """

    facts: MessageFacts
    keys: Sequence[ThreadKey]
    digest: bytes
    received_at: float
    flags: Flags
    octets: bytes | None
    spool: Spool

    @property
    def blob_first(self) -> int:
        """Octets of the first chunk."""
        size, header = self.facts.size, self.facts.header_length
        if size <= SPLIT_OCTETS:
            return size
        if header <= HEADER_ROW_MAX_OCTETS:
            return header
        return min(size, BLOB_CHUNK_OCTETS)

    def chunks(self) -> Iterator[bytes]:
        """Yield the octets as they are stored."""
        if self.octets is not None and self.facts.size == self.blob_first:
            yield self.octets
            return
        yield self.spool.read(0, self.blob_first)
        for start in range(self.blob_first, self.facts.size, BLOB_CHUNK_OCTETS):
            yield self.spool.read(start, BLOB_CHUNK_OCTETS)


def is_short(new: NewEmail) -> bool:
    """Return whether ``new`` may be scanned on the event loop."""
    return new.spool.size <= INLINE_MAX_OCTETS


def octets_of(incoming: Sequence[Incoming]) -> int | None:
    """Return how much writing them writes; ``None``: long ones, read from a file."""
    total = 0
    for one in incoming:
        if one.octets is None:
            return None
        total += len(one.octets) + FACTS_OCTETS
    return total


def scan(new: NewEmail) -> Incoming:
    """Return ``new`` with its facts. Cost: linear in its octets."""
    if is_short(new):
        octets = new.spool.octets()
        digest = hashlib.blake2b(octets, digest_size=DIGEST_OCTETS).digest()
        return _incoming(new, scan_facts(octets), digest, octets)
    running = hashlib.blake2b(digest_size=DIGEST_OCTETS)
    with new.spool.buffer() as buffer:
        facts = scan_facts(buffer)
    for chunk in new.spool.chunks():
        running.update(chunk)
    return _incoming(new, facts, running.digest(), None)


def _incoming(
    new: NewEmail, facts: MessageFacts, digest: bytes, octets: bytes | None
) -> Incoming:
    return Incoming(
        facts=facts,
        keys=thread_keys(facts),
        digest=digest,
        received_at=new.received_at,
        flags=new.flags,
        octets=octets,
        spool=new.spool,
    )
