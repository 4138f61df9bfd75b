"""The index is made in steps that may end anywhere; searches are always right."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.base.errors import PabalError, UnavailableError
from pabal.store.matching import TextPart, text_test
from pabal.store.ports import MailboxInfo, NewEmail
from pabal.store.predicate import Contains, HeaderContains, TextField
from pabal.store.search.segment import SIZE_MAX
from pabal.store.sqlite import facts, indexer, indexing
from pabal.store.sqlite.account import SqliteAccount
from pabal.store.sqlite.index_file import FILE_NAME, IndexFile
from pabal.store.sqlite.indexer import LOCK_NAME, Manner, due, index, rebuild
from pabal.store.sqlite.lock import try_lock
from pabal.store.sqlite.store import SqliteStore
from tests.store.contract.letters import Bell, FakeClock, letter, new_email, put
from tests.store.search.letters import messages, predicates


def go_on() -> None:
    pass


def all_of(directory: Path, least: int = 1) -> None:
    file = IndexFile(directory)
    assert index(directory, file, Manner(go_on, least))
    file.close()


def sizes(directory: Path) -> list[int]:
    file = IndexFile(directory)
    with file.reading() as reading:
        found = [one.size for one in reading.segments()] if reading else []
    file.close()
    return found


class StopError(PabalError):
    pass


def stopping(after: int) -> Callable[[], None]:
    left = [after]

    def pause() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise StopError

    return pause


def holds(octets: bytes, predicate: Contains | HeaderContains) -> bool:
    part, test = text_test(predicate)
    header = octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    return test(header if part is TextPart.HEADER else octets)


class Game:
    """An account, what is in it, and everything that can happen to its index."""

    def __init__(self, account: SqliteAccount, inbox: MailboxInfo) -> None:
        self.account = account
        self.inbox = inbox
        self.directory = account.access.database.directory
        self.there: dict[int, bytes] = {}

    async def append(self, octets: list[bytes]) -> None:
        for uid, one in zip(
            await put(self.account, self.inbox, *octets), octets, strict=True
        ):
            self.there[uid] = one

    async def play(self, step: str, number: int, octets: list[bytes]) -> None:
        match step:
            case "append":
                await self.append(octets)
            case "expunge":
                gone = [uid for uid in self.there if uid % 3 == number % 3]
                await self.account.expunge(self.inbox.id, gone)
                for uid in gone:
                    del self.there[uid]
            case "index":
                all_of(self.directory, number % 3 + 1)
            case "crash":
                file = IndexFile(self.directory)
                with pytest.raises(StopError):
                    index(self.directory, file, Manner(stopping(number % 5), 1))
                    raise StopError
                file.close()
            case "delete":
                (self.directory / FILE_NAME).unlink(missing_ok=True)
            case "rebuild":
                rebuild(self.directory, lambda _done, _total: None)
            case _:
                self.account.access.database.close()

    async def check(self, asked: list[Contains | HeaderContains]) -> None:
        for predicate in asked:
            found = await self.account.search(self.inbox.id, predicate)
            expected = [u for u, one in self.there.items() if holds(one, predicate)]
            assert list(found) == expected, predicate


OFTEN = ["append"] * 4 + ["index"] * 3
SELDOM = ["expunge", "crash", "delete", "rebuild", "close"]
STEPS = st.tuples(
    st.sampled_from(OFTEN + SELDOM),
    st.integers(0, 20),
    st.lists(messages(), min_size=1, max_size=4),
)


async def play(
    steps: list[tuple[str, int, list[bytes]]], asked: list[Contains | HeaderContains]
) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as name:
        # The same rules with fewer messages.
        patch.setattr(indexer, "LEVELS", (3, 6, 9))
        patch.setattr(indexer, "SIZE_MAX", 12)
        patch.setattr(indexer, "BATCH_MAX", 5)
        patch.setattr(facts, "READ_ANYWAY", 0)
        store = SqliteStore(Path(name), FakeClock(), Bell())
        account = await store.account(1)
        game = Game(account, await account.mailbox("INBOX"))
        for step in steps:
            await game.play(*step)
            await game.check(asked)
        await store.close()


@settings(max_examples=15, deadline=None)
@given(
    st.lists(STEPS, min_size=3, max_size=8),
    st.lists(predicates, min_size=1, max_size=3),
)
async def test_searches_are_right_in_every_state(
    steps: list[tuple[str, int, list[bytes]]], asked: list[Contains | HeaderContains]
) -> None:
    await play(steps, asked)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=300, deadline=None)
@given(
    st.lists(STEPS, min_size=5, max_size=15),
    st.lists(predicates, min_size=1, max_size=4),
)
async def test_in_many_more(
    steps: list[tuple[str, int, list[bytes]]], asked: list[Contains | HeaderContains]
) -> None:
    await play(steps, asked)


@pytest.mark.parametrize(
    ("there", "merged"),
    [
        ([], None),
        ([SIZE_MAX], None),
        ([200, 300], None),
        ([200, 300, 600], range(3)),
        ([2_000, 300, 300, 500], range(1, 4)),
        ([SIZE_MAX, 4_096, 4_096], range(1, 3)),
        ([SIZE_MAX, 8_192, 4_096], None),
        ([SIZE_MAX, 8_192, 8_192], range(1, 3)),
        ([11_000, 11_000], None),
        ([11_000, 5_000, 5_000], range(1, 3)),
        ([10_000, 9_000, 2_000], range(1, 3)),
        ([15_000, 15_000, 2_000], None),
    ],
)
def test_what_is_merged(there: list[int], merged: range | None) -> None:
    assert due(there) == merged


@pytest.fixture
async def account(tmp_path: Path) -> SqliteAccount:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    return await store.account(1)


async def test_an_older_mailbox_put_back(
    account: SqliteAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "READ_ANYWAY", 0)
    inbox = await account.mailbox("INBOX")
    directory = account.access.database.directory
    await put(account, inbox, letter("first"))
    await account.access.settle()
    old = shutil.copytree(directory, tmp_path / "2")
    await put(account, inbox, letter("second"), letter("third"))
    all_of(directory)
    await account.access.settle()
    shutil.copy(directory / FILE_NAME, old / FILE_NAME)
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    other = await store.account(2)
    # Fewer messages than the index has, then as many, and others.
    for subject in ("another", "and", "more"):
        await put(other, inbox, letter(subject))
        wanted = Contains(TextField.SUBJECT, "second")
        assert list(await other.search(inbox.id, wanted)) == []
        wanted = Contains(TextField.SUBJECT, subject)
        assert len(await other.search(inbox.id, wanted)) == 1
    all_of(old)
    assert sizes(old) == [4]
    await store.close()


async def test_one_at_a_time(account: SqliteAccount) -> None:
    directory = account.access.database.directory
    release = try_lock(directory / LOCK_NAME)
    assert release
    assert not index(directory, IndexFile(directory), Manner(go_on))
    release()
    assert index(directory, IndexFile(directory), Manner(go_on))


async def test_rebuild_gives_up(
    account: SqliteAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "PATIENCE", 1)
    monkeypatch.setattr(indexer, "PATIENCE_S", 0)
    directory = account.access.database.directory
    release = try_lock(directory / LOCK_NAME)
    assert release
    with pytest.raises(UnavailableError, match="try later"):
        rebuild(directory, lambda _done, _total: None)
    release()


async def test_rebuild_tells(account: SqliteAccount) -> None:
    inbox = await account.mailbox("INBOX")
    await put(account, inbox, *[letter(str(number)) for number in range(20)])
    directory = account.access.database.directory
    told: list[tuple[int, int]] = []
    size = rebuild(directory, lambda done, total: told.append((done, total)))
    assert told == [(number, 20) for number in range(1, 21)]
    assert size.messages == 20
    assert size.octets == (directory / FILE_NAME).stat().st_size


async def test_a_damaged_index_is_made_anew(account: SqliteAccount) -> None:
    inbox = await account.mailbox("INBOX")
    await put(account, inbox, *[letter(f"report {number}") for number in range(40)])
    directory = account.access.database.directory
    all_of(directory)
    path = directory / FILE_NAME
    path.write_bytes(b"no database at all" * 1_000)
    wanted = Contains(TextField.SUBJECT, "report")
    assert len(await account.search(inbox.id, wanted)) == 40
    all_of(directory)
    assert sizes(directory) == [40]
    # The pages behind the first: it opens, and cannot be read.
    octets = bytearray(path.read_bytes())
    octets[4096:] = b"x" * (len(octets) - 4096)
    path.write_bytes(octets)
    assert len(await account.search(inbox.id, wanted)) == 40
    with pytest.raises(UnavailableError):
        all_of(directory)
    all_of(directory)
    assert sizes(directory) == [40]
    assert len(await account.search(inbox.id, wanted)) == 40


async def test_long_messages_are_indexed(account: SqliteAccount) -> None:
    inbox = await account.mailbox("INBOX")
    long = letter("long", "filler 회의록\r\n" * 100_000 + "the very end\r\n")
    news: list[NewEmail] = [new_email(long), new_email(letter("short"))]
    await account.append(inbox.id, news)
    directory = account.access.database.directory
    all_of(directory)
    assert sizes(directory) == [2]
    wanted = Contains(TextField.BODY, "very end")
    assert list(await account.search(inbox.id, wanted)) == [1]


async def test_mostly_gone_it_is_made_smaller(
    account: SqliteAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = await account.mailbox("INBOX")
    directory = account.access.database.directory
    await put(account, inbox, *[letter(f"old {number}") for number in range(50)])
    all_of(directory)
    await account.expunge(inbox.id, range(1, 41))
    # Until they are purged they can be brought back.
    await put(account, inbox, letter("new"))
    all_of(directory)
    assert sizes(directory) == [50, 1]
    with apsw.Connection(str(directory / "mailbox.db")) as connection:
        connection.execute("DELETE FROM orphan")
    await put(account, inbox, letter("newer"))
    all_of(directory)
    assert sizes(directory) == [10, 1, 1]
    wanted = Contains(TextField.SUBJECT, "old")
    assert list(await account.search(inbox.id, wanted)) == list(range(41, 51))


async def test_what_is_thrown_away_leaves_the_index(account: SqliteAccount) -> None:
    inbox = await account.mailbox("INBOX")
    directory = account.access.database.directory
    texts = [letter(f"kept {number}") for number in range(40)]
    texts[7] = letter("confidential", "quixotry")
    await put(account, inbox, *texts)
    all_of(directory)
    await account.expunge(inbox.id, [8])
    await account.undeletion.discard(0)
    assert sizes(directory) == [40]  # it can be brought back
    assert b"quixotry" in (directory / FILE_NAME).read_bytes()
    await account.undeletion.discard(4e9)
    assert sizes(directory) == [39]
    octets = (directory / FILE_NAME).read_bytes()
    assert b"quixotry" not in octets
    assert b"confidential" not in octets
    wanted = Contains(TextField.SUBJECT, "kept")
    assert len(await account.search(inbox.id, wanted)) == 39


async def test_some_segments_at_once(
    account: SqliteAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "TIDIED", 1)
    inbox = await account.mailbox("INBOX")
    directory = account.access.database.directory
    for _ in range(3):
        await put(account, inbox, *[letter(str(number)) for number in range(30)])
        all_of(directory)
    assert sizes(directory) == [30, 30, 30]
    await account.expunge(inbox.id, [1, 31, 32, 61])
    await account.undeletion.discard(4e9)
    assert sizes(directory) == [30, 28, 30]
    await account.undeletion.discard(4e9)
    await account.undeletion.discard(4e9)
    assert sizes(directory) == [29, 28, 29]
