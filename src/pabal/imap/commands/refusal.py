"""How errors become NO and BAD.

Sans-IO. The client is told a response code and few words; the log has the rest.
Source: RFC 9051 §7.1, RFC 5530 (response codes).
"""

from typing import Final

from pabal.base.errors import PabalError, StorageFullError, UnavailableError
from pabal.imap.numbers import NumberError
from pabal.imap.wire.mailbox_name import NameEncodingError
from pabal.imap.wire.response import Tagged
from pabal.net.ports import ConnectionLostError
from pabal.store.ports import (
    MailboxExistsError,
    MailboxNameError,
    NoSuchMailboxError,
    OverQuotaError,
    StoreError,
)


class RefusedError(PabalError):
    """A command that cannot be done.

    Attributes:
        reply: What the client is told.
    """

    def __init__(self, text: str, code: bytes = b"", status: bytes = b"NO") -> None:
        super().__init__(text)
        self.reply = Tagged(text.encode("utf-8"), code, status)


def bad(text: str) -> RefusedError:
    """Return a refusal of a command that makes no sense."""
    return RefusedError(text, status=b"BAD")


def uid_required() -> RefusedError:
    """Return a refusal of message numbers a client gave up (RFC 9586 §3.1)."""
    return RefusedError("Only UIDs are meant here", b"UIDREQUIRED", b"BAD")


_REPLIES: Final[tuple[tuple[type[PabalError], Tagged], ...]] = (
    (NoSuchMailboxError, Tagged(b"There is no such mailbox", b"NONEXISTENT", b"NO")),
    (MailboxExistsError, Tagged(b"The mailbox exists", b"ALREADYEXISTS", b"NO")),
    (MailboxNameError, Tagged(b"No mailbox can be called that", b"CANNOT", b"NO")),
    (OverQuotaError, Tagged(b"The account is full", b"OVERQUOTA", b"NO")),
    (StoreError, Tagged(b"That cannot be done", b"CANNOT", b"NO")),
    (NameEncodingError, Tagged(b"That is no mailbox name", b"CANNOT", b"NO")),
    (NumberError, Tagged(b"There is no message of that number", b"", b"BAD")),
    (StorageFullError, Tagged(b"There is no room left", b"UNAVAILABLE", b"NO")),
    (UnavailableError, Tagged(b"Try again later", b"UNAVAILABLE", b"NO")),
)


def reply_of(error: PabalError) -> Tagged | None:
    """Return what to tell the client about ``error``; ``None``: not the command's."""
    if isinstance(error, RefusedError):
        return error.reply
    if isinstance(error, ConnectionLostError):
        return None
    for kind, reply in _REPLIES:
        if isinstance(error, kind):
            return reply
    return None
