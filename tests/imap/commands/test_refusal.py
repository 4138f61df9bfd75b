import pytest

from pabal.base.errors import (
    LocalProtocolError,
    PabalError,
    StorageFullError,
    UnavailableError,
)
from pabal.imap.commands.refusal import RefusedError, bad, reply_of
from pabal.imap.numbers import NumberError
from pabal.imap.wire.mailbox_name import NameEncodingError
from pabal.net.ports import ConnectionLostError, IdleTimeoutError
from pabal.store.ports import (
    MailboxExistsError,
    MailboxNameError,
    NoSuchMailboxError,
    OverQuotaError,
    StoreError,
)

SECRET = "/var/lib/pabal/17/mail.db"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NoSuchMailboxError(SECRET), b"NO [NONEXISTENT] "),
        (MailboxExistsError(SECRET), b"NO [ALREADYEXISTS] "),
        (MailboxNameError(SECRET), b"NO [CANNOT] "),
        (OverQuotaError(SECRET), b"NO [OVERQUOTA] "),
        (StoreError(SECRET), b"NO [CANNOT] "),
        (NameEncodingError(SECRET), b"NO [CANNOT] "),
        (StorageFullError(SECRET), b"NO [UNAVAILABLE] There is no room"),
        (UnavailableError(SECRET), b"NO [UNAVAILABLE] "),
        (NumberError(SECRET), b"BAD "),
        (RefusedError("because", b"LIMIT"), b"NO [LIMIT] because"),
        (bad("because"), b"BAD because"),
    ],
)
def test_the_client_is_told_a_code_and_no_secret(
    error: PabalError, line: bytes
) -> None:
    reply = reply_of(error)
    assert reply is not None
    said = reply.line(b"t")
    assert said.startswith(b"t " + line)
    assert SECRET.encode() not in said


@pytest.mark.parametrize(
    "error", [ConnectionLostError(""), IdleTimeoutError(""), LocalProtocolError("")]
)
def test_what_is_not_the_commands_fault(error: PabalError) -> None:
    assert reply_of(error) is None
