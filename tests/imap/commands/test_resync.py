"""What vanished, asked of a store that is ahead of the session's view."""

from collections.abc import Sequence

import pytest

from pabal.store.memory.account import MemoryAccount
from pabal.store.ports import MailboxId, ModSeq, Uid
from tests.imap.rig import Rig, letter


async def test_what_still_has_a_number_has_not_vanished_earlier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another session's expunge is in the database before any view hears of it."""

    async def ahead(
        _account: MemoryAccount, _mailbox_id: MailboxId, _modseq: ModSeq
    ) -> Sequence[Uid]:
        return [2, 3]

    rig = Rig()
    await rig.put([letter(str(number)) for number in range(4)])
    account = await rig.account()
    await account.expunge((await account.mailbox("INBOX")).id, [3])
    monkeypatch.setattr(MemoryAccount, "expunged_since", ahead)
    async with rig.client(enable="QRESYNC") as client:
        lines = await client.ok("SELECT INBOX (QRESYNC (1790000000 1))")
        assert b"* 3 EXISTS" in lines
        assert b"* VANISHED (EARLIER) 3" in lines
        lines = await client.ok("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)")
        assert b"* VANISHED (EARLIER) 3" in lines
        assert any(line.startswith(b"* 2 FETCH (UID 2 ") for line in lines)
