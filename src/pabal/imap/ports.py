"""What IMAP asks of its surroundings besides the store and the authenticator.

Sans-IO types only.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from pabal.store.ports import AccountId, EmailId

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
