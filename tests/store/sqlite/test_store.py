import asyncio
from pathlib import Path

import apsw
import pytest

from pabal.base.errors import UnavailableError
from pabal.store.sqlite.database import FILE_NAME
from pabal.store.sqlite.schema import MIGRATIONS, TooNewError, migrate
from pabal.store.sqlite.store import SqliteSettings, SqliteStore
from tests.store.contract.letters import Bell, FakeClock, letter, put, whole


async def test_few_accounts_are_open_at_once(tmp_path: Path) -> None:
    settings = SqliteSettings(open_accounts_max=3)
    store = SqliteStore(tmp_path, FakeClock(), Bell(), settings)
    held = [await store.account(number) for number in range(8)]
    is_open = [account.access.database.is_open for account in held]
    assert sum(is_open) == 3
    for account in held:
        await account.mailboxes()
    assert sum(account.access.database.is_open for account in held) == 3
    # One whose files were closed goes on as if nothing had happened.
    first = held[0]
    inbox = await first.mailbox("INBOX")
    view = await first.view(inbox.id)
    assert await put(first, inbox, letter("1")) == [1]
    assert list(view.uids) == [1]
    assert await store.account(0) is first
    assert await whole(first.octets(view.emails[0])) == letter("1")
    await store.close()


async def test_an_account_nobody_holds_is_forgotten(tmp_path: Path) -> None:
    settings = SqliteSettings(open_accounts_max=1)
    store = SqliteStore(tmp_path, FakeClock(), Bell(), settings)
    account = await store.account(1)
    await put(account, await account.mailbox("INBOX"), letter("1"))
    del account
    await store.account(2)
    again = await store.account(1)
    assert (await again.mailbox("INBOX")).message_count == 1
    await store.close()


async def test_opened_by_many_at_once_it_is_one(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    accounts = await asyncio.gather(*[store.account(1) for _ in range(5)])
    assert len(set(map(id, accounts))) == 1
    await store.close()


async def test_remove_takes_the_files(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    held = await store.account(1)
    inbox = await held.mailbox("INBOX")
    await store.account(2)
    await store.remove(1)
    with pytest.raises(UnavailableError):
        await put(held, inbox, letter())
    await store.remove(3)
    assert [entry.name for entry in tmp_path.iterdir()] == ["2"]
    await store.close()


async def test_a_damaged_file_touches_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "mailbox.db").write_bytes(b"no database at all" * 1_000)
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    with pytest.raises(UnavailableError):
        await store.account(1)
    account = await store.account(2)
    assert (await account.mailbox("INBOX")).name == "INBOX"
    await store.close()


async def test_tables_of_before_learn_to_remember_keywords(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    connection = apsw.Connection(str(tmp_path / "1" / FILE_NAME))
    connection.pragma("journal_mode", "WAL")
    for script in MIGRATIONS[:3]:
        connection.execute(script)
    connection.pragma("user_version", 3)
    connection.execute("INSERT INTO account VALUES (1, 7, 1, 0, 5)")
    connection.execute(
        "INSERT INTO mailbox VALUES (1, 'INBOX', '', 1, 5, 1, 7, 0, 0, 0, 0, 1, 0)"
    )
    connection.close()
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    assert (inbox.id, inbox.uid_validity, inbox.highest_modseq) == (1, 5, 7)
    await put(account, inbox, letter(), flags=frozenset({"$Work"}))
    assert list(await account.expunge(inbox.id, [1])) == [1]
    await store.close()
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    account = await store.account(1)
    assert await account.keywords.lost(1) == ["$Work"]
    await store.close()


async def test_newer_tables_are_left_alone(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    await store.account(1)
    await store.close()
    connection = apsw.Connection(str(tmp_path / "1" / FILE_NAME))
    connection.pragma("user_version", len(MIGRATIONS) + 1)
    connection.close()
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    with pytest.raises(TooNewError):
        await store.account(1)
    await store.close()


@pytest.mark.parametrize("with_tables", [False, True])
async def test_an_account_half_made_is_made_whole(
    tmp_path: Path, *, with_tables: bool
) -> None:
    (tmp_path / "1").mkdir()
    connection = apsw.Connection(str(tmp_path / "1" / FILE_NAME))
    if with_tables:  # the process died before INBOX was there
        migrate(connection)
    connection.close()
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    account = await store.account(1)
    assert [box.name for box in await account.mailboxes()] == ["INBOX"]
    await store.close()


async def test_a_new_account_has_its_first_mailboxes_once(tmp_path: Path) -> None:
    first = (("\\Sent", "보낸편지함"), ("\\Archive", "Old/Archive"))
    settings = SqliteSettings(first_mailboxes=first)
    store = SqliteStore(tmp_path, FakeClock(), Bell(), settings)
    account = await store.account(1)
    boxes = {box.name: box for box in await account.mailboxes()}
    assert {name: box.special_use for name, box in boxes.items()} == {
        "INBOX": "",
        "Old": "",
        "Old/Archive": "\\Archive",
        "보낸편지함": "\\Sent",
    }
    assert [name for name, box in boxes.items() if not box.subscribed] == ["Old"]
    await account.remove(boxes["보낸편지함"].id)
    await store.close()
    # What was removed does not come back.
    store = SqliteStore(tmp_path, FakeClock(), Bell(), settings)
    names = [box.name for box in await (await store.account(1)).mailboxes()]
    assert names == ["INBOX", "Old", "Old/Archive"]
    await store.close()


async def test_an_account_that_was_in_use_gets_none(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    account = await store.account(1)
    await put(account, await account.mailbox("INBOX"), letter("1"))
    await store.close()
    settings = SqliteSettings(first_mailboxes=(("\\Sent", "Sent"),))
    store = SqliteStore(tmp_path, FakeClock(), Bell(), settings)
    assert len(await (await store.account(1)).mailboxes()) == 1
    await store.close()


async def test_a_new_account_that_waits_keeps_nothing_to_write(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    database = account.access.database
    known = [database._writer]
    await put(account, inbox, letter())
    known.append(database._writer)
    assert [writer is None for writer in known] == [True, False]
    await store.close()


async def test_a_visit_leaves_files_as_they_were(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    used = await store.account(1)
    rested = await store.account(2)
    rested.access.rest()
    for account_id in (1, 2, 3):
        async with store.visit(account_id) as account:
            await account.undeletion.discard(0.0)
    assert used.access.database.is_open
    assert not rested.access.database.is_open
    assert not (tmp_path / "1" / "search.db").exists()
    for account in (used, rested):  # all the same they go on
        inbox = await account.mailbox("INBOX")
        assert await put(account, inbox, letter()) == [1]
    await store.close()
