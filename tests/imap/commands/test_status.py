"""Counters asked of a store that is ahead of what the session knows."""

import pytest

from pabal.store.memory.account import MemoryAccount
from pabal.store.ports import MailboxId, Uid
from tests.imap.rig import Rig, letter


async def test_recent_is_never_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process told its client of a message that is not known here yet."""

    async def ahead(
        _account: MemoryAccount, _mailbox_id: MailboxId, *, claim: bool = True
    ) -> Uid:
        return 3

    rig = Rig()
    await rig.put([letter()])
    monkeypatch.setattr(MemoryAccount, "claim_recent", ahead)
    async with rig.client() as client:
        lines = await client.ok("STATUS INBOX (MESSAGES RECENT)")
        assert lines[0] == b"* STATUS INBOX (MESSAGES 1 RECENT 0)"
