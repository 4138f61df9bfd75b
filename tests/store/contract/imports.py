"""What comes from another server."""

import pytest

from pabal.store.flags import FLAGGED, SEEN
from pabal.store.imports import UID_VALIDITY_MAX, ImportAccount, Imported, Origin
from pabal.store.limits import Limits
from pabal.store.ports import Added, Change, MailboxInfo, OverQuotaError
from tests.store.contract.fixtures import Fixtures
from tests.store.contract.letters import NOW, letter, new_email, put

SOURCE = 2**63 - 1


def imported(key: int, uid: int = 0, uidl: str = "", *flags: str) -> Imported:
    spool = new_email(letter(str(key))).spool
    return Imported(spool, NOW - key, key, frozenset(flags), uid, uidl)


class ImportContract(Fixtures):
    """A subclass's accounts are ``ImportAccount``."""

    async def test_uids_stay(
        self, account: ImportAccount, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        assert await account.imports.adopt(inbox.id, 77)
        emails = [imported(1, 5), imported(2, 6), imported(3, 9), imported(4)]
        done = await account.imports.put(inbox.id, SOURCE, emails)
        assert [(one.uid_validity, one.uid) for one in done if one] == [
            (77, 5),
            (77, 6),
            (77, 9),
            (77, 10),
        ]
        now = await account.mailbox("INBOX")
        assert (now.uid_validity, now.uid_next, now.message_count) == (77, 11, 4)
        view = await account.view(inbox.id)
        assert list(view.uids) == [5, 6, 9, 10]
        view.close()
        told = [uid for one in changes if isinstance(one, Added) for uid in one.uids]
        assert told == [5, 6, 9, 10]

    async def test_within_limits(
        self, account: ImportAccount, inbox: MailboxInfo, changes: list[Change]
    ) -> None:
        imports = account.imports
        await imports.put(inbox.id, SOURCE, [imported(1)], Limits(messages=1))
        size = (await account.mailbox("INBOX")).size_octets
        changes.clear()
        for limits in (Limits(messages=2), Limits(octets=3 * size - 1)):
            with pytest.raises(OverQuotaError):
                await imports.put(
                    inbox.id, SOURCE, [imported(2, 7), imported(3)], limits
                )
        assert not changes
        assert (await account.mailbox("INBOX")).uid_next == 2
        assert await imports.count(SOURCE) == 1
        # What is here already needs no room.
        done = await imports.put(
            inbox.id, SOURCE, [imported(1), imported(2)], Limits(messages=2)
        )
        assert [one is None for one in done] == [True, False]

    async def test_uids_below_are_given_anew(
        self, account: ImportAccount, inbox: MailboxInfo
    ) -> None:
        await put(account, inbox, letter(), letter(), letter())
        emails = [imported(1, 2), imported(2, 3), imported(3, 7)]
        done = await account.imports.put(inbox.id, SOURCE, emails)
        assert [one.uid for one in done if one] == [4, 5, 7]

    async def test_validity_of_an_empty_mailbox_only(
        self, account: ImportAccount, inbox: MailboxInfo
    ) -> None:
        imports = account.imports
        assert not await imports.adopt(inbox.id, 0)
        assert not await imports.adopt(inbox.id, UID_VALIDITY_MAX + 1)
        assert await imports.adopt(inbox.id, int(NOW) + 100)
        assert await imports.adopt(inbox.id, int(NOW) + 100)
        await put(account, inbox, letter())
        await account.expunge(inbox.id, [1])
        assert not await imports.adopt(inbox.id, 78)
        made = await account.create("later")
        assert made.uid_validity > int(NOW) + 100  # greater than any before

    async def test_nothing_twice(
        self, account: ImportAccount, inbox: MailboxInfo
    ) -> None:
        imports = account.imports
        await imports.put(inbox.id, SOURCE, [imported(1), imported(2)])
        again = [imported(2), imported(3), imported(3)]
        done = await imports.put(inbox.id, SOURCE, again)
        assert [one and one.uid for one in done] == [None, 3, None]
        other = await imports.put(inbox.id, 5, [imported(1)])
        assert [one and one.uid for one in other] == [4]
        assert await imports.count(SOURCE) == 3
        assert await imports.count(6) == 0

    async def test_what_became_of_them(
        self, account: ImportAccount, inbox: MailboxInfo
    ) -> None:
        imports = account.imports
        await imports.put(inbox.id, SOURCE, [imported(1, 4, "", SEEN, "$Work")])
        await account.expunge(inbox.id, [4])
        origin = Origin(inbox.id, 4, frozenset({SEEN, "$Work"}))
        assert await imports.known(SOURCE, [1, 2]) == {1: origin}
        assert await imports.known(SOURCE, []) == {}
        assert await imports.known(8, [1]) == {}
        await imports.note_flags(SOURCE, {1: frozenset({FLAGGED}), 2: frozenset()})
        known = await imports.known(SOURCE, [1])
        assert known[1].flags == {FLAGGED}
        assert await imports.forget() == 1
        assert await imports.count(SOURCE) == 0

    async def test_a_removed_mailbox_can_be_imported_again(
        self, account: ImportAccount
    ) -> None:
        for _ in range(2):
            box = await account.create("a")
            done = await account.imports.put(box.id, SOURCE, [imported(1, 0, "old")])
            assert [one and one.uid for one in done] == [1]
            assert await account.imports.uidls(box.id, [1]) == {1: "old"}
            await account.remove(box.id)
            assert await account.imports.known(SOURCE, [1]) == {}

    async def test_unique_ids_stay(
        self, account: ImportAccount, inbox: MailboxInfo
    ) -> None:
        emails = [imported(1, 0, "00000001"), imported(2), imported(3, 0, "x" * 71)]
        await account.imports.put(inbox.id, SOURCE, emails)
        assert await account.imports.uidls(inbox.id, [1, 2, 3, 4]) == {1: "00000001"}
        assert await account.imports.uidls(inbox.id, []) == {}
