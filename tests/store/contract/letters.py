"""What the tests of the store are made of."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from pabal.message.spool import Spool
from pabal.store.flags import (
    NO_FLAGS,
    FlagAction,
    FlagChange,
    Flags,
)
from pabal.store.ports import (
    AccountStore,
    Annotated,
    Change,
    MailboxChanged,
    MailboxInfo,
    NewEmail,
)

NOW = 1_700_000_000.0
ADD = FlagAction.ADD


class FakeClock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


class Bell:
    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, subject: str) -> None:
        self.rung.append(subject)


def letter(
    subject: str = "hello", body: str = "How are you?", extra: str = ""
) -> bytes:
    text = (
        f"From: Alice <alice@example.com>\r\nTo: bob@example.com\r\n"
        f"Subject: {subject}\r\nDate: Tue, 14 Nov 2023 23:30:00 +0900\r\n{extra}"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
    )
    return text.encode()


def new_email(
    octets: bytes, flags: Flags = NO_FLAGS, received_at: float = NOW
) -> NewEmail:
    spool = Spool()
    spool.write(octets)
    return NewEmail(spool, received_at, flags)


async def put(
    account: AccountStore,
    box: MailboxInfo,
    *octets: bytes,
    flags: Flags = NO_FLAGS,
    received_at: float = NOW,
) -> list[int]:
    news = [new_email(one, flags, received_at) for one in octets]
    return [one.uid for one in await account.append(box.id, news)]


async def whole(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


def add(*flags: str) -> FlagChange:
    return FlagChange(ADD, frozenset(flags))


def plain(changes: Sequence[Change]) -> list[Change]:
    """Return ``changes`` with their UIDs as lists, so that they compare."""
    return [
        change
        if isinstance(change, MailboxChanged | Annotated)
        else replace(change, uids=list(change.uids))
        for change in changes
    ]
