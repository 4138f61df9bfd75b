"""Final delivery: mail into mailboxes; the one part of ``mta`` that knows the store."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

from pabal.base.clock import Clock
from pabal.base.errors import StorageFullError, UnavailableError
from pabal.base.log import Log
from pabal.directory.ports import NO_QUOTA, Quota, Route, Target
from pabal.message.spool import Spool
from pabal.smtp.outcome import Outcome, delivered, permanent, temporary
from pabal.store.limits import Limits
from pabal.store.names import normalise
from pabal.store.ports import (
    INBOX,
    AccountStore,
    MailboxNameError,
    NewEmail,
    OverQuotaError,
    Store,
    StoreError,
)
from pabal.store.room import fitting

log = Log("mda")

ROOM: Final = delivered(status="1.5")

FULL: Final = temporary(52, "2.2", "the mailbox is full")
"""RFC 3463 §3.3 (x.2.2), RFC 5321 §4.2.3 (452): there may be room later."""

TOO_LARGE: Final = permanent(52, "2.2", "larger than all the mailbox may hold")
"""552: there never will be."""


class Quotas(Protocol):
    """Knows what accounts may have; the directory does."""

    def quota(self, account_id: int) -> Quota:
        """Return what the account may have; ``NO_QUOTA`` itself: no limit."""
        ...


class MailDelivery:
    """Implements ``pabal.mta.ports.LocalDelivery`` over the store."""

    def __init__(self, store: Store, clock: Clock, quotas: Quotas) -> None:
        self._store = store
        self._clock = clock
        self._quotas = quotas

    async def deliver(self, target: Target, spool: Spool) -> Outcome:
        """Append the message for ``target``; durable when it is DELIVERED.

        ``user+tag@`` goes to the mailbox ``tag`` where the user has one, else to INBOX.

        Raises:
            StorageFullError: There is no room; nothing was written.
        """
        try:
            account = await self._store.account(target.account_id)
            quota = self._quotas.quota(target.account_id)
            if quota is not NO_QUOTA:
                over = await _over(account, quota, spool.size)
                if over is not None:
                    return over
            email = NewEmail(spool, self._clock.now())
            limits = Limits(quota.octets, quota.messages)
            where = _names(target.detail)
            (appended,) = await account.append(where, (email,), None, limits)
        except StorageFullError:
            raise
        except OverQuotaError:
            return FULL
        except (StoreError, UnavailableError) as error:
            log.warning(
                "mailbox cannot be used", account=target.account_id, error=str(error)
            )
            return temporary(51, "2.0", "the mailbox cannot be used now", str(error))
        return delivered(detail=f"{appended.mailbox} uid {appended.uid}")

    async def room(self, targets: Sequence[Target], octets: int) -> Outcome:
        """Say whether one of ``targets`` has room for a message.

        Cost: a look-up in memory where accounts have no quota.
        """
        refusal = ROOM
        for target in targets:
            if target.route is not Route.LOCAL:
                return ROOM
            quota = self._quotas.quota(target.account_id)
            if quota is NO_QUOTA:
                return ROOM
            try:
                account = await self._store.account(target.account_id)
                over = await _over(account, quota, octets)
            except (StoreError, UnavailableError):
                # Whether it can be used is found out when there is a message for it.
                return ROOM
            if over is None:
                return ROOM
            if refusal.ok or over is FULL:
                refusal = over
        return refusal


async def _over(account: AccountStore, quota: Quota, octets: int) -> Outcome | None:
    """Return why ``octets`` more, in one message, are too much; ``None``: they fit."""
    if quota.octets and octets > quota.octets:
        return TOO_LARGE
    # A full mailbox takes nothing, whatever the size of what comes.
    more = max(octets, 1)
    room = await fitting(account, (more,), octets=quota.octets, messages=quota.messages)
    return None if room else FULL


def _names(detail: str) -> Sequence[str]:
    """Return which mailbox is meant: that of the detail, where there is one, or INBOX.

    Looked for when it is written: nothing must be read before.
    """
    if detail:
        with suppress(MailboxNameError):
            return normalise(detail), INBOX
    return (INBOX,)
