"""From what a host said to what is noted in the queue.

Pure.
"""

from dataclasses import replace
from typing import Final

from pabal.mta.queue.item import (
    AttemptRecord,
    QueuedRecipient,
    QueueItem,
    RecipientState,
)
from pabal.smtp.outcome import Outcome, Permanence, permanent

EXPIRED_STATUS: Final = "4.7"
"""RFC 3463 §3.5: delivery time expired."""


def judge(
    item: QueueItem,
    recipient: QueuedRecipient,
    answer: tuple[Outcome, str],
    now: float,
    retry_at: float,
) -> tuple[AttemptRecord, Outcome]:
    """Return what is noted of an attempt, and its outcome as the sender is told it.

    Args:
        item: The message.
        recipient: Whom the attempt was for.
        answer: What came of it, and which host said so.
        now: Seconds since 1970.
        retry_at: When it would be tried again.
    """
    outcome, host = answer
    next_attempt_at = 0.0
    if outcome.ok:
        state = RecipientState.DONE
    elif outcome.permanence is Permanence.PERMANENT:
        state = RecipientState.BOUNCED
    elif now >= item.expires_at:
        state = RecipientState.BOUNCED
        days = (now - item.created_at) / 86_400
        text = f"could not be delivered for {days:.1f} days; last: {outcome}"
        outcome = permanent(51, EXPIRED_STATUS, text)
    else:
        state = RecipientState.DEFERRED
        # The last attempt is made when the time is over, not after it.
        next_attempt_at = min(retry_at, item.expires_at)
    record = AttemptRecord(
        item_id=item.id,
        number=recipient.number,
        state=state,
        next_attempt_at=next_attempt_at,
        reply=str(outcome),
        host=host,
    )
    return record, outcome


def postponed(record: AttemptRecord, retry_at: float) -> AttemptRecord:
    """Return ``record`` so that it is judged again: its notice was not written."""
    if record.state is not RecipientState.BOUNCED:
        return record
    return replace(record, state=RecipientState.DEFERRED, next_attempt_at=retry_at)


def untried(item: QueueItem, recipient: QueuedRecipient) -> AttemptRecord:
    """Return what ends the claim of a recipient that was put on hold meanwhile."""
    return AttemptRecord(
        item_id=item.id,
        number=recipient.number,
        state=RecipientState.DEFERRED,
        next_attempt_at=recipient.next_attempt_at,
        reply=recipient.reply,
        host=recipient.host,
        tried=False,
    )
