from dataclasses import dataclass, field, replace

import pytest

from pabal.base.errors import StorageFullError, UnavailableError
from pabal.directory.ports import NO_QUOTA, Quota, Route, Target
from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.mta.mda import FULL, TOO_LARGE, MailDelivery
from pabal.smtp.outcome import Outcome
from pabal.store.memory.account import MemoryStore
from pabal.store.ports import (
    AccountStore,
    NewEmail,
    NoSuchMailboxError,
    OverQuotaError,
)
from tests.mta.stage import MESSAGE, FakeClock

ALICE = Target(Route.LOCAL, Mailbox.parse("alice@here.test"), 2)


@dataclass
class Quotas:
    """What accounts may have, and how often that was asked."""

    of: dict[int, Quota] = field(default_factory=dict)
    asked: int = 0

    def quota(self, account_id: int) -> Quota:
        self.asked += 1
        return self.of.get(account_id, NO_QUOTA)


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
        return await MailDelivery(store, clock, Quotas()).deliver(ALICE, spool)


async def test_delivered() -> None:
    outcome = await deliver()
    assert outcome.ok
    assert outcome.detail == "INBOX uid 1"


@pytest.mark.parametrize(
    ("detail", "mailbox"),
    [
        ("", "INBOX"),
        ("Lists", "Lists"),
        ("Lists/", "Lists"),
        ("nowhere", "INBOX"),
        ("a//b", "INBOX"),
        ("#news", "INBOX"),
        ("inbox", "INBOX"),
    ],
)
async def test_the_detail_names_a_mailbox_if_there_is_one(
    detail: str, mailbox: str
) -> None:
    store = MemoryStore(FakeClock())
    await (await store.account(2)).create("Lists")
    target = replace(ALICE, detail=detail)
    with Spool() as spool:
        spool.write(MESSAGE)
        mda = MailDelivery(store, FakeClock(), Quotas())
        outcome = await mda.deliver(target, spool)
    assert outcome.detail == f"{mailbox} uid 1"


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


BOB = Target(Route.LOCAL, Mailbox.parse("bob@here.test"), 3)
FAR = Target(Route.REMOTE, Mailbox.parse("x@far.test"))
SIZE = len(MESSAGE)


class Untouched:
    """A store nobody may ask."""

    async def account(self, account_id: int) -> AccountStore:
        raise AssertionError


@dataclass
class Limited:
    """Alice may have two messages of ``MESSAGE``'s size."""

    quotas: Quotas = field(
        default_factory=lambda: Quotas({2: Quota(octets=2 * SIZE + 1)})
    )
    store: MemoryStore = field(default_factory=lambda: MemoryStore(FakeClock()))

    @property
    def mda(self) -> MailDelivery:
        return MailDelivery(self.store, FakeClock(), self.quotas)

    async def deliver(self, octets: bytes = MESSAGE) -> Outcome:
        with Spool() as spool:
            spool.write(octets)
            return await self.mda.deliver(ALICE, spool)


async def test_without_a_quota_nothing_but_the_directory_is_asked() -> None:
    quotas = Quotas()
    mda = MailDelivery(Untouched(), FakeClock(), quotas)  # type: ignore[arg-type] # a stand-in
    assert (await mda.room([ALICE, BOB], 10_000)).ok
    assert (await mda.room([FAR], 10_000)).ok
    assert (await mda.room([], 0)).ok
    assert quotas.asked == 1


async def test_octets_are_counted_before_and_at_delivery() -> None:
    site = Limited()
    for _ in range(2):
        assert (await site.mda.room([ALICE], SIZE)).ok
        assert (await site.deliver()).ok
    assert await site.mda.room([ALICE], SIZE) == FULL
    assert (await site.mda.room([ALICE], 0)).ok, "an empty one would fit"
    assert await site.deliver() == FULL
    assert await site.deliver(MESSAGE * 4) == TOO_LARGE
    assert await site.mda.room([ALICE], 4 * SIZE) == TOO_LARGE
    site.quotas.of[2] = Quota(octets=2 * SIZE)
    assert await site.mda.room([ALICE], 0) == FULL


async def test_messages_are_counted() -> None:
    site = Limited(Quotas({2: Quota(messages=1)}))
    assert (await site.deliver()).ok
    assert await site.mda.room([ALICE], 0) == FULL
    assert await site.deliver() == FULL
    site.quotas.of[2] = Quota(messages=2)
    assert (await site.deliver()).ok


async def test_who_is_full_does_not_keep_mail_from_others() -> None:
    site = Limited(Quotas({2: Quota(octets=1), 3: Quota(octets=1)}))
    assert await site.mda.room([ALICE, BOB], 10) == TOO_LARGE
    assert (await site.mda.room([ALICE, FAR], 10)).ok
    site.quotas.of[3] = Quota(messages=1)
    assert (await site.mda.room([ALICE, BOB], 10)).ok
    site.quotas.of[3] = Quota(octets=10)
    account = await site.store.account(3)
    with Spool() as spool:
        spool.write(b"x" * 10)
        inbox = await account.mailbox("INBOX")
        await account.append(inbox.id, [NewEmail(spool, 0.0)])
    assert await site.mda.room([ALICE, BOB], 10) == FULL, "Bob may have room later"


async def test_a_store_that_is_away_is_no_full_mailbox() -> None:
    class Away:
        async def account(self, account_id: int) -> AccountStore:
            raise UnavailableError("locked")

    quotas = Quotas({2: Quota(octets=1)})
    mda = MailDelivery(Away(), FakeClock(), quotas)  # type: ignore[arg-type] # a stand-in
    assert (await mda.room([ALICE], 0)).ok
