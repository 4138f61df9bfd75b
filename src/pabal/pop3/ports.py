"""What POP3 needs from others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pabal.net.sasl import Authenticator
from pabal.pop3.delays import LoginDelays
from pabal.store.imports import ImportStore
from pabal.store.ports import AccountId, EmailId

Fetched = Callable[[AccountId, Sequence[EmailId]], None]
"""Told which emails of an account a client retrieved; must not block or raise."""


def nobody_wants_to_know(account_id: AccountId, emails: Sequence[EmailId]) -> None:
    """Do nothing: the default ``Fetched``."""
    del account_id, emails


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a session asks.

    Attributes:
        store: The mailboxes.
        authenticator: Checks credentials.
        fetched: Told whose messages were retrieved.
        delays: How soon somebody may log in again; the server sets it by its settings.
        now: Monotonic seconds; likewise.
    """

    store: ImportStore
    authenticator: Authenticator
    fetched: Fetched = nobody_wants_to_know
    delays: LoginDelays = field(default_factory=lambda: LoginDelays(0))
    now: Callable[[], float] = lambda: 0.0
