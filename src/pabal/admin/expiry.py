"""Messages that go by themselves: those that have been in Trash or Junk long enough.

A mailbox may have a rule of its own (``pabal account expiry``); it is kept beside its
other annotations under a name no client can read or set. The others follow [store] of
pabal.toml: what is Trash or Junk by its special use (RFC 6154 §2), or, where no mailbox
of the account says so, by its usual name. Days count from when a message came into the
mailbox, not from when it was received. Which time it is says ``pabal.store.trusted``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pabal.base.clock import Clock
from pabal.store.ports import AccountStore, MailboxInfo, StoreError, Uid

DAY_S: Final = 86_400.0

DAYS_MAX: Final = 3_650
"""Longest rule: ten years."""

RULE: Final = "/pabal/expiry"
"""Annotation: days as digits; 0: never. IMAP knows /private and /shared only."""

BATCH: Final = 200
"""Messages one transaction removes: below a millisecond, others come between."""

TRASH: Final = "\\Trash"
JUNK: Final = "\\Junk"

TRASH_NAMES: Final = ("trash", "deleted items", "deleted messages")
JUNK_NAMES: Final = ("junk", "spam", "junk e-mail")


@dataclass(frozen=True, slots=True)
class ExpiryPolicy:
    """What holds for mailboxes without a rule of their own.

    Attributes:
        trash_days: Days in Trash; 0: never.
        junk_days: Days in Junk; 0: never.
    """

    trash_days: int = 0
    junk_days: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """When messages of a mailbox go.

    Attributes:
        days: 0: never.
        own: The mailbox has this rule of its own.
    """

    days: int
    own: bool = False


async def rule_of(
    account: AccountStore,
    box: MailboxInfo,
    boxes: Sequence[MailboxInfo],
    policy: ExpiryPolicy,
) -> Rule:
    """Return the rule for ``box``, one of the account's ``boxes``."""
    own = (await account.annotations.read(box.id)).get(RULE, b"")
    if own.isdigit() and len(own) <= len(str(DAYS_MAX)):
        return Rule(int(own), own=True)
    if _is(box, boxes, TRASH, TRASH_NAMES):
        return Rule(policy.trash_days)
    if _is(box, boxes, JUNK, JUNK_NAMES):
        return Rule(policy.junk_days)
    return Rule(0)


async def set_rule(account: AccountStore, box: MailboxInfo, days: int | None) -> None:
    """Give a mailbox a rule of its own; ``None``: take it away.

    Raises:
        StoreError: Days that make no sense.
    """
    if days is not None and not 0 <= days <= DAYS_MAX:
        raise StoreError(f"days are 0 to {DAYS_MAX}")
    value = None if days is None else b"%d" % days
    await account.annotations.write(box.id, {RULE: value})


async def expire(
    account: AccountStore, policy: ExpiryPolicy, clock: Clock
) -> Sequence[tuple[str, int]]:
    """Remove what is due; return mailboxes and how many messages went from each."""
    boxes = await account.mailboxes()
    gone = []
    for box in boxes:
        if not box.message_count:
            continue
        rule = await rule_of(account, box, boxes, policy)
        if rule.days:
            count = await _expire_box(account, box, rule.days * DAY_S, clock.now())
            if count:
                gone.append((box.name, count))
    return gone


async def _expire_box(
    account: AccountStore, box: MailboxInfo, kept_s: float, now: float
) -> int:
    """Remove what came ``kept_s`` before ``now``; return how many messages.

    Messages stand in the order they came, which tells more than the clock of those
    days did: none came before the one above it, and one from the future came no later
    than the one below it.
    """
    view = await account.view(box.id)
    # An expunge replaces the array: this one stays.
    uids = view.uids[:]
    view.close()
    total, latest = 0, -math.inf
    undated: list[Uid] = []
    for start in range(0, len(uids), BATCH):
        some = uids[start : start + BATCH]
        due: list[Uid] = []
        saved = await account.saved_dates(box.id, some)
        for uid, at in zip(some, saved, strict=True):
            if at is None:
                continue  # gone meanwhile
            undated.append(uid)
            if at > now:
                continue
            latest = max(latest, at)
            if latest > now - kept_s:
                break
            due += undated
            undated.clear()
        for first in range(0, len(due), BATCH):
            total += len(await account.expunge(box.id, due[first : first + BATCH]))
        if latest > now - kept_s:
            break
    return total


def _is(
    box: MailboxInfo, boxes: Sequence[MailboxInfo], use: str, names: Sequence[str]
) -> bool:
    if any(one.special_use == use for one in boxes):
        return box.special_use == use
    return box.name.lower() in names
