"""Two stores over the same files are what two processes are."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pabal.store.flags import SEEN
from pabal.store.ports import (
    ACCOUNT,
    Added,
    Annotated,
    Change,
    Expunged,
    MailboxChanged,
    MailboxEvent,
    NoSuchMailboxError,
    Reflagged,
)
from pabal.store.sqlite import account as account_module
from pabal.store.sqlite import idle as idle_module
from pabal.store.sqlite import mirror as mirror_module
from pabal.store.sqlite.account import SqliteAccount
from pabal.store.sqlite.store import RINGS_APART_S, SqliteStore
from tests.store.contract.letters import Bell, FakeClock, add, letter, plain, put


class Twins:
    def __init__(self, root: Path) -> None:
        clock = FakeClock()
        self.bells = [Bell(), Bell()]
        self.stores = [SqliteStore(root, clock, bell) for bell in self.bells]

    async def accounts(self) -> tuple[SqliteAccount, SqliteAccount]:
        return await self.stores[0].account(17), await self.stores[1].account(17)

    def ring(self) -> None:
        self.stores[1].changed_elsewhere(17)


@pytest.fixture
async def twins(tmp_path: Path) -> AsyncIterator[Twins]:
    twins = Twins(tmp_path)
    yield twins
    for store in twins.stores:
        await store.close()


async def test_changes_elsewhere_move_views_and_reach_watchers(twins: Twins) -> None:
    mine, theirs = await twins.accounts()
    inbox = await mine.mailbox("INBOX")
    await put(mine, inbox, *[letter(str(number)) for number in range(6)])
    twins.ring()
    view = await theirs.view(inbox.id)
    seen: list[Change] = []
    theirs.watch(seen.append)
    await put(mine, inbox, letter("7"), letter("8"))
    await mine.set_flags(inbox.id, [2, 7], add(SEEN, "$Work"))
    await mine.expunge(inbox.id, [1, 8])
    assert len(view.uids) == 6
    twins.ring()
    other = await mine.view(inbox.id)
    assert view.uids == other.uids
    assert view.emails == other.emails
    assert view.modseqs == other.modseqs
    flags = [theirs.flags_of(number) for number in view.flags]
    assert flags == [mine.flags_of(number) for number in other.flags]
    assert view.mailbox == other.mailbox
    kinds = {type(change): change for change in plain(seen)}
    assert set(kinds) == {Added, Reflagged, Expunged}
    assert [change.modseq for change in seen] == sorted(
        change.modseq for change in seen
    )
    expunged = kinds[Expunged]
    assert isinstance(expunged, Expunged)
    assert expunged.uids == [1]
    twins.ring()
    assert len(seen) == 3
    assert theirs.highest_modseq == mine.highest_modseq


async def test_mailboxes_made_elsewhere(twins: Twins) -> None:
    mine, theirs = await twins.accounts()
    seen: list[Change] = []
    theirs.watch(seen.append)
    box = await mine.create("a")
    assert (await theirs.mailbox("a")).id == box.id
    view = await theirs.view(box.id)
    await mine.rename(box.id, "b")
    await mine.subscribe("b", subscribed=True)
    assert [one.name for one in await theirs.mailboxes()] == ["INBOX", "b"]
    await mine.remove(box.id)
    twins.ring()
    with pytest.raises(NoSuchMailboxError):
        await theirs.view(box.id)
    view.close()
    events = [change.event for change in seen if isinstance(change, MailboxChanged)]
    assert events == [
        MailboxEvent.CREATED,
        MailboxEvent.RENAMED,
        MailboxEvent.SUBSCRIBED,
        MailboxEvent.REMOVED,
    ]


async def test_an_own_write_tells_what_came_before_it(twins: Twins) -> None:
    mine, theirs = await twins.accounts()
    inbox = await mine.mailbox("INBOX")
    view = await theirs.view(inbox.id)
    await put(mine, inbox, letter("1"), flags=frozenset({"$Mine"}))
    assert not view.uids
    await put(theirs, inbox, letter("2"), flags=frozenset({"$Theirs"}))
    assert list(view.uids) == [1, 2]
    flags = [theirs.flags_of(number) for number in view.flags]
    assert flags == [{"$Mine"}, {"$Theirs"}]
    assert view.mailbox.message_count == 2


async def test_both_write_at_once(twins: Twins) -> None:
    mine, theirs = await twins.accounts()
    inbox = await mine.mailbox("INBOX")
    views = [await mine.view(inbox.id), await theirs.view(inbox.id)]
    uids = await asyncio.gather(
        *[
            put(account, inbox, letter(str(number)))
            for number in range(15)
            for account in (mine, theirs)
        ]
    )
    assert sorted(uid for (uid,) in uids) == list(range(1, 31))
    mine.access.refresh()
    theirs.access.refresh()
    assert list(views[0].uids) == list(range(1, 31))
    assert views[0].uids == views[1].uids
    assert views[0].emails == views[1].emails
    assert views[0].modseqs == views[1].modseqs


async def test_the_bell_is_heard_while_writing(twins: Twins) -> None:
    mine, theirs = await twins.accounts()
    inbox = await mine.mailbox("INBOX")
    view = await theirs.view(inbox.id)
    await put(mine, inbox, letter("1"))
    work = asyncio.gather(theirs.create("slow"), return_exceptions=True)
    await asyncio.sleep(0)
    assert theirs.access.busy
    twins.ring()
    await work
    assert list(view.uids) == [1]


async def test_a_view_misses_nothing_told_by_another_process(twins: Twins) -> None:
    mine, theirs = await twins.accounts()
    inbox = await mine.mailbox("INBOX")
    kept = await theirs.view(inbox.id)
    writes = asyncio.gather(*[theirs.create(f"slow{n}") for n in range(3)])
    await put(mine, inbox, letter("1"))
    late = asyncio.gather(theirs.create("late"))
    await asyncio.sleep(0)
    assert theirs.access.busy
    view = await theirs.view(inbox.id)
    assert list(view.uids) == list(kept.uids) == [1]
    await writes
    await late


async def test_the_bell_rings_once_a_commit(twins: Twins) -> None:
    mine, _ = await twins.accounts()
    inbox = await mine.mailbox("INBOX")
    await put(mine, inbox, letter())
    assert twins.bells[0].rung == ["account 17"]
    await mine.expunge(inbox.id, [99])
    assert len(twins.bells[0].rung) == 1
    assert not twins.bells[1].rung


async def test_a_view_read_on_a_thread_misses_nothing(
    twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_module, "INLINE_VIEW", 0)
    mine, _ = await twins.accounts()
    inbox = await mine.mailbox("INBOX")
    await put(mine, inbox, *[letter(str(number)) for number in range(50)])
    work = asyncio.gather(
        mine.expunge(inbox.id, [1, 2, 3]),
        mine.set_flags(inbox.id, range(10, 20), add(SEEN)),
        *[put(mine, inbox, letter("more")) for _ in range(10)],
    )
    views = await asyncio.gather(*[mine.view(inbox.id) for _ in range(3)])
    await work
    assert list(views[0].uids) == list(range(4, 61))
    assert views[0].uids is views[2].uids
    flags = [mine.flags_of(number) for number in views[0].flags]
    assert sum(SEEN in one for one in flags) == 10
    with pytest.raises(NoSuchMailboxError):
        await mine.view(99)


async def test_arrays_stay_a_while_and_current(
    twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, _ = await twins.accounts()
    inbox = await mine.mailbox("INBOX")
    view = await mine.view(inbox.id)
    uids = view.uids
    view.close()
    await put(mine, inbox, letter("1"))
    again = await mine.view(inbox.id)
    assert again.uids is uids
    assert list(uids) == [1]
    monkeypatch.setattr(idle_module, "IDLE_MESSAGES_MAX", 0)
    again.close()
    fresh = await mine.view(inbox.id)
    assert fresh.uids is not uids
    assert list(fresh.uids) == [1]
    fresh.close()
    mine.access.rest()
    assert list((await mine.view(inbox.id)).uids) == [1]


async def test_annotations_of_another_process_are_told(twins: Twins) -> None:
    mine, theirs = await twins.accounts()
    inbox = await mine.mailbox("INBOX")
    await mine.annotations.write(inbox.id, {"/private/x": b"1"})
    twins.ring()
    seen: list[Change] = []
    theirs.watch(seen.append)
    await mine.annotations.write(inbox.id, {"/private/x": None, "/private/y": b"2"})
    await mine.annotations.write(ACCOUNT, {"/private/z": b"3"})
    twins.ring()
    modseq = mine.highest_modseq
    assert seen == [
        Annotated(modseq - 1, inbox.id, ["/private/x", "/private/y"]),
        Annotated(modseq, ACCOUNT, ["/private/z"]),
    ]
    assert await theirs.annotations.read(inbox.id) == {"/private/y": b"2"}


async def test_who_only_delivers_reads_nothing_back(
    twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = await twins.accounts()
    inbox = await mine.mailbox("INBOX")

    def changes(*_: object) -> None:
        raise AssertionError("nobody asked what changed")

    with monkeypatch.context() as patch:
        patch.setattr(mirror_module, "changes_since", changes)
        for number in range(3):
            await put(other, inbox, letter(f"other {number}"))
            twins.ring()
            await put(mine, inbox, letter(f"mine {number}"))
        assert (await mine.mailbox("INBOX")).message_count == 6
    view = await mine.view(inbox.id)
    assert list(view.uids) == [1, 2, 3, 4, 5, 6]
    view.close()


async def test_a_burst_rings_twice(twins: Twins) -> None:
    mine, _ = await twins.accounts()
    inbox = await mine.mailbox("INBOX")
    for number in range(8):
        await put(mine, inbox, letter(str(number)))
    await asyncio.sleep(RINGS_APART_S * 1.5)
    rung = len(twins.bells[0].rung)
    assert 1 < rung < 8


async def test_changes_of_several_are_told_apart(twins: Twins) -> None:
    mine, theirs = await twins.accounts()
    inbox = await mine.mailbox("INBOX")
    for number in range(2):
        await put(mine, inbox, letter(str(number)))
    await theirs.mailbox("INBOX")  # what came before is known
    seen: list[Change] = []
    theirs.watch(seen.append)
    first = await mine.set_flags(inbox.id, [1], add(SEEN))
    second = await theirs.set_flags(inbox.id, [2], add(SEEN))
    told = [(c.modseq, list(c.uids)) for c in seen if isinstance(c, Reflagged)]
    assert told == [(first.modseq, [1]), (second.modseq, [2])]
