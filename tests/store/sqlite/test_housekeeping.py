from pathlib import Path

from pabal.store.ports import Column
from pabal.store.sqlite.check import check
from pabal.store.sqlite.housekeeping import HISTORY_S, KEEP_EXPUNGED_S, PURGE_MAX
from pabal.store.sqlite.store import SqliteStore
from tests.store.contract.letters import Bell, FakeClock, letter, new_email, put


async def test_octets_go_in_small_steps(tmp_path: Path) -> None:
    clock = FakeClock()
    store = SqliteStore(tmp_path, clock, Bell())
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    count = PURGE_MAX + 10
    news = [new_email(letter(str(number))) for number in range(count)]
    emails = [one.email_id for one in await account.append(inbox.id, news)]
    await account.expunge(inbox.id, range(1, count + 1))
    clock.at += KEEP_EXPUNGED_S
    left = []
    for _ in range(3):
        rows = await account.read(emails, [Column.SIZE])
        left.append(sum(row is not None for row in rows))
        await put(account, inbox, letter())
    assert left == [count, 10, 0]
    await store.close()
    assert check(tmp_path / "1") == []


async def test_old_history_is_forgotten(tmp_path: Path) -> None:
    clock = FakeClock()
    store = SqliteStore(tmp_path, clock, Bell())
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    await put(account, inbox, letter("1"), letter("2"), letter("3"))
    start = account.highest_modseq
    await account.expunge(inbox.id, [1])
    known = account.highest_modseq
    clock.at += HISTORY_S - 10
    await account.expunge(inbox.id, [2])
    assert await account.expunged_since(inbox.id, start) == [1, 2]
    clock.at += 4_000
    await put(account, inbox, letter("4"))
    assert await account.expunged_since(inbox.id, start) is None
    assert await account.expunged_since(inbox.id, known) == [2]
    await store.close()
