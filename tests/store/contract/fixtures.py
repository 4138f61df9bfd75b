"""What every part of the contract starts from."""

import pytest

from pabal.store.ports import (
    AccountStore,
    Change,
    MailboxInfo,
    Store,
)
from tests.store.contract.letters import (
    FakeClock,
)


class Fixtures:
    """A subclass has a fixture ``store``."""

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
