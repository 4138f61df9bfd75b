"""What is thrown away in time, in small steps, along with other writes."""

import math
from typing import Final, cast

from pabal.store.ports import MailboxId
from pabal.store.sqlite.ledger import Ledger
from pabal.store.sqlite.messages import bound
from pabal.store.sqlite.schema import BLOB_NUMBER_BITS
from pabal.store.trusted import TrustedTime

KEEP_EXPUNGED_S: Final = 600.0
"""How long the octets of an expunged message stay readable, seconds.

A session that was not told yet may still fetch it (RFC 2180 §4.1).
"""

PURGE_MAX: Final = 200
"""Emails whose octets one transaction takes away: some milliseconds."""

PURGE_MAX_OCTETS: Final = 16 * 1024 * 1024
"""Octets one transaction takes away, unless a single email has more."""

PURGE_EVERY_S: Final = 3_600.0
"""How often it is looked for octets to take away, at least."""

REMOVED_MAX: Final = 100
"""Removed mailboxes whose history one transaction looks at."""

HISTORY_S: Final = 90 * 86_400.0
"""How long it is remembered which UIDs are gone; who was away longer syncs anew."""

FORGET_MAX: Final = 1_000
"""Expunged UIDs of one mailbox that one transaction forgets."""

FORGET_EVERY_S: Final = 3_600.0
"""How often it is looked for history to forget."""


class Housekeeping:
    """Decides what is due; runs inside a transaction that has other work.

    Args (of the constructor):
        keep_expunged_s: How long expunged octets stay, seconds.
        time: What is old by it is thrown away.
    """

    __slots__ = ("_forget_at", "_keep_expunged_s", "_purge_at", "_time")

    def __init__(self, keep_expunged_s: float, time: TrustedTime) -> None:
        self._keep_expunged_s = keep_expunged_s
        self._time = time
        # By the monotonic clock: one that went back must not put them off.
        self._purge_at = -math.inf
        self._forget_at = -math.inf

    def is_due(self) -> bool:
        """Return whether ``run`` has something to look for."""
        return self._time.monotonic() >= min(self._purge_at, self._forget_at)

    def run(self, ledger: Ledger) -> None:
        """Throw away a bounded part of what is due."""
        even, now = self._time.monotonic(), self._time.now()
        if even >= self._purge_at and not purge(ledger, now - self._keep_expunged_s):
            self._purge_at = even + min(self._keep_expunged_s / 10, PURGE_EVERY_S)
        if even >= self._forget_at:
            self._forget_at = even + FORGET_EVERY_S
            for mailbox_id in (*ledger.boxes, *_removed(ledger)):
                forget(ledger, mailbox_id, now - HISTORY_S)


def purge(ledger: Ledger, before: float) -> int:
    """Take away the octets of emails nobody has held since ``before``.

    Some at once; the next transaction goes on.

    Returns:
        How many; 0: there is nothing (more) to take away.
    """
    execute = ledger.connection.execute
    rows = execute(
        "SELECT orphan.email, coalesce(email.size, 0) FROM orphan"
        " LEFT JOIN email ON email.id = orphan.email"
        " WHERE expunged_at <= ? ORDER BY orphan.email LIMIT ?",
        (before, PURGE_MAX),
    ).fetchall()
    emails: list[int] = []
    octets = 0
    for email, size in cast("list[tuple[int, int]]", rows):
        octets += size
        if emails and octets > PURGE_MAX_OCTETS:
            break
        emails.append(email)
        held = execute("SELECT 1 FROM entry WHERE email = ? LIMIT 1", (email,))
        if held.fetchall():
            continue  # brought back meanwhile
        first = email << BLOB_NUMBER_BITS
        last = first | ((1 << BLOB_NUMBER_BITS) - 1)
        execute("DELETE FROM blob WHERE id BETWEEN ? AND ?", (first, last))
        execute("DELETE FROM email WHERE id = ?", (email,))
    if emails:
        execute(
            "DELETE FROM orphan WHERE email IN (SELECT value FROM carray(?))",
            (bound(emails),),
        )
    return len(emails)


def _removed(ledger: Ledger) -> list[MailboxId]:
    """Return some removed mailboxes that have a history still."""
    rows = ledger.connection.execute(
        "SELECT mailbox FROM removed WHERE EXISTS"
        " (SELECT 1 FROM expunged WHERE expunged.mailbox = removed.mailbox) LIMIT ?",
        (REMOVED_MAX,),
    ).fetchall()
    return [cast("int", mailbox) for (mailbox,) in rows]


def forget(ledger: Ledger, mailbox_id: MailboxId, before: float) -> None:
    """Forget which UIDs of a mailbox were expunged ``before`` (seconds since 1970)."""
    execute = ledger.connection.execute
    rows = execute(
        "SELECT max(modseq) FROM (SELECT modseq, expunged_at FROM expunged"
        " WHERE mailbox = ? ORDER BY modseq LIMIT ?) WHERE expunged_at < ?",
        (mailbox_id, FORGET_MAX, before),
    ).fetchall()
    modseq = rows[0][0]
    if modseq is None:
        return
    ledger.flush()
    execute(
        "UPDATE mailbox SET forgotten_modseq = ? WHERE id = ?", (modseq, mailbox_id)
    )
    execute(
        "DELETE FROM uidl WHERE mailbox = ? AND uid IN"
        " (SELECT uid FROM expunged WHERE mailbox = ? AND modseq <= ?)",
        (mailbox_id, mailbox_id, modseq),
    )
    execute(
        "DELETE FROM expunged WHERE mailbox = ? AND modseq <= ?", (mailbox_id, modseq)
    )
