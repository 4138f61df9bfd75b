"""What IMAP asks of its surroundings besides the store and the authenticator.

Sans-IO types only.
"""

from collections.abc import Awaitable, Callable, Sequence

from pabal.store.ports import AccountId, EmailId

FetchedHook = Callable[[AccountId, Sequence[EmailId]], None]
"""Told which emails' bodies a client read; cheap, must not raise."""

Pause = Callable[[], Awaitable[None]]
"""Lets every other session have its turn."""
