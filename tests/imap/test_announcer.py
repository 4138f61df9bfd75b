"""What a connection says unasked; pushes are in test_connection and test_notices."""

import asyncio
import re
from collections.abc import Sequence

import pytest
from typing_extensions import override

from pabal.imap.commands import carry, sort, store
from pabal.imap.settings import ImapSettings
from pabal.store.flags import FlagChange
from pabal.store.memory.account import MemoryAccount, MemoryStore
from pabal.store.ports import Column, EmailId, FlagsSet, MailboxId, ModSeq, Row, Uid
from pabal.store.predicate import Predicate
from tests.imap.rig import BOB, USER, FakeClock, FakePeople, Rig, letter


class SlowStore(MemoryStore):
    """Whose accounts take their time to search."""

    @override
    async def account(self, account_id: int) -> MemoryAccount:
        account = await super().account(account_id)
        search = account.search

        async def slow(mailbox_id: int, predicate: Predicate) -> Sequence[Uid]:
            await asyncio.sleep(0.05)
            return await search(mailbox_id, predicate)

        account.search = slow  # type: ignore[method-assign]  # one call made slow
        return account


async def test_long_work_is_said_to_go_on() -> None:
    settings = ImapSettings(progress_interval_s=0.02)
    rig = Rig(settings, store=SlowStore(FakeClock()))
    async with rig.client("INBOX") as client:
        told = await client.ok("SEARCH ALL")
    line = b'* OK [INPROGRESS ("t3" NIL NIL)] Still at it'
    assert (set(told[:-1]), told[-1]) == ({line}, b"* SEARCH")


async def test_of_several_mailboxes_those_done_are_counted() -> None:
    settings = ImapSettings(progress_interval_s=0.02)
    rig = Rig(settings, store=SlowStore(FakeClock()))
    async with rig.client("INBOX") as client:
        for name in ("a", "b", "c"):
            await client.ok(f"CREATE {name}")
        command = "ESEARCH IN (mailboxes (a b c)) RETURN (COUNT) NOT ALL"
        *told, _ = await client.ok(command)
    counts = [
        re.fullmatch(rb'\* OK \[INPROGRESS \("t6" (\d) 3\)\] Still at it', line)
        for line in told
    ]
    numbers = [int(match[1]) for match in counts if match]
    assert len(numbers) == len(told)
    assert numbers == sorted(numbers)
    assert numbers[0] == 0
    assert numbers[-1] == 2


async def test_a_tag_that_would_end_the_code_is_left_out() -> None:
    settings = ImapSettings(progress_interval_s=0.02)
    rig = Rig(settings, store=SlowStore(FakeClock()))
    async with rig.client("INBOX") as client:
        client.stream.send(b"a]b SEARCH ALL\r\n")
        assert await client.read_line() == b"* OK [INPROGRESS] Still at it"


class LaggingStore(MemoryStore):
    """Whose accounts take their time over each slice of messages."""

    @override
    async def account(self, account_id: int) -> MemoryAccount:
        account = await super().account(account_id)
        read, set_flags = account.read, account.set_flags

        async def slow(
            emails: Sequence[EmailId], columns: Sequence[Column]
        ) -> Sequence[Row | None]:
            await asyncio.sleep(0.03)
            return await read(emails, columns)

        async def slowly(
            mailbox_id: MailboxId,
            uids: Sequence[Uid],
            change: FlagChange,
            unchanged_since: ModSeq | None = None,
        ) -> FlagsSet:
            await asyncio.sleep(0.03)
            return await set_flags(mailbox_id, uids, change, unchanged_since)

        account.read = slow  # type: ignore[method-assign]  # one call made slow
        account.set_flags = slowly  # type: ignore[method-assign]  # likewise
        return account


async def test_flags_of_many_messages_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "SLICE", 2)
    settings = ImapSettings(progress_interval_s=0.02)
    rig = Rig(settings, store=LaggingStore(FakeClock()))
    await rig.put([letter(f"no {one}") for one in range(6)])
    async with rig.client("INBOX") as client:
        told = await client.ok("STORE 1:* +FLAGS.SILENT (\\Seen)")
        said = b'* OK [INPROGRESS ("t3" %d 6)] Still at it'
        assert {said % 2, said % 4} <= set(told) <= {said % n for n in (0, 2, 4)}
        # With answers in between, all of them whole.
        told = await client.ok("STORE 1:* -FLAGS (\\Seen)")
        flags = [line for line in told if b"FETCH" in line]
        assert flags == [b"* %d FETCH (FLAGS (\\Recent))" % n for n in range(1, 7)]
        assert len(told) > len(flags)


async def test_how_much_is_done_is_told_where_it_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sort, "SLICE", 2)
    settings = ImapSettings(progress_interval_s=0.02)
    rig = Rig(settings, store=LaggingStore(FakeClock()))
    await rig.put([letter(f"no {one}") for one in range(6)])
    async with rig.client("INBOX") as client:
        for command in ("SORT (SUBJECT) UTF-8 ALL", "THREAD REFS UTF-8 ALL"):
            *told, _ = await client.ok(command)
            counts = [
                re.fullmatch(
                    rb'\* OK \[INPROGRESS \("t\d" (\d) 6\)\] Still at it', line
                )
                for line in told
            ]
            numbers = [int(match[1]) for match in counts if match]
            assert len(numbers) == len(told) > 0
            assert numbers == sorted(numbers)
            assert set(numbers) <= {0, 2, 4, 6}
            assert numbers[-1] > 0


async def test_copies_to_another_account_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(carry, "SLICE", 2)
    settings = ImapSettings(progress_interval_s=0.02)
    rig = Rig(settings, store=LaggingStore(FakeClock()), people=FakePeople())
    await rig.put([letter(f"no {one}") for one in range(6)])
    async with rig.client(user=BOB) as bob, rig.client("INBOX") as client:
        await bob.ok("CREATE shared")
        await bob.ok(f"SETACL shared {USER} lrswi")
        *told, _ = await client.command(f'COPY 1:* "Other Users/{BOB}/shared"')
        counts = [line[:27].rpartition(b'" ')[2] for line in told]
        assert counts == sorted(counts)
        assert set(counts) <= {b"2 6)", b"4 6)", b"6 6)", b"0 6)"}
        assert len(set(counts)) > 1
