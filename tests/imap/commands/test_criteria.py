"""What a search asks of the store."""

import pytest

from pabal.store.memory.account import MemoryAccount
from pabal.store.ports import MailboxId, Uid
from pabal.store.predicate import Predicate
from tests.imap.rig import Rig, letter


class Asked:
    """Counts what the store is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        ask = MemoryAccount.search

        async def search(
            account: MemoryAccount, mailbox: MailboxId, predicate: Predicate
        ) -> list[Uid]:
            self.times += 1
            return list(await ask(account, mailbox, predicate))

        monkeypatch.setattr(MemoryAccount, "search", search)


async def test_a_search_said_again_is_answered_from_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()
    await rig.put([letter("one"), letter("two"), letter("two")])
    asked = Asked(monkeypatch)
    async with rig.client("INBOX") as client:
        for _ in range(3):
            assert await client.ok("SEARCH SUBJECT two") == [b"* SEARCH 2 3"]
        assert asked.times == 1
        assert await client.ok("SEARCH SUBJECT one") == [b"* SEARCH 1"]
        assert await client.ok("SEARCH SUBJECT two") == [b"* SEARCH 2 3"]
        assert asked.times == 3


async def test_after_any_change_it_is_searched_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()
    await rig.put([letter("one"), letter("two")])
    asked = Asked(monkeypatch)
    async with rig.client("INBOX") as client, rig.client("INBOX") as other:
        assert await client.ok("SEARCH UNSEEN") == [b"* SEARCH 1 2"]
        await other.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
        assert (await client.ok("SEARCH UNSEEN"))[0] == b"* SEARCH 2"
        await rig.put([letter("three")])
        await client.ok("NOOP")
        assert await client.ok("SEARCH UNSEEN") == [b"* SEARCH 2 3"]
        await other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        await other.ok("EXPUNGE")
        await client.ok("NOOP")
        assert await client.ok("SEARCH UNSEEN") == [b"* SEARCH 2"]
        assert await client.ok("UID SEARCH UNSEEN") == [b"* SEARCH 3"]
        assert asked.times == 4


async def test_results_the_client_was_not_told_of_are_kept_for_later() -> None:
    rig = Rig()
    await rig.put([letter("one")])
    async with rig.client("INBOX") as client:
        await rig.put([letter("two")])
        assert (await client.ok("SEARCH ALL"))[0] == b"* SEARCH 1"
        await client.ok("NOOP")
        assert await client.ok("SEARCH ALL") == [b"* SEARCH 1 2"]


async def test_a_client_that_waits_keeps_no_results(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()
    await rig.put([letter("one")])
    asked = Asked(monkeypatch)
    async with rig.client("INBOX") as client:
        await client.ok("SEARCH ALL")
        client.stream.send(b"i IDLE\r\n")
        assert await client.read_line() == b"+ idling"
        client.stream.send(b"DONE\r\n")
        await client.read_line()
        await client.ok("SEARCH ALL")
        assert asked.times == 2
