"""What every adapter of the store must do: run against each by a subclass."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from pabal.message.spool import Spool
from pabal.store.flags import (
    DELETED,
    FLAGGED,
    NO_FLAGS,
    SEEN,
    FlagAction,
    FlagChange,
    Flags,
)
from pabal.store.ports import (
    BLOB_CHUNK_OCTETS,
    AccountStore,
    Added,
    Change,
    Column,
    Expunged,
    MailboxChanged,
    MailboxEvent,
    MailboxExistsError,
    MailboxInfo,
    MailboxNameError,
    NewEmail,
    NoSuchMailboxError,
    Reflagged,
    Store,
    StoreError,
)
from pabal.store.predicate import (
    All,
    Any,
    Contains,
    DateBetween,
    DateField,
    EmailIn,
    Everything,
    HasFlag,
    HeaderContains,
    LargerThan,
    ModifiedSince,
    Not,
    Predicate,
    SmallerThan,
    TextField,
    ThreadIn,
    UidsIn,
)

NOW = 1_700_000_000.0
ADD = FlagAction.ADD


class FakeClock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


class Bell:
    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, subject: str) -> None:
        self.rung.append(subject)


def letter(
    subject: str = "hello", body: str = "How are you?", extra: str = ""
) -> bytes:
    text = (
        f"From: Alice <alice@example.com>\r\nTo: bob@example.com\r\n"
        f"Subject: {subject}\r\nDate: Tue, 14 Nov 2023 23:30:00 +0900\r\n{extra}"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
    )
    return text.encode()


def new_email(
    octets: bytes, flags: Flags = NO_FLAGS, received_at: float = NOW
) -> NewEmail:
    spool = Spool()
    spool.write(octets)
    return NewEmail(spool, received_at, flags)


async def put(
    account: AccountStore,
    box: MailboxInfo,
    *octets: bytes,
    flags: Flags = NO_FLAGS,
    received_at: float = NOW,
) -> list[int]:
    news = [new_email(one, flags, received_at) for one in octets]
    return [one.uid for one in await account.append(box.id, news)]


async def whole(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


def add(*flags: str) -> FlagChange:
    return FlagChange(ADD, frozenset(flags))


def plain(changes: Sequence[Change]) -> list[Change]:
    """Return ``changes`` with their UIDs as lists, so that they compare."""
    return [
        change
        if isinstance(change, MailboxChanged)
        else replace(change, uids=list(change.uids))
        for change in changes
    ]


class StoreContract:
    """Tests; a subclass has a fixture ``store`` and one ``clock``."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    async def account(self, store: Store) -> AccountStore:
        return await store.account(17)

    @pytest.fixture
    async def inbox(self, account: AccountStore) -> MailboxInfo:
        return await account.mailbox("INBOX")

    @pytest.fixture
    def changes(self, account: AccountStore) -> list[Change]:
        seen: list[Change] = []
        account.watch(seen.append)
        return seen

    # Mailboxes

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
        with pytest.raises(NoSuchMailboxError):
            await account.subscribe("b", subscribed=True)

    # Messages

    async def test_append(
        self, account: AccountStore, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        octets = [letter("1"), letter("2", "a longer text")]
        news = [
            new_email(octets[0], frozenset({SEEN})),
            new_email(octets[1], frozenset({DELETED, "$Junk"})),
        ]
        done = await account.append(inbox.id, news)
        assert [one.uid for one in done] == [1, 2]
        assert done[0].email_id < done[1].email_id
        assert {one.modseq for one in done} == {account.highest_modseq}
        assert plain(changes) == [Added(account.highest_modseq, inbox.id, [1, 2])]
        now = await account.mailbox("INBOX")
        assert (now.message_count, now.unseen_count, now.deleted_count) == (2, 1, 1)
        assert now.size_octets == len(octets[0]) + len(octets[1])
        assert (now.uid_next, now.highest_modseq) == (3, account.highest_modseq)
        for one, expected in zip(done, octets, strict=True):
            assert await whole(account.octets(one.email_id)) == expected
        assert news[0].spool.octets() == octets[0], "the spool stays the caller's"

    async def test_append_nothing(
        self, account: AccountStore, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        assert list(await account.append(inbox.id, [])) == []
        assert not changes

    async def test_a_big_message_in_chunks(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        octets = letter(body="0123456789abcdef" * 65_536)
        done = await account.append(inbox.id, [new_email(octets)])
        email = done[0].email_id
        assert await whole(account.octets(email)) == octets
        pieces = [len(piece) async for piece in account.octets(email)]
        assert max(pieces) <= BLOB_CHUNK_OCTETS
        for start, length in (
            (0, 1),
            (5, 300),
            (BLOB_CHUNK_OCTETS - 3, 7),
            (200, BLOB_CHUNK_OCTETS * 2),
            (len(octets) - 1, 5),
            (len(octets), 5),
            (len(octets) + 10, None),
            (7, None),
            (0, 0),
        ):
            end = len(octets) if length is None else start + length
            got = await whole(account.octets(email, start, length))
            assert got == octets[start:end]
        rows = await account.read([email], [Column.OCTETS, Column.SIZE, Column.HEADER])
        assert rows[0] is not None
        header = octets[: octets.index(b"\r\n\r\n") + 4]
        assert rows[0] == (None, len(octets), header)

    async def test_read(self, account: AccountStore, inbox: MailboxInfo) -> None:
        octets = [letter("하나"), letter("둘"), b"no header at all"]
        done = await account.append(inbox.id, [new_email(one) for one in octets])
        first, second, third = (one.email_id for one in done)
        rows = await account.read(
            [third, 10_000, first, first],
            [Column.OCTETS, Column.SIZE, Column.RECEIVED],
        )
        assert list(rows) == [
            (octets[2], len(octets[2]), NOW),
            None,
            (octets[0], len(octets[0]), NOW),
            (octets[0], len(octets[0]), NOW),
        ]
        rows = await account.read([second, 10_000, third], [Column.SENT])
        assert list(rows) == [(1_699_972_200.0,), None, (None,)]
        every = (await account.read([first], list(Column)))[0]
        assert every is not None
        by_name = dict(zip(Column, every, strict=True))
        envelope, preview = by_name[Column.ENVELOPE], by_name[Column.PREVIEW]
        assert isinstance(envelope, bytes)
        assert b"alice" in envelope
        assert preview == "How are you?"
        assert isinstance(by_name[Column.BODYSTRUCTURE], bytes)
        assert isinstance(by_name[Column.BODY], bytes)
        assert list(await account.read([], [Column.SIZE])) == []

    async def test_octets_of_an_email_that_never_was(
        self, account: AccountStore
    ) -> None:
        with pytest.raises(StoreError):
            await whole(account.octets(4_711))

    async def test_threads(self, account: AccountStore, inbox: MailboxInfo) -> None:
        done = await account.append(
            inbox.id,
            [
                new_email(letter("a", extra="Message-ID: <1@example.com>\r\n")),
                new_email(letter("b", extra="Message-ID: <2@example.com>\r\n")),
                new_email(
                    letter(
                        "Re: a",
                        extra="Message-ID: <3@example.com>\r\n"
                        "References: <1@example.com>\r\n",
                    )
                ),
                new_email(letter("none")),
            ],
        )
        rows = await account.read([one.email_id for one in done], [Column.THREAD])
        threads = [row[0] for row in rows if row]
        assert threads[0] == threads[2]
        assert len(set(threads)) == 3

    async def test_flags(
        self, account: AccountStore, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        await put(account, inbox, *[letter(str(number)) for number in range(4)])
        changes.clear()
        done = await account.set_flags(inbox.id, [1, 3, 99], add(SEEN, "$Work"))
        assert list(done.changed) == [1, 3]
        assert done.modseq == account.highest_modseq
        assert plain(changes) == [Reflagged(done.modseq, inbox.id, [1, 3])]
        again = await account.set_flags(inbox.id, [1], add(SEEN))
        assert not again.changed
        assert again.modseq == done.modseq == account.highest_modseq
        view = await account.view(inbox.id)
        names = [account.flags_of(number) for number in view.flags]
        assert names == [{SEEN, "$Work"}, NO_FLAGS, {SEEN, "$Work"}, NO_FLAGS]
        assert view.flags[0] == view.flags[2]
        assert view.mailbox.unseen_count == 2
        only = FlagChange(FlagAction.REPLACE, frozenset({DELETED}))
        await account.set_flags(inbox.id, range(1, 5), only)
        assert view.mailbox.deleted_count == 4
        assert view.mailbox.unseen_count == 4
        remove = FlagChange(FlagAction.REMOVE, frozenset({DELETED}))
        await account.set_flags(inbox.id, range(1, 3), remove)
        assert view.mailbox.deleted_count == 2

    async def test_keywords_fold_to_the_first_spelling(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        await put(account, inbox, letter(), flags=frozenset({"$Forwarded"}))
        await put(account, inbox, letter(), flags=frozenset({"$FORWARDED", "\\SEEN"}))
        view = await account.view(inbox.id)
        assert account.flags_of(view.flags[0]) == {"$Forwarded"}
        assert account.flags_of(view.flags[1]) == {"$Forwarded", SEEN}
        remove = FlagChange(FlagAction.REMOVE, frozenset({"$forwarded"}))
        await account.set_flags(inbox.id, [1, 2], remove)
        assert account.flags_of(view.flags[0]) == NO_FLAGS

    async def test_too_many_keywords_change_nothing(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        await put(account, inbox, letter())
        many = frozenset([f"key{number}" for number in range(1_100)])
        before = account.highest_modseq
        with pytest.raises(StoreError):
            await account.set_flags(inbox.id, [1], FlagChange(ADD, many))
        with pytest.raises(StoreError):
            await put(account, inbox, letter(), flags=many)
        assert account.highest_modseq == before
        assert (await account.mailbox("INBOX")).message_count == 1
        await account.set_flags(inbox.id, [1], add("$Fine"))
        view = await account.view(inbox.id)
        assert account.flags_of(view.flags[0]) == {"$Fine"}

    async def test_flags_unchanged_since(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        await put(account, inbox, letter("1"), letter("2"), letter("3"))
        known = account.highest_modseq
        changed = await account.set_flags(inbox.id, [2], add(FLAGGED))
        done = await account.set_flags(inbox.id, [1, 2, 3], add(SEEN), known)
        assert list(done.changed) == [1, 3]
        assert list(done.refused) == [2]
        view = await account.view(inbox.id)
        assert view.modseqs[1] == changed.modseq
        assert view.modseqs[0] == done.modseq

    async def test_copy(
        self, account: AccountStore, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        target = await account.create("a")
        await put(account, target, letter("there"))
        flags = frozenset({SEEN})
        await put(account, inbox, letter("1"), letter("2"), letter("3"), flags=flags)
        changes.clear()
        done = await account.copy(inbox.id, [3, 1, 77], target.id)
        assert list(done.sources) == [1, 3]
        assert list(done.targets) == [2, 3]
        assert done.uid_validity == target.uid_validity
        mine, theirs = await account.view(inbox.id), await account.view(target.id)
        assert list(theirs.emails[1:]) == [mine.emails[0], mine.emails[2]]
        assert list(theirs.flags[1:]) == [mine.flags[0], mine.flags[2]]
        assert [type(change) for change in changes] == [Added]
        assert theirs.mailbox.message_count == 3
        assert theirs.mailbox.unseen_count == 1
        none = await account.copy(inbox.id, [77], target.id)
        assert not none.sources
        with pytest.raises(NoSuchMailboxError):
            await account.copy(inbox.id, [1], 999)
        await account.expunge(inbox.id, [1])
        email = theirs.emails[1]
        assert await whole(account.octets(email)) == letter("1")

    async def test_copy_into_itself(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        await put(account, inbox, letter("1"))
        done = await account.copy(inbox.id, [1], inbox.id)
        assert list(done.targets) == [2]
        view = await account.view(inbox.id)
        assert view.emails[0] == view.emails[1]
        assert view.mailbox.size_octets == 2 * len(letter("1"))

    async def test_move(
        self, account: AccountStore, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        target = await account.create("a")
        await put(account, inbox, letter("1"), letter("2"), letter("3"))
        changes.clear()
        done = await account.move(inbox.id, [2, 3], target.id)
        assert (list(done.sources), list(done.targets)) == ([2, 3], [1, 2])
        assert plain(changes) == [
            Added(done.modseq, target.id, [1, 2]),
            Expunged(done.modseq, inbox.id, [2, 3]),
        ]
        now = await account.mailbox("INBOX")
        assert (now.message_count, now.uid_next) == (1, 4)
        there = await account.mailbox("a")
        assert (there.message_count, there.uid_next) == (2, 3)
        view = await account.view(target.id)
        assert await whole(account.octets(view.emails[0])) == letter("2")

    async def test_expunge(
        self, account: AccountStore, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        await put(account, inbox, *[letter(str(number)) for number in range(6)])
        view = await account.view(inbox.id)
        uids, shown = view.uids, len(view.uids)
        before = account.highest_modseq
        changes.clear()
        assert list(await account.expunge(inbox.id, [2, 3, 6, 9])) == [2, 3, 6]
        assert list(uids[:shown]) == [1, 2, 3, 4, 5, 6], "the old array stays"
        assert list(view.uids) == [1, 4, 5]
        assert len(view.emails) == len(view.flags) == len(view.modseqs) == 3
        assert plain(changes) == [Expunged(account.highest_modseq, inbox.id, [2, 3, 6])]
        assert list(await account.expunge(inbox.id, [2])) == []
        assert len(changes) == 1
        assert await account.expunged_since(inbox.id, before) == [2, 3, 6]
        assert await account.expunged_since(inbox.id, account.highest_modseq) == []
        await put(account, inbox, letter("new"))
        assert list(view.uids) == [1, 4, 5, 7], "a UID is never used again"
        assert view.mailbox.message_count == 4

    async def test_expunged_octets_stay_a_while(
        self, account: AccountStore, inbox: MailboxInfo, clock: FakeClock
    ) -> None:
        news = [new_email(letter(str(number))) for number in range(3)]
        emails = [one.email_id for one in await account.append(inbox.id, news)]
        other = await account.create("kept")
        await account.copy(inbox.id, [2], other.id)
        await account.expunge(inbox.id, [1, 2, 3])
        assert None not in await account.read(emails, [Column.SIZE])
        assert await whole(account.octets(emails[0])) == letter("0")
        clock.at += 601
        await put(account, inbox, letter("another"))
        rows = await account.read(emails, [Column.SIZE, Column.OCTETS])
        assert [row is None for row in rows] == [True, False, True]

    async def test_claim_recent(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        assert await account.claim_recent(inbox.id) == 1
        await put(account, inbox, letter("1"), letter("2"))
        assert await account.claim_recent(inbox.id) == 1
        assert await account.claim_recent(inbox.id) == 3
        with pytest.raises(NoSuchMailboxError):
            await account.claim_recent(999)

    # Views and changes

    async def test_a_view_moves_forward_in_place(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        view = await account.view(inbox.id)
        other = await account.view(inbox.id)
        uids = view.uids
        await put(account, inbox, letter("1"), letter("2"))
        assert view.uids is uids
        assert list(uids) == [1, 2]
        assert other.uids is uids
        assert list(view.modseqs) == [account.highest_modseq] * 2
        other.close()
        other.close()
        await put(account, inbox, letter("3"))
        assert list(view.uids) == [1, 2, 3]
        view.close()
        again = await account.view(inbox.id)
        assert list(again.uids) == [1, 2, 3]
        assert (again.uids.typecode, again.emails.typecode) == ("I", "Q")
        assert (again.flags.typecode, again.modseqs.typecode) == ("I", "Q")

    async def test_changes_come_in_order(
        self, account: AccountStore, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        await asyncio.gather(
            *[put(account, inbox, letter(str(number))) for number in range(20)],
            *[account.create(f"box {number}") for number in range(5)],
        )
        modseqs = [change.modseq for change in changes]
        assert modseqs == sorted(modseqs)
        assert len(set(modseqs)) == 25
        added = [uid for one in changes if isinstance(one, Added) for uid in one.uids]
        assert added == list(range(1, 21))

    async def test_a_view_is_ahead_of_the_watcher(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        view = await account.view(inbox.id)
        seen: list[tuple[int, int]] = []

        def watcher(change: Change) -> None:
            seen.append((len(view.uids), view.mailbox.message_count))

        stop = account.watch(watcher)
        await put(account, inbox, letter())
        assert seen == [(1, 1)]
        stop()
        stop()
        await put(account, inbox, letter())
        assert len(seen) == 1

    async def test_a_view_of_nothing(self, account: AccountStore) -> None:
        with pytest.raises(NoSuchMailboxError):
            await account.view(999)

    async def test_lock(self, store: Store, account: AccountStore) -> None:
        release = account.try_lock("pop3")
        assert release is not None
        assert account.try_lock("pop3") is None
        other = await store.account(18)
        elsewhere = other.try_lock("pop3")
        assert elsewhere is not None
        elsewhere()
        release()
        again = account.try_lock("pop3")
        assert again is not None
        again()

    # Search

    @pytest.fixture
    async def filled(
        self, account: AccountStore, inbox: MailboxInfo, clock: FakeClock
    ) -> MailboxInfo:
        await put(account, inbox, letter("회의", "내일 회의를 합니다"))
        await put(account, inbox, letter("Lunch", "noodles"), flags=frozenset({SEEN}))
        clock.at += 86_400
        await put(
            account,
            inbox,
            letter(
                "Re: Lunch", "x" * 2_000, "X-Loop: Yes\r\nCc: carol@example.com\r\n"
            ),
            received_at=NOW + 86_400,
        )
        await put(account, inbox, b"\r\nno header")
        return inbox

    @pytest.mark.parametrize(
        ("predicate", "expected"),
        [
            (Everything(), [1, 2, 3, 4]),
            (HasFlag("\\seen"), [2]),
            (HasFlag("$never"), []),
            (Not(HasFlag(SEEN)), [1, 3, 4]),
            (UidsIn([(2, 3), (4, 900), (50, 60)]), [2, 3, 4]),
            (UidsIn([]), []),
            (LargerThan(1_000), [3]),
            (SmallerThan(1_000), [1, 2, 4]),
            (DateBetween(DateField.RECEIVED, NOW + 1, NOW + 90_000), [3]),
            (DateBetween(DateField.SAVED, NOW + 1, NOW + 90_000), [3, 4]),
            # 23:30 +0900 is the 14th there, whatever UTC says.
            (DateBetween(DateField.SENT, 1_699_920_000, 1_700_006_400), [1, 2, 3]),
            (DateBetween(DateField.SENT, 1_700_006_400, 1_800_000_000), []),
            (Contains(TextField.BODY, "회의"), [1]),
            (Contains(TextField.BODY, "alice"), []),
            (Contains(TextField.TEXT, "ALICE"), [1, 2, 3]),
            (Contains(TextField.SUBJECT, "lunch"), [2, 3]),
            (Contains(TextField.FROM, "Alice@"), [1, 2, 3]),
            (Contains(TextField.TO, "bob"), [1, 2, 3]),
            (Contains(TextField.CC, "carol"), [3]),
            (Contains(TextField.BCC, "carol"), []),
            (HeaderContains("x-loop", ""), [3]),
            (HeaderContains("X-Loop", "yes"), [3]),
            (HeaderContains("X-Loop", "no"), []),
            (All([Not(HasFlag(SEEN)), Contains(TextField.SUBJECT, "lunch")]), [3]),
            (Any([HasFlag(SEEN), LargerThan(1_000)]), [2, 3]),
            (All([]), [1, 2, 3, 4]),
            (Any([]), []),
            (Not(All([Everything(), UidsIn([(1, 3)])])), [4]),
            (ThreadIn(frozenset({999})), []),
        ],
    )
    async def test_search(
        self,
        account: AccountStore,
        filled: MailboxInfo,
        predicate: Predicate,
        expected: Sequence[int],
    ) -> None:
        assert list(await account.search(filled.id, predicate)) == expected

    async def test_search_by_ids(
        self, account: AccountStore, filled: MailboxInfo
    ) -> None:
        view = await account.view(filled.id)
        await account.set_flags(filled.id, [1], add(FLAGGED))
        found = await account.search(filled.id, ModifiedSince(account.highest_modseq))
        assert list(found) == [1]
        found = await account.search(filled.id, EmailIn(frozenset({view.emails[2]})))
        assert list(found) == [3]
        rows = await account.read([view.emails[1]], [Column.THREAD])
        thread = rows[0][0] if rows[0] else None
        assert isinstance(thread, int)
        found = await account.search(filled.id, ThreadIn(frozenset({thread})))
        assert 2 in found
        with pytest.raises(NoSuchMailboxError):
            await account.search(999, Everything())

    async def test_search_an_empty_mailbox(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        assert list(await account.search(inbox.id, Everything())) == []
        assert list(await account.search(inbox.id, Not(HasFlag(SEEN)))) == []
