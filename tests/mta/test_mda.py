import pytest

from pabal.base.errors import StorageFullError, UnavailableError
from pabal.directory.ports import Route, Target
from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.mta.mda import MailDelivery
from pabal.smtp.outcome import Outcome
from pabal.store.memory.account import MemoryStore
from pabal.store.ports import NoSuchMailboxError, OverQuotaError
from tests.mta.stage import MESSAGE, FakeClock

ALICE = Target(Route.LOCAL, Mailbox.parse("alice@here.test"), 2)


async def deliver(error: Exception | None = None) -> Outcome:
    clock = FakeClock()
    store = MemoryStore(clock)
    if error is not None:
        account = await store.account(2)

        async def append(*_: object) -> None:
            raise error

        account.append = append  # type: ignore[method-assign, assignment] # a store in trouble
    with Spool() as spool:
        spool.write(MESSAGE)
        return await MailDelivery(store, clock).deliver(ALICE, spool)


async def test_delivered() -> None:
    outcome = await deliver()
    assert outcome.ok
    assert outcome.detail == "INBOX uid 1"


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (OverQuotaError("full"), "452 4.2.2 the mailbox is full"),
        (UnavailableError("locked"), "451 4.2.0 the mailbox cannot be used now"),
        (NoSuchMailboxError("gone"), "451 4.2.0 the mailbox cannot be used now"),
    ],
)
async def test_later(error: Exception, reply: str) -> None:
    assert str(await deliver(error)) == reply


async def test_no_room_is_for_the_caller() -> None:
    with pytest.raises(StorageFullError):
        await deliver(StorageFullError("no room"))
