"""What POP3 needs from others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pabal.net.sasl import Authenticator
from pabal.store.imports import ImportStore
from pabal.store.ports import AccountId, EmailId

Fetched = Callable[[AccountId, Sequence[EmailId]], None]
"""Told which emails of an account a client retrieved; must not block or raise."""


def nobody_wants_to_know(account_id: AccountId, emails: Sequence[EmailId]) -> None:
    """Do nothing: the default ``Fetched``."""
    del account_id, emails


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a session asks."""

    store: ImportStore
    authenticator: Authenticator
    fetched: Fetched = nobody_wants_to_know
