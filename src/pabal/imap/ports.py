"""What IMAP asks of its surroundings besides the store and the authenticator.

Sans-IO types only.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from pabal.store.limits import Limits
from pabal.store.ports import AccountId, EmailId

LimitsOf = Callable[[AccountId], Awaitable[Limits]]
"""Returns the limits of an account."""


class QuotaDesk(Protocol):
    """Who may set limits, and where they are kept."""

    def may_set(self, account_id: AccountId) -> bool:
        """Return whether an account is an administrator's."""
        ...

    async def set_limits(self, account_id: AccountId, limits: Limits) -> None:
        """Change what an account may have; one that is gone is passed over."""
        ...


class People(Protocol):
    """Who is called what: accounts that can share mailboxes with each other."""

    def account_of(self, address: str) -> AccountId | None:
        """Return the account with this main address."""
        ...

    def address_of(self, account_id: AccountId) -> str | None:
        """Return the main address of an account, ``None`` if it is gone."""
        ...


FetchedHook = Callable[[AccountId, Sequence[EmailId]], None]
"""Told which emails' bodies a client read; cheap, must not raise."""

Result = TypeVar("Result")


class Offload(Protocol):
    """Does long work without the event loop waiting for it."""

    def __call__(self, work: Callable[[], Result], /) -> Awaitable[Result]:
        """Return what ``work`` returns."""
        ...


Pause = Callable[[], Awaitable[None]]
"""Lets every other session have its turn."""
