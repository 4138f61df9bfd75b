"""What mailboxes as a whole do."""

import pytest

from pabal.store.annotation import AnnotationTooLongError, TooManyAnnotationsError
from pabal.store.flags import DELETED, SEEN, FlagAction, FlagChange, FlagScope
from pabal.store.ports import (
    ACCOUNT,
    AccountStore,
    Added,
    Annotated,
    Change,
    Expunged,
    MailboxChanged,
    MailboxEvent,
    MailboxExistsError,
    MailboxInfo,
    MailboxNameError,
    NoSuchMailboxError,
    Store,
)
from tests.store.contract.fixtures import Fixtures
from tests.store.contract.letters import (
    NOW,
    FakeClock,
    letter,
    new_email,
    put,
)


class MailboxContract(Fixtures):
    """Create, rename, remove, subscribe."""

    async def test_validities_rise_whatever_the_clock_says(
        self, account: AccountStore, clock: FakeClock
    ) -> None:
        seen = []
        for number, now in enumerate((NOW, NOW - 1e9, NOW + 1e7, 2.0**40, NOW)):
            clock.at = now
            seen.append((await account.create(str(number))).uid_validity)
        assert seen == sorted(set(seen))
        assert seen[-1] == int(NOW + 1e7) + 2

    async def test_inbox_is_always_there(self, account: AccountStore) -> None:
        names = [box.name for box in await account.mailboxes()]
        assert names == ["INBOX"]
        assert (await account.mailbox("inBox")).name == "INBOX"
        assert (await account.mailbox("INBOX")).uid_next == 1

    async def test_the_same_account_again(
        self, store: Store, account: AccountStore
    ) -> None:
        await account.create("x")
        assert (await (await store.account(17)).mailbox("x")).name == "x"
        other = await store.account(18)
        assert [box.name for box in await other.mailboxes()] == ["INBOX"]

    async def test_create_makes_parents(
        self, account: AccountStore, changes: list[Change]
    ) -> None:
        info = await account.create("업무/회의/2026", "\\Archive")
        assert info.special_use == "\\Archive"
        assert [box.name for box in await account.mailboxes()] == [
            "INBOX",
            "업무",
            "업무/회의",
            "업무/회의/2026",
        ]
        assert [change.name for change in changes if isinstance(change, MailboxChanged)]
        assert {change.modseq for change in changes} == {account.highest_modseq}

    async def test_create_refuses(self, account: AccountStore) -> None:
        await account.create("a")
        with pytest.raises(MailboxExistsError):
            await account.create("a")
        with pytest.raises(MailboxExistsError):
            await account.create("inbox")
        for name in ("", "a//b", "/a", "a\0b", "#news", "x" * 1001):
            with pytest.raises(MailboxNameError):
                await account.create(name)
        assert len(await account.mailboxes()) == 2

    async def test_rename_takes_children_along(
        self, account: AccountStore, changes: list[Change]
    ) -> None:
        old = await account.create("a/b")
        top = await account.mailbox("a")
        await put(account, old, letter())
        changes.clear()
        await account.rename(top.id, "x/y")
        names = [box.name for box in await account.mailboxes()]
        assert names == ["INBOX", "x", "x/y", "x/y/b"]
        new = await account.mailbox("x/y/b")
        assert (new.id, new.uid_validity, new.message_count) == (
            old.id,
            old.uid_validity,
            1,
        )
        events = [
            (change.event, change.old_name, change.name)
            for change in changes
            if isinstance(change, MailboxChanged)
        ]
        assert events == [
            (MailboxEvent.CREATED, "", "x"),
            (MailboxEvent.RENAMED, "a", "x/y"),
            (MailboxEvent.RENAMED, "a/b", "x/y/b"),
        ]

    async def test_rename_refuses(self, account: AccountStore) -> None:
        a = await account.create("a")
        await account.create("b/c")
        await account.create("a/c")
        with pytest.raises(MailboxExistsError):
            await account.rename(a.id, "b")
        with pytest.raises(MailboxExistsError):
            await account.rename(a.id, "a")
        with pytest.raises(MailboxNameError):
            await account.rename(a.id, "a/d")
        with pytest.raises(NoSuchMailboxError):
            await account.rename(999, "d")
        b = await account.mailbox("b")
        await account.remove(b.id)
        with pytest.raises(MailboxExistsError):
            await account.rename(a.id, "b")  # b/c is there still
        assert [box.name for box in await account.mailboxes()] == [
            "INBOX",
            "a",
            "a/c",
            "b/c",
        ]

    async def test_rename_inbox_moves_its_messages(
        self, account: AccountStore, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        await account.create("INBOX/keep")
        await put(account, inbox, letter("1"), letter("2"), flags=frozenset({SEEN}))
        view = await account.view(inbox.id)
        await account.rename(inbox.id, "old")
        assert not view.uids
        old = await account.mailbox("old")
        assert (old.message_count, old.unseen_count, old.uid_next) == (2, 0, 3)
        now = await account.mailbox("INBOX")
        assert (now.id, now.message_count, now.uid_next) == (inbox.id, 0, 3)
        assert (await account.mailbox("INBOX/keep")).name == "INBOX/keep"
        kinds = [type(change) for change in changes[-3:]]
        assert kinds == [MailboxChanged, Added, Expunged]

    async def test_remove(self, account: AccountStore, changes: list[Change]) -> None:
        box = await account.create("a")
        await account.create("a/b")
        await put(account, box, letter())
        await account.remove(box.id)
        assert [one.name for one in await account.mailboxes()] == ["INBOX", "a/b"]
        last = changes[-1]
        assert isinstance(last, MailboxChanged)
        assert (last.event, last.name) == (MailboxEvent.REMOVED, "a")
        with pytest.raises(NoSuchMailboxError):
            await account.view(box.id)
        with pytest.raises(NoSuchMailboxError):
            await put(account, box, letter())
        with pytest.raises(NoSuchMailboxError):
            await account.mailbox("a")
        inbox = await account.mailbox("INBOX")
        with pytest.raises(MailboxNameError):
            await account.remove(inbox.id)

    async def test_ids_and_uid_validity_are_never_reused(
        self, account: AccountStore
    ) -> None:
        seen: set[tuple[int, int]] = set()
        validities: set[int] = set()
        for _ in range(4):
            box = await account.create("again")
            validities.add(box.uid_validity)
            seen.add((box.id, box.uid_validity))
            await account.remove(box.id)
        assert len(validities) == 4
        assert len({number for number, _ in seen}) == 4

    async def test_uid_validity_survives_a_removed_account(
        self, store: Store, account: AccountStore, clock: FakeClock
    ) -> None:
        before = (await account.mailbox("INBOX")).uid_validity
        await store.remove(17)
        clock.at += 1
        again = await store.account(17)
        info = await again.mailbox("INBOX")
        assert info.message_count == 0
        assert info.uid_validity > before

    async def test_subscribe(self, account: AccountStore) -> None:
        await account.create("a")
        assert not (await account.mailbox("a")).subscribed
        assert (await account.mailbox("INBOX")).subscribed
        await account.subscribe("a", subscribed=True)
        assert (await account.mailbox("a")).subscribed
        modseq = account.highest_modseq
        await account.subscribe("a", subscribed=True)
        assert account.highest_modseq == modseq

    async def test_a_name_without_a_mailbox_can_be_subscribed(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        with pytest.raises(NoSuchMailboxError):
            await account.subscribe("b", subscribed=False)
        for name in ("d", "b", "c", "b"):
            await account.subscribe(name, subscribed=True)
        await account.subscribe("d", subscribed=False)
        assert await account.lost_subscriptions() == ["b", "c"]
        b = await account.create("b/below")
        assert (await account.mailbox("b")).subscribed
        assert not b.subscribed
        assert await account.lost_subscriptions() == ["c"]
        await account.rename(b.id, "c")
        assert (await account.mailbox("c")).subscribed
        await account.remove((await account.mailbox("b")).id)
        assert await account.lost_subscriptions() == ["b"]
        with pytest.raises(MailboxNameError):
            await account.subscribe("a//b", subscribed=True)

    async def test_annotations_are_changes(
        self, account: AccountStore, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        before = await account.mailbox("INBOX")
        await account.annotations.write(
            inbox.id, {"/private/x": b"", "/shared/y": None}
        )
        await account.annotations.write(ACCOUNT, {"/private/x": b""})
        modseq = account.highest_modseq
        assert changes == [
            Annotated(modseq - 1, inbox.id, ("/private/x", "/shared/y")),
            Annotated(modseq, ACCOUNT, ("/private/x",)),
        ]
        assert await account.mailbox("INBOX") == before

    async def test_annotations(self, account: AccountStore, inbox: MailboxInfo) -> None:
        notes = account.annotations
        box = await account.create("a")
        for mailbox_id in (ACCOUNT, box.id):
            assert await notes.read(mailbox_id) == {}
            await notes.write(mailbox_id, {"/private/x": b"\0", "/private/y": b""})
            await notes.write(mailbox_id, {"/private/x": b"1", "/private/y": None})
            assert await notes.read(mailbox_id) == {"/private/x": b"1"}
        assert await notes.read(inbox.id) == {}
        with pytest.raises(AnnotationTooLongError):
            await notes.write(inbox.id, {"/private/x": bytes(64 * 1024 + 1)})
        with pytest.raises(TooManyAnnotationsError):
            await notes.write(inbox.id, {f"/private/{n}": b"" for n in range(201)})
        assert await notes.read(inbox.id) == {}
        await account.remove(box.id)
        with pytest.raises(NoSuchMailboxError):
            await notes.read(box.id)
        with pytest.raises(NoSuchMailboxError):
            await notes.write(box.id, {})

    async def test_annotations_by_the_beginning_of_their_names(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        notes, box = account.annotations, await account.create("a")
        assert await notes.named("acl:") == {}
        await notes.write(inbox.id, {"acl:1": b"lr", "/private/x": b"1"})
        await notes.write(box.id, {"acl:2": b"r", "acl:3": b"", "acl_4": b"x"})
        await notes.write(box.id, {"acl:2": None})
        await notes.write(ACCOUNT, {"/private/acl:": b"1"})
        assert await notes.named("acl:") == {
            inbox.id: {"acl:1": b"lr"},
            box.id: {"acl:3": b""},
        }
        await account.remove(box.id)
        assert set(await notes.named("acl:")) == {inbox.id}

    async def test_shares(self, store: Store) -> None:
        shares = store.shares
        assert list(await shares.owners(("1", "anyone"))) == []
        await shares.note(3, {"1", "2"})
        await shares.note(2, {"anyone"})
        await shares.note(5, {"2"})
        assert list(await shares.owners(("1", "anyone"))) == [2, 3]
        assert list(await shares.owners(("2",))) == [3, 5]
        await shares.note(3, {"1"})
        assert list(await shares.owners(("2",))) == [5]
        for gone in (1, 2):
            await store.account(gone)
            await store.remove(gone)
        await shares.note(6, {"anyone", "2"})
        assert list(await shares.owners(("1", "2", "anyone"))) == [6]

    async def test_a_change_of_flags_within_bounds(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        await account.append(
            inbox.id, [new_email(letter(), frozenset((SEEN, DELETED, "$Work")))]
        )
        only = FlagScope.SEEN | FlagScope.OTHERS
        change = FlagChange(FlagAction.REPLACE, frozenset(("$Play",)), only)
        done = await account.set_flags(inbox.id, [1], change)
        assert list(done.changed) == [1]
        view = await account.view(inbox.id)
        assert account.flags_of(view.flags[0]) == {DELETED, "$Play"}
        view.close()

    async def test_saved_dates(
        self, account: AccountStore, inbox: MailboxInfo, clock: FakeClock
    ) -> None:
        first = clock.at
        await put(account, inbox, letter())
        clock.at += 5
        await put(account, inbox, letter())
        dates = await account.saved_dates(inbox.id, [2, 1, 7])
        assert dates == [first + 5, first, None]
