"""What a mailbox remembers of keywords nobody uses any more."""

from pabal.store.flags import SEEN, FlagAction, FlagChange
from pabal.store.keywords import REMEMBERED_MAX
from pabal.store.ports import AccountStore, MailboxInfo
from tests.store.contract.fixtures import Fixtures
from tests.store.contract.letters import FakeClock, add, letter, put

APART_S = 86_400.0


def without(*flags: str) -> FlagChange:
    return FlagChange(FlagAction.REMOVE, frozenset(flags))


class KeywordContract(Fixtures):
    """Keywords that were lost."""

    async def test_flags_taken_away(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        await put(account, inbox, letter("1"), flags=frozenset({SEEN, "$A", "$B"}))
        assert await account.keywords.lost(inbox.id) == []
        await account.set_flags(inbox.id, [1], without("$a", SEEN))
        assert await account.keywords.lost(inbox.id) == ["$A"]
        replaced = FlagChange(FlagAction.REPLACE, frozenset({"$C"}))
        await account.set_flags(inbox.id, [1], replaced)
        assert sorted(await account.keywords.lost(inbox.id)) == ["$A", "$B"]

    async def test_messages_that_go(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        other = await account.create("Other")
        for keyword in ("$A", "$B"):
            await put(account, inbox, letter(), flags=frozenset({keyword}))
        await account.expunge(inbox.id, [1])
        assert await account.keywords.lost(inbox.id) == ["$A"]
        await account.move(inbox.id, [2], other.id)
        assert sorted(await account.keywords.lost(inbox.id)) == ["$A", "$B"]
        assert await account.keywords.lost(other.id) == []

    async def test_everything_moves_out_of_the_inbox(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        await put(account, inbox, letter(), flags=frozenset({"$A"}))
        await account.rename(inbox.id, "Old")
        assert await account.keywords.lost(inbox.id) == ["$A"]

    async def test_a_mailbox_that_goes_takes_them(self, account: AccountStore) -> None:
        box = await account.create("Box")
        await put(account, box, letter(), letter(), flags=frozenset({"$A"}))
        await account.expunge(box.id, [1])
        await account.rename(box.id, "Renamed")
        assert await account.keywords.lost(box.id) == ["$A"]
        await account.remove(box.id)
        assert list(await account.keywords.lost(box.id)) == []

    async def test_the_longest_unused_are_forgotten(
        self, account: AccountStore, inbox: MailboxInfo, clock: FakeClock
    ) -> None:
        await put(account, inbox, letter())
        names = [f"$k{number:03}" for number in range(REMEMBERED_MAX)]
        for name in (*names, names[0], "$new"):
            await account.set_flags(inbox.id, [1], add(name))
            await account.set_flags(inbox.id, [1], without(name))
            clock.at += APART_S
        expected = ["$new", names[0], *reversed(names[2:])]
        assert await account.keywords.lost(inbox.id) == expected
