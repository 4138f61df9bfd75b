"""The emails of one account, in memory.

Sans-IO.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pabal.base.clock import Clock
from pabal.message.facts import MessageFacts, scan_facts
from pabal.store.matching import FactKind
from pabal.store.ports import (
    BLOB_CHUNK_OCTETS,
    Column,
    EmailId,
    Fact,
    NewEmail,
    Row,
)
from pabal.store.threads import ThreadKey, thread_keys

_MINUTE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Email:
    """An immutable message and what is known of it."""

    octets: bytes
    facts: MessageFacts
    received_at: float
    thread_id: int

    def column(self, column: Column) -> Fact:
        """Return one fact."""
        facts = self.facts
        values: dict[Column, Fact] = {
            Column.SIZE: facts.size,
            Column.RECEIVED: self.received_at,
            Column.SENT: facts.sent_at,
            Column.THREAD: self.thread_id,
            Column.ENVELOPE: facts.envelope,
            Column.BODY: facts.body,
            Column.BODYSTRUCTURE: facts.bodystructure,
            Column.HEADER: self.octets[: facts.header_length],
            Column.BASE_SUBJECT: facts.base_subject,
            Column.IN_REPLY_TO: facts.in_reply_to,
            Column.ANCESTORS: " ".join(facts.references),
            Column.MESSAGE_ID: facts.message_id,
            Column.PREVIEW: facts.preview,
            Column.OCTETS: self.octets if facts.size <= BLOB_CHUNK_OCTETS else None,
        }
        return values[column]

    def number(self, kind: FactKind) -> float | None:
        """Return what a predicate compares; SAVED is not an email's but an entry's."""
        if kind is FactKind.SIZE:
            return self.facts.size
        if kind is FactKind.RECEIVED:
            return self.received_at
        if kind is FactKind.THREAD:
            return self.thread_id
        if self.facts.sent_at is None:
            return None
        return self.facts.sent_at + self.facts.sent_offset * _MINUTE_SECONDS


class Emails:
    """Emails by id. One that no entry holds can still be read for a while.

    A session that was not told of an expunge yet may fetch it (RFC 2180 §4.1).

    Args (of the constructor):
        keep_expunged_s: How long that is, seconds.
    """

    def __init__(self, clock: Clock, keep_expunged_s: float) -> None:
        self.last_id: EmailId = 0
        self._clock = clock
        self._keep_expunged_s = keep_expunged_s
        self._emails: dict[EmailId, Email] = {}
        self._holders: Counter[EmailId] = Counter()
        self._threads: dict[ThreadKey, int] = {}
        self._orphans: dict[EmailId, float] = {}

    def get(self, email_id: EmailId) -> Email | None:
        """Return the email, ``None`` if it is gone."""
        return self._emails.get(email_id)

    def add(self, new: NewEmail) -> EmailId:
        """Take in a message, held once."""
        self._purge()
        octets = new.spool.octets()
        facts = scan_facts(octets)
        self.last_id += 1
        keys = thread_keys(facts)
        threads = [self._threads[key] for key in keys if key in self._threads]
        thread = threads[0] if threads else self.last_id
        for key in keys:
            self._threads.setdefault(key, thread)
        email = Email(octets, facts, new.received_at, thread)
        self._emails[self.last_id] = email
        self._holders[self.last_id] = 1
        return self.last_id

    def hold(self, emails: Sequence[EmailId]) -> None:
        """Count one more holder of each."""
        self._holders.update(emails)

    def release(self, emails: Sequence[EmailId]) -> None:
        """Count one holder less of each."""
        self._holders.subtract(emails)
        now = self._clock.now()
        for email in emails:
            if self._holders[email] <= 0:
                self._orphans[email] = now
        self._purge()

    def size(self, emails: Sequence[EmailId]) -> int:
        """Return how many octets ``emails`` have together."""
        return sum(self._emails[email].facts.size for email in emails)

    def row(self, email_id: EmailId, columns: Sequence[Column]) -> Row | None:
        """Return the ``columns`` of an email, ``None`` if it is gone."""
        email = self._emails.get(email_id)
        if email is None:
            return None
        return tuple(email.column(column) for column in columns)

    def orphans(self) -> Sequence[EmailId]:
        """Return the emails that are kept though nobody holds them."""
        self._purge()
        return [email for email in self._orphans if self._holders[email] <= 0]

    def discard(self, before: float) -> int:
        """Forget emails nobody has held since ``before``; return how many."""
        count = 0
        for email, then in list(self._orphans.items()):
            if then <= before:
                del self._orphans[email]
                if self._holders[email] <= 0:
                    count += 1
                    del self._holders[email], self._emails[email]
        return count

    def _purge(self) -> None:
        self.discard(self._clock.now() - self._keep_expunged_s)
