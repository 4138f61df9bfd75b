import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.store.flags import DELETED, SEEN, FlagAction, FlagChange
from pabal.store.memory.account import MemoryStore
from pabal.store.ports import AccountStore, Change, Column, Store, StoreError
from pabal.store.sqlite.check import check
from pabal.store.sqlite.shares import SHARES_FILE
from pabal.store.sqlite.store import SqliteStore
from tests.store.contract.letters import (
    Bell,
    FakeClock,
    letter,
    new_email,
    plain,
)
from tests.store.contract.whole import StoreContract


class TestSqlite(StoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
        store = SqliteStore(tmp_path / "mail", clock, Bell())
        yield store
        await store.close()
        for directory in (tmp_path / "mail").iterdir():
            assert directory.name == SHARES_FILE or check(directory) == []


NAMES = st.sampled_from(["INBOX", "a", "a/b", "b", "b/c", "a/b/d"])
UIDS = st.lists(st.integers(1, 12), max_size=6)
FLAGS = st.frozensets(st.sampled_from([SEEN, DELETED, "$Work", "$WORK"]), max_size=2)
STEPS = st.one_of(
    st.tuples(st.just("create"), NAMES),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.just("remove"), NAMES),
    st.tuples(st.just("subscribe"), NAMES, st.booleans()),
    st.tuples(st.just("append"), NAMES, st.lists(FLAGS, max_size=3)),
    st.tuples(
        st.just("flags"), NAMES, UIDS, st.sampled_from(FlagAction), FLAGS, st.booleans()
    ),
    st.tuples(st.just("copy"), NAMES, UIDS, NAMES),
    st.tuples(st.just("move"), NAMES, UIDS, NAMES),
    st.tuples(st.just("expunge"), NAMES, UIDS),
    st.tuples(st.just("recent"), NAMES),
)
Step = tuple[object, ...]


class Player:
    """Plays steps on one adapter and remembers everything that can be seen."""

    def __init__(self, account: AccountStore) -> None:
        self.account = account
        self.changes: list[Change] = []
        account.watch(self.changes.append)

    async def play(self, step: Step) -> object:
        try:
            return await self.do(step)
        except StoreError as error:
            return type(error)

    async def do(self, step: Step) -> object:
        account = self.account
        match step:
            case ("create", str(name)):
                return await account.create(name)
            case ("rename", str(name), str(new)):
                await account.rename(await self.id(name), new)
            case ("remove", str(name)):
                await account.remove(await self.id(name))
            case ("subscribe", str(name), bool(subscribed)):
                await account.subscribe(name, subscribed=subscribed)
            case ("recent", str(name)):
                return await account.claim_recent(await self.id(name))
            case _:
                return await self.do_messages(step)
        return None

    async def do_messages(self, step: Step) -> object:
        account = self.account
        match step:
            case ("append", str(name), list(flags)):
                news = [new_email(letter(str(len(flags))), one) for one in flags]
                return list(await account.append(await self.id(name), news))
            case ("flags", str(name), list(uids), FlagAction() as action, flags, since):
                assert isinstance(flags, frozenset)
                change = FlagChange(action, flags)
                limit = account.highest_modseq - 2 if since else None
                done = await account.set_flags(await self.id(name), uids, change, limit)
                return done.modseq, list(done.changed), list(done.refused)
            case ("expunge", str(name), list(uids)):
                return list(await account.expunge(await self.id(name), uids))
            case (kind, str(name), list(uids), str(target)):
                verb = account.copy if kind == "copy" else account.move
                went = await verb(await self.id(name), uids, await self.id(target))
                where = went.uid_validity, went.modseq
                return where, list(went.sources), list(went.targets)
            case _:
                raise AssertionError(step)

    async def id(self, name: str) -> int:
        return (await self.account.mailbox(name)).id

    async def state(self) -> object:
        found = []
        for box in await self.account.mailboxes():
            view = await self.account.view(box.id)
            assert view.mailbox == box
            flags = [self.account.flags_of(number) for number in view.flags]
            rows = await self.account.read(view.emails, [Column.SIZE])
            sizes = [row[0] for row in rows if row and isinstance(row[0], int)]
            assert sum(sizes) == box.size_octets
            assert len(view.uids) == box.message_count
            assert sum(SEEN not in one for one in flags) == box.unseen_count
            assert sum(DELETED in one for one in flags) == box.deleted_count
            gone = await self.account.expunged_since(box.id, 0)
            columns = view.uids, view.emails, view.flags, view.modseqs
            found.append((box, [list(column) for column in columns], flags, gone))
            view.close()
        return found, self.account.highest_modseq, plain(self.changes)


@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, max_size=25))
async def test_both_adapters_give_equal_results(steps: list[Step]) -> None:
    clock = FakeClock()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        stores: list[Store] = [MemoryStore(clock), SqliteStore(root, clock, Bell())]
        players = [Player(await store.account(17)) for store in stores]
        held = [await player.account.view(1) for player in players]
        for step in steps:
            clock.at += 1
            results = [await player.play(step) for player in players]
            assert results[0] == results[1], step
        states = [await player.state() for player in players]
        assert states[0] == states[1]
        assert held[0].uids == held[1].uids
        assert held[0].flags == held[1].flags
        assert held[0].modseqs == held[1].modseqs
        for store in stores:
            await store.close()
        assert check(root / "17") == []
