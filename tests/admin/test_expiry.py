import pytest

from pabal.admin import expiry as module
from pabal.admin.expiry import DAY_S, ExpiryPolicy, Rule, expire, rule_of, set_rule
from pabal.store.memory.account import MemoryAccount, MemoryStore
from pabal.store.ports import MailboxInfo, StoreError
from tests.store.contract.letters import FakeClock, letter, new_email

POLICY = ExpiryPolicy(trash_days=30, junk_days=7)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def account(clock: FakeClock) -> MemoryAccount:
    return await MemoryStore(clock).account(1)


async def fill(account: MemoryAccount, box: MailboxInfo, count: int) -> None:
    # Old by their dates: only when they came here counts.
    news = [new_email(letter(), received_at=1.0) for _ in range(count)]
    await account.append(box.id, news)


async def rules(account: MemoryAccount) -> dict[str, Rule]:
    boxes = await account.mailboxes()
    return {box.name: await rule_of(account, box, boxes, POLICY) for box in boxes}


async def test_rules(account: MemoryAccount) -> None:
    await account.create("Deleted Items")
    await account.create("a/Trash")
    await account.create("Spam")
    assert await rules(account) == {
        "INBOX": Rule(0),
        "Deleted Items": Rule(30),
        "Spam": Rule(7),
        "a": Rule(0),
        "a/Trash": Rule(0),
    }
    await account.create("Papierkorb", "\\Trash")
    inbox = await account.mailbox("INBOX")
    spam = await account.mailbox("Spam")
    await set_rule(account, inbox, 90)
    await set_rule(account, spam, 0)
    found = await rules(account)
    assert found["Papierkorb"] == Rule(30)
    assert found["Deleted Items"] == Rule(0)
    assert found["INBOX"] == Rule(90, own=True)
    assert found["Spam"] == Rule(0, own=True)
    await set_rule(account, spam, None)
    assert (await rules(account))["Spam"] == Rule(7)
    for days in (-1, 3651):
        with pytest.raises(StoreError, match="0 to 3650"):
            await set_rule(account, spam, days)


async def test_what_is_due_goes_in_small_steps(
    account: MemoryAccount, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    inbox = await account.mailbox("INBOX")
    trash = await account.create("Trash", "\\Trash")
    await fill(account, inbox, 1)
    await fill(account, trash, 5)
    clock.at += 10 * DAY_S
    await fill(account, trash, 2)
    assert await expire(account, POLICY, clock) == []
    clock.at += 20 * DAY_S
    before = account.highest_modseq
    assert await expire(account, POLICY, clock) == [("Trash", 5)]
    assert account.highest_modseq == before + 3
    assert (await account.mailbox("Trash")).message_count == 2
    assert (await account.mailbox("INBOX")).message_count == 1
    assert await expire(account, ExpiryPolicy(), clock) == []


class Days:
    """A clock in days, which may be wrong."""

    def __init__(self) -> None:
        self.day = 1_000.0

    def now(self) -> float:
        return self.day * DAY_S

    def monotonic(self) -> float:
        return 0.0


async def test_what_came_while_the_clock_was_wrong() -> None:
    days = Days()
    account = await MemoryStore(days).account(1)
    trash = await account.create("Trash", "\\Trash")

    async def come(day: float) -> None:
        days.day = day
        await fill(account, trash, 1)

    async def left(day: float) -> list[int]:
        days.day = day
        await expire(account, POLICY, days)
        view = await account.view(trash.id)
        found = list(view.uids)
        view.close()
        return found

    await come(1_000)
    await come(1_365)  # it was 1_000, or 1_001
    await come(1_001)
    await come(640)  # it was 1_002
    await come(1_003)
    await come(1_400)  # it was 1_004: nothing below says so yet
    assert await left(1_029) == [1, 2, 3, 4, 5, 6]
    assert await left(1_030) == [2, 3, 4, 5, 6]
    # No earlier than the one above it, no later than the one below it.
    assert await left(1_031) == [5, 6]
    assert await left(1_033) == [6]
    await come(1_034)
    assert await left(1_063) == [6, 7]
    assert await left(1_064) == []
