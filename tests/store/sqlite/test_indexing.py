"""When mail is indexed: behind its delivery, on a thread."""

import asyncio
import time
from pathlib import Path

import apsw
import pytest

from pabal.store.predicate import Contains, TextField
from pabal.store.sqlite import indexing
from pabal.store.sqlite.index_file import FILE_NAME, FORMAT, IndexFile
from pabal.store.sqlite.indexer import BATCH_MIN
from pabal.store.sqlite.store import SqliteSettings, SqliteStore
from tests.store.contract.letters import Bell, FakeClock, letter, put

AT_ONCE = SqliteSettings(index_after_s=0)


def indexed(directory: Path) -> int:
    file = IndexFile(directory)
    with file.reading() as reading:
        found = sum(one.size for one in reading.segments()) if reading else 0
    file.close()
    return found


async def until(directory: Path, count: int) -> None:
    for _ in range(1_000):
        if indexed(directory) >= count:
            return
        await asyncio.sleep(0.02)
    pytest.fail("it is not indexed")


async def test_it_follows_the_mail(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell(), AT_ONCE)
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    some = [letter(f"report {number}", "회의") for number in range(BATCH_MIN)]
    await put(account, inbox, *some[:-1])
    await asyncio.sleep(0.05)
    assert not (tmp_path / "1" / FILE_NAME).exists()
    await put(account, inbox, some[-1])
    await until(tmp_path / "1", BATCH_MIN)
    for text, count in (("회의", BATCH_MIN), ("report 7", 11), ("none", 0)):
        wanted = Contains(TextField.TEXT, text)
        found = await account.search(inbox.id, wanted)
        assert len(found) == sum(text.encode() in one for one in some) == count
    await store.close()


async def test_a_search_that_read_much_has_it_indexed(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell(), SqliteSettings(index_after_s=99))
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    await put(account, inbox, *[letter(str(number)) for number in range(BATCH_MIN)])
    await store.close()
    store = SqliteStore(tmp_path, FakeClock(), Bell(), AT_ONCE)
    account = await store.account(1)
    found = await account.search(inbox.id, Contains(TextField.BODY, "how"))
    assert len(found) == BATCH_MIN
    await until(tmp_path / "1", BATCH_MIN)
    await store.close()


async def test_an_index_of_another_format_is_made_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell(), AT_ONCE)
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    await put(account, inbox, *[letter(str(number)) for number in range(BATCH_MIN)])
    await until(tmp_path / "1", BATCH_MIN)
    await store.close()
    path = tmp_path / "1" / FILE_NAME
    connection = apsw.Connection(str(path))
    # As an older program left it: nothing in it means what it does today.
    connection.execute("UPDATE page SET words = x'00', length = 1")
    connection.pragma("user_version", FORMAT - 1)
    connection.close()
    store = SqliteStore(tmp_path, FakeClock(), Bell(), AT_ONCE)
    account = await store.account(1)
    for _ in range(2):
        for text, count in (("how", BATCH_MIN), ("how a", BATCH_MIN), ("zzz", 0)):
            found = await account.search(inbox.id, Contains(TextField.BODY, text))
            assert len(found) == count, text
        # A search that found none has it made, and nobody needs to do anything.
        await until(tmp_path / "1", BATCH_MIN)
    await store.close()


async def test_delivery_is_waited_for(tmp_path: Path) -> None:
    store = SqliteStore(
        tmp_path, FakeClock(), Bell(), SqliteSettings(index_after_s=0.6)
    )
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    for _ in range(4):
        await put(account, inbox, *[letter(str(number)) for number in range(BATCH_MIN)])
        await asyncio.sleep(0.05)
        assert not indexed(tmp_path / "1")
    await until(tmp_path / "1", BATCH_MIN * 4)
    await store.close()


async def test_closing_and_removing_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "PAUSE_S", 0.05)  # so that it takes long
    store = SqliteStore(tmp_path, FakeClock(), Bell(), AT_ONCE)
    for number in (1, 2):
        account = await store.account(number)
        inbox = await account.mailbox("INBOX")
        await put(account, inbox, *[letter(str(one)) for one in range(BATCH_MIN)])
    await asyncio.sleep(0.1)
    begun = time.monotonic()
    await store.remove(1)
    assert not (tmp_path / "1").exists()
    await store.close()
    assert time.monotonic() - begun < 2
    assert not indexed(tmp_path / "2")


async def test_the_loop_has_its_turn(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell(), AT_ONCE)
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    body = "내일 회의를 합니다. 자료를 보내 주세요.\r\n" * 60
    await put(account, inbox, *[letter(str(one), body) for one in range(300)])
    await asyncio.sleep(0)
    waits = []
    while indexing_runs(account.access.indexing):
        begun = time.perf_counter()
        await asyncio.sleep(0)
        waits.append(time.perf_counter() - begun)
        await asyncio.sleep(0.001)
    assert indexed(tmp_path / "1") == 300
    waits.sort()
    assert waits[len(waits) // 2] < 0.005
    await store.close()


def indexing_runs(one: indexing.Indexing) -> bool:
    return not one._idle.is_set()
