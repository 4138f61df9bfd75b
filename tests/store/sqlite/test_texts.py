"""Plain messages are looked into as they are."""

from pathlib import Path

import pytest

from pabal.base.clock import SystemClock
from pabal.message.spool import Spool
from pabal.store.ports import NewEmail
from pabal.store.sqlite.store import SqliteStore
from pabal.store.sqlite.texts import held_plainly
from tests.store.contract.letters import Bell


@pytest.mark.parametrize("more", [0, 20_000])
async def test_the_body_is_looked_into(tmp_path: Path, more: int) -> None:
    store = SqliteStore(tmp_path, SystemClock(), Bell())
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    octets = "Subject: report\r\n\r\nA Word, 회의\r\n".encode() + b"x" * more
    with Spool() as spool:
        spool.write(octets)
        await account.append(inbox.id, [NewEmail(spool, 1.7e9)])
    view = await account.view(inbox.id)
    emails = [*view.emails, view.emails[0] + 7]

    async def held(*wanted: bytes) -> list[bool]:
        return await account.access.scan(
            lambda connection: held_plainly(connection, emails, wanted)
        )

    assert await held(b"a word") == [True, False]
    assert await held("회의".encode()) == [True, False]
    assert await held(b"nothing", b"word, ") == [True, False]
    assert await held(b"report") == await held(b"\na word") == [False, False]
    view.close()
    await store.close()
