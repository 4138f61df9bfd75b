"""What was expunged and comes back."""

from pabal.store.flags import DELETED, SEEN
from pabal.store.ports import (
    AccountStore,
    Added,
    Change,
    Column,
    EmailId,
    MailboxInfo,
)
from pabal.store.undelete import Gone, Kept, UndeleteAccount
from tests.store.contract.fixtures import Fixtures
from tests.store.contract.letters import NOW, FakeClock, letter, new_email, put, whole


async def append(
    account: AccountStore, box: MailboxInfo, subjects: str, *flags: str
) -> list[EmailId]:
    news = [new_email(letter(one), frozenset(flags)) for one in subjects]
    return [one.email_id for one in await account.append(box.id, news)]


class UndeleteContract(Fixtures):
    """A subclass's accounts are ``UndeleteAccount``, and keep for 600 s."""

    async def test_listed_and_counted(
        self, account: UndeleteAccount, inbox: MailboxInfo, clock: FakeClock
    ) -> None:
        first, second = await append(account, inbox, "ab", SEEN)
        assert await account.undeletion.kept() == Kept(0, 0)
        await account.expunge(inbox.id, [1])
        clock.at += 5
        await account.expunge(inbox.id, [2])
        size = len(letter("a"))
        seen = frozenset({SEEN})
        gone = [
            Gone(first, "INBOX", 1, seen, size, NOW),
            Gone(second, "INBOX", 2, seen, size, NOW + 5),
        ]
        assert await account.undeletion.gone() == gone
        assert await account.undeletion.gone(since=NOW + 1) == gone[1:]
        assert await account.undeletion.gone(after=first) == gone[1:]
        assert await account.undeletion.kept() == Kept(2, 2 * size)

    async def test_brought_back(
        self,
        account: UndeleteAccount,
        inbox: MailboxInfo,
        changes: list[Change],
    ) -> None:
        emails = await append(account, inbox, "ab", SEEN, DELETED, "$x")
        await account.expunge(inbox.id, [1, 2])
        before = account.highest_modseq
        back = await account.undeletion.restore([*emails[::-1], 999], inbox.id)
        assert back == emails
        added = changes[-1]
        assert isinstance(added, Added)
        assert (list(added.uids), added.modseq) == ([3, 4], before + 1)
        info = await account.mailbox("INBOX")
        assert (info.message_count, info.deleted_count, info.uid_next) == (2, 0, 5)
        assert info.size_octets == 2 * len(letter("a"))
        view = await account.view(inbox.id)
        assert account.flags_of(view.flags[0]) == {SEEN, "$x"}
        assert await whole(account.octets(view.emails[1])) == letter("b")
        view.close()
        assert await account.undeletion.gone() == []
        assert await account.undeletion.restore(emails, inbox.id) == []
        assert await account.undeletion.restore([], inbox.id) == []
        assert await account.expunged_since(inbox.id, 0) == [1, 2]

    async def test_what_is_somewhere_else_is_not_gone(
        self, account: UndeleteAccount, inbox: MailboxInfo
    ) -> None:
        trash = await account.create("Trash")
        await put(account, inbox, letter("a"), letter("b"))
        await account.move(inbox.id, [1], trash.id)
        await account.copy(inbox.id, [2], trash.id)
        await account.expunge(inbox.id, [2])
        assert await account.undeletion.gone() == []
        await account.expunge(trash.id, [1, 2])
        gone = await account.undeletion.gone()
        assert [(one.mailbox, one.uid) for one in gone] == [("Trash", 1), ("Trash", 2)]

    async def test_of_a_removed_mailbox(
        self, account: UndeleteAccount, inbox: MailboxInfo
    ) -> None:
        box = await account.create("a/b")
        await put(account, box, letter("a"))
        await account.remove(box.id)
        (gone,) = await account.undeletion.gone()
        assert (gone.mailbox, gone.uid) == ("a/b", 1)
        again = await account.create("a/b")
        assert await account.undeletion.restore([gone.email_id], again.id) == [
            gone.email_id
        ]
        assert (await account.mailbox("a/b")).message_count == 1

    async def test_thrown_away(
        self, account: UndeleteAccount, inbox: MailboxInfo, clock: FakeClock
    ) -> None:
        emails = await append(account, inbox, "abc")
        await account.expunge(inbox.id, [1])
        clock.at += 10
        await account.expunge(inbox.id, [2])
        await account.undeletion.restore(emails[:1], inbox.id)
        assert await account.undeletion.discard(NOW + 9) == 0
        assert await account.undeletion.discard(NOW + 10) == 1
        assert await account.undeletion.kept() == Kept(0, 0)
        rows = await account.read(emails, [Column.SIZE])
        assert [row is not None for row in rows] == [True, False, True]
        assert await account.undeletion.restore(emails, inbox.id) == []
