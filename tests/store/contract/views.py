"""What views and watchers see."""

import asyncio

import pytest

from pabal.store.ports import (
    AccountStore,
    Added,
    Change,
    MailboxInfo,
    NoSuchMailboxError,
    Store,
)
from tests.store.contract.fixtures import Fixtures
from tests.store.contract.letters import (
    letter,
    put,
)


class ViewContract(Fixtures):
    """Views, changes, locks."""

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

    async def test_turns(self, store: Store, account: AccountStore) -> None:
        assert account.turns.take("pop3", 100.0, 10.0)
        assert not account.turns.take("pop3", 100.0, 10.0)
        assert not account.turns.take("pop3", 109.9, 10.0)
        assert account.turns.take("else", 109.9, 10.0)
        assert (await store.account(18)).turns.take("pop3", 109.9, 10.0)
        assert account.turns.take("pop3", 110.0, 10.0)
        assert not account.turns.take("pop3", 119.0, 10.0)
        # The clock was put back: nobody is kept out until it is as late again.
        assert account.turns.take("pop3", 50.0, 10.0)
        assert not account.turns.take("pop3", 50.0, 10.0)
