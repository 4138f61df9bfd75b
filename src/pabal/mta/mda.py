"""Final delivery: mail into mailboxes; the one part of ``mta`` that knows the store."""

from pabal.base.clock import Clock
from pabal.base.errors import StorageFullError, UnavailableError
from pabal.base.log import Log
from pabal.directory.ports import Target
from pabal.message.spool import Spool
from pabal.smtp.outcome import Outcome, delivered, temporary
from pabal.store.ports import (
    INBOX,
    AccountStore,
    MailboxInfo,
    NewEmail,
    NoSuchMailboxError,
    OverQuotaError,
    Store,
    StoreError,
)

log = Log("mda")


class MailDelivery:
    """Implements ``pabal.mta.ports.LocalDelivery`` over the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def deliver(self, target: Target, spool: Spool) -> Outcome:
        """Append the message for ``target``; durable when it is DELIVERED.

        ``user+tag@`` goes to the mailbox ``tag`` where the user has one, else to INBOX.

        Raises:
            StorageFullError: There is no room; nothing was written.
        """
        try:
            account = await self._store.account(target.account_id)
            mailbox = await _mailbox(account, target.detail)
            email = NewEmail(spool, self._clock.now())
            appended = await account.append(mailbox.id, (email,))
        except StorageFullError:
            raise
        except OverQuotaError:
            # RFC 3463 §3.3 (x.2.2): there may be room later.
            return temporary(52, "2.2", "the mailbox is full")
        except (StoreError, UnavailableError) as error:
            log.warning(
                "mailbox cannot be used", account=target.account_id, error=str(error)
            )
            return temporary(51, "2.0", "the mailbox cannot be used now", str(error))
        return delivered(detail=f"{mailbox.name} uid {appended[0].uid}")


async def _mailbox(account: AccountStore, detail: str) -> MailboxInfo:
    if detail:
        try:
            return await account.mailbox(detail)
        except NoSuchMailboxError:
            pass
    return await account.mailbox(INBOX)
