import pytest

from pabal.store.memory.account import MemoryStore
from pabal.store.ports import Column, Store
from tests.store.contract.letters import FakeClock, letter, new_email
from tests.store.contract.whole import StoreContract


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self, clock: FakeClock) -> Store:
        return MemoryStore(clock, keep_expunged_s=600)


async def test_nothing_kept_by_default() -> None:
    account = await MemoryStore(FakeClock()).account(1)
    inbox = await account.mailbox("INBOX")
    done = await account.append(inbox.id, [new_email(letter())])
    await account.expunge(inbox.id, [1])
    assert await account.read([done[0].email_id], [Column.SIZE]) == [None]
