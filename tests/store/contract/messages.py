"""What messages do."""

import asyncio

import pytest

from pabal.store.flags import (
    DELETED,
    FLAGGED,
    NO_FLAGS,
    SEEN,
    FlagAction,
    FlagChange,
)
from pabal.store.limits import Limits
from pabal.store.ports import (
    BLOB_CHUNK_OCTETS,
    AccountStore,
    Added,
    Change,
    Column,
    Copied,
    Expunged,
    MailboxInfo,
    NoSuchMailboxError,
    OverQuotaError,
    Reflagged,
    StoreError,
)
from tests.store.contract.fixtures import Fixtures
from tests.store.contract.letters import (
    NOW,
    FakeClock,
    add,
    letter,
    new_email,
    plain,
    put,
    whole,
)


class MessageContract(Fixtures):
    """Append, read, flags, copy, move, expunge."""

    async def test_many_at_once_stay_within_limits(
        self, account: AccountStore, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        other = await account.create("Other")
        await put(account, other, letter("x"))
        changes.clear()
        news = [new_email(letter(str(number))) for number in range(9)]
        size = news[0].spool.size
        for limits, more in ((Limits(messages=4), 3), (Limits(octets=6 * size), 2)):
            done = await asyncio.gather(
                *[account.append(inbox.id, [new], None, limits) for new in news],
                return_exceptions=True,
            )
            kinds = [type(one) for one in done]
            assert kinds == [list] * more + [OverQuotaError] * (9 - more)
            assert len(changes) == more
            changes.clear()
        # All of one command, or nothing.
        with pytest.raises(OverQuotaError):
            await account.append(inbox.id, news[:2], None, Limits(messages=7))
        now = await account.mailbox("INBOX")
        assert (now.message_count, now.uid_next) == (5, 6)
        # What is replaced makes room.
        full = Limits(now.size_octets + (await account.mailbox("Other")).size_octets, 6)
        (one,) = await account.append(inbox.id, news[:1], (inbox.id, 1), full)
        assert one.uid == 6

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

    async def test_append_to_the_first_of_some_names(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        names = ("tag", "INBOX")
        (one,) = await account.append(names, [new_email(letter("1"))])
        assert (one.mailbox_id, one.mailbox, one.uid) == (inbox.id, "INBOX", 1)
        tag = await account.create("tag")
        (one,) = await account.append(names, [new_email(letter("2"))])
        assert (one.mailbox_id, one.mailbox, one.uid) == (tag.id, "tag", 1)
        with pytest.raises(NoSuchMailboxError, match="nowhere"):
            await account.append(("nowhere", "nor here"), [new_email(letter("3"))])

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

    async def test_header_fields(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        octets = b"From: a@b\r\nSubject: x\r\n\tfolded\r\nTo: c@d\r\n\r\nHello"
        (done,) = await account.append(inbox.id, [new_email(octets)])
        wanted = b"Subject: x\r\n\tfolded\r\nTo: c@d\r\n\r\n"
        for _ in range(2):
            found = await account.headers.fields(
                [done.email_id, 9999], [b"SUBJECT", b"to", b"cc"]
            )
            assert list(found) == [wanted, None]

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
            await account.set_flags(inbox.id, [1], add(*many))
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

    async def test_copies_stay_within_limits(
        self, account: AccountStore, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        other = await account.create("Other")
        await put(account, inbox, letter("1"), letter("2"))
        size = (await account.mailbox("INBOX")).size_octets
        changes.clear()
        for limits in (Limits(messages=3), Limits(octets=2 * size - 1)):
            with pytest.raises(OverQuotaError):
                await account.copy(inbox.id, [1, 2], other.id, limits)
        assert not changes
        # What is gone needs no room.
        one = await account.copy(inbox.id, [1, 9], other.id, Limits(messages=3))
        assert list(one.sources) == [1]
        # All at once: as many as there is room for.
        done = await asyncio.gather(
            *(
                account.copy(inbox.id, [2], other.id, Limits(messages=5))
                for _ in range(5)
            ),
            return_exceptions=True,
        )
        kinds = [type(one) for one in done]
        assert kinds == [Copied] * 2 + [OverQuotaError] * 3
        assert (await account.mailbox("Other")).message_count == 3
        # A move takes nothing more.
        moved = await account.move(inbox.id, [1, 2], other.id)
        assert list(moved.sources) == [1, 2]

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

    async def test_append_in_place_of_another(
        self, account: AccountStore, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        target = await account.create("a")
        await put(account, inbox, letter("1"), letter("2"), letter("3"))
        view = await account.view(inbox.id)
        changes.clear()
        (one,) = await account.append(
            inbox.id, [new_email(letter("new"))], replacing=(inbox.id, 2)
        )
        assert one.uid == 4
        assert list(view.uids) == [1, 3, 4]
        assert plain(changes) == [
            Added(one.modseq, inbox.id, [4]),
            Expunged(one.modseq, inbox.id, [2]),
        ]
        now = await account.mailbox("INBOX")
        assert (now.message_count, now.uid_next) == (3, 5)
        assert now.size_octets == sum(len(letter(text)) for text in ("1", "3", "new"))
        assert await account.expunged_since(inbox.id, one.modseq - 1) == [2]
        (other,) = await account.append(
            target.id, [new_email(letter("elsewhere"))], replacing=(inbox.id, 4)
        )
        assert (other.mailbox, other.uid) == ("a", 1)
        assert list(view.uids) == [1, 3]
        changes.clear()
        for gone, error in (((inbox.id, 4), StoreError), ((999, 1), StoreError)):
            with pytest.raises(error):
                await account.append(inbox.id, [new_email(letter("x"))], replacing=gone)
        assert not changes, "nothing was written"
        assert (await account.mailbox("INBOX")).message_count == 2

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
        assert await account.claim_recent(inbox.id, claim=False) == 1
        assert await account.claim_recent(inbox.id) == 1
        assert await account.claim_recent(inbox.id, claim=False) == 3
        assert await account.claim_recent(inbox.id) == 3
        with pytest.raises(NoSuchMailboxError):
            await account.claim_recent(999)
