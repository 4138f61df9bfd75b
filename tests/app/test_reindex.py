"""The index of an account, made anew by an operator."""

import pytest

from pabal.app.reindex import Reindexed, reindex
from pabal.config.settings import Settings
from pabal.directory.ports import DirectoryError
from pabal.store.predicate import Contains, TextField
from tests.app.rig import opened
from tests.store.contract.letters import letter, put


def ignored(_done: int, _total: int) -> None:
    pass


async def test_it_is_made_beside_a_running_server(settings: Settings) -> None:
    assert reindex(settings, "alice@a.test", ignored) == Reindexed(0, 0)
    wanted = Contains(TextField.BODY, "회의")
    async with opened(settings) as shared:
        account = shared.book.account_of("alice@a.test")
        assert account is not None
        store = await shared.store.account(account.id)
        box = await store.mailbox("INBOX")
        await put(store, box, *[letter(str(one), "내일 회의를") for one in range(40)])
        told: list[tuple[int, int]] = []
        for _ in range(2):
            made = reindex(settings, "alice@a.test", lambda *one: told.append(one))
            assert made.messages == 40
            assert made.octets > 0
            assert len(await store.search(box.id, wanted)) == 40
        assert told[-1] == (40, 40)


def test_nobody_has_no_index(settings: Settings) -> None:
    with pytest.raises(DirectoryError, match="there is no account nobody@a"):
        reindex(settings, "nobody@a.test", ignored)
