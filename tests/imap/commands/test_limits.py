"""What is more than one command may work on, and batches to stay below it."""

import pytest

from pabal.imap.commands import limits
from pabal.imap.settings import ImapSettings
from pabal.store.flags import DELETED
from tests.imap.rig import Client, Rig, letter

SMALL = ImapSettings(messages_max=3, saves_max=2)
CODE = b"OK [MESSAGELIMIT 3 4]"


async def filled() -> Rig:
    """Return an account whose INBOX has the UIDs 1, 2, 4 to 6."""
    rig = Rig(SMALL)
    await rig.put([letter(str(n)) for n in range(1, 7)])
    account = await rig.account()
    await account.expunge((await account.mailbox("INBOX")).id, [3])
    return rig


@pytest.fixture
async def rig() -> Rig:
    return await filled()


async def both(client: Client, command: str) -> tuple[list[bytes], bytes]:
    lines = await client.command(command)
    return lines[:-1], lines[-1]


async def test_it_is_told(rig: Rig) -> None:
    async with rig.client() as client:
        (line,) = await client.ok("CAPABILITY")
        assert {b"MESSAGELIMIT=3", b"SAVELIMIT=2", b"UIDBATCHES"} <= set(line.split())
    unlimited = Rig(ImapSettings(messages_max=0, saves_max=0))
    await unlimited.put([letter()] * 5)
    async with unlimited.client("INBOX") as client:
        (line,) = await client.ok("CAPABILITY")
        assert b"LIMIT=3" not in line
        assert b"MESSAGELIMIT" not in line
        assert len(await client.ok("FETCH 1:* UID")) == 5


@pytest.mark.parametrize(
    ("command", "told", "code"),
    [
        ("FETCH 1:* UID", [b"* 3 FETCH (UID 4)", b"* 5 FETCH (UID 6)"], CODE),
        ("UID FETCH 1:* UID", [b"* 3 FETCH (UID 4)", b"* 5 FETCH (UID 6)"], CODE),
        ("FETCH 1,2,4 UID", [b"* 1 FETCH (UID 1)", b"* 4 FETCH (UID 5)"], b"OK Fetch"),
        ("FETCH 1:2,4:5 UID", [b"* 2 FETCH (UID 2)", b"* 5 FETCH (UID 6)"], b"OK [MES"),
        ("UID FETCH 1:* UID (PARTIAL 1:3)", [b"* 1 FETCH", b"* 3 FETCH"], b"OK Fetch"),
        ("UID FETCH 5:* UID (PARTIAL 1:9)", [b"* 4 FETCH", b"* 5 FETCH"], b"OK Fetch"),
        ("UID FETCH 1:* UID (PARTIAL 1:4)", [], b"NO [MESSAGELIMIT 3] "),
        ("UID FETCH 1:* UID (PARTIAL -1:-4)", [], b"NO [MESSAGELIMIT 3] "),
        ("SEARCH ALL", [b"* SEARCH 3 4 5"], CODE),
        ("SEARCH 1:2", [b"* SEARCH 1 2"], b"OK Search"),
        ("SEARCH UID 1:4 UNSEEN", [b"* SEARCH 1 2 3"], b"OK Search"),
        ("SEARCH (UNSEEN UID 1:4,9 (2:5))", [b"* SEARCH 2 3"], b"OK Search"),
        ("SEARCH UNSEEN UID 1:5", [b"* SEARCH 2 3 4"], b"OK [MESSAGELIMIT 3 2]"),
        ("SEARCH OR UID 1 UID 5", [b"* SEARCH 4"], CODE),
        ("SEARCH NOT UID 1:4", [b"* SEARCH 4 5"], CODE),
        ("SORT (REVERSE ARRIVAL) UTF-8 ALL", [b"* SORT 3 4 5"], CODE),
        ("THREAD ORDEREDSUBJECT UTF-8 ALL", [b"* THREAD (3)(4)(5)"], CODE),
        ("SEARCH UIDAFTER 1", [b"* SEARCH 3 4 5"], CODE),
        ("SEARCH UIDAFTER 4", [b"* SEARCH 4 5"], b"OK Search"),
        ("SEARCH UIDBEFORE 5", [b"* SEARCH 1 2 3"], b"OK Search"),
        ("SEARCH UIDBEFORE 1", [b"* SEARCH"], b"OK Search"),
        ("SEARCH UIDAFTER 0", [], b"BAD"),
        ("STORE 1:* +FLAGS.SILENT (\\Seen)", [], CODE),
        ("COPY 1:3 INBOX", [b"* 8 EXISTS", b"* 8 RECENT"], b"OK [COPYUID"),
        ("COPY 1:4 INBOX", [], b"NO [MESSAGELIMIT 3 2] "),
        ("MOVE 1:* Other", [b"* OK [COPYUID "], CODE),
    ],
)
async def test_the_newest_count(
    rig: Rig, command: str, told: list[bytes], code: bytes
) -> None:
    async with rig.client("INBOX") as client:
        await client.ok("CREATE Other")
        lines, last = await both(client, command)
        assert last.startswith(code), last
        if command.startswith("MOVE"):
            assert b" 4:6 1:3]" in lines[0]
            assert lines[1:] == [b"* 5 EXPUNGE", b"* 4 EXPUNGE", b"* 3 EXPUNGE"]
        elif told:
            assert lines[0].startswith(told[0])
            assert lines[-1].startswith(told[-1])


async def test_what_is_stored_is_the_newest(rig: Rig) -> None:
    async with rig.client("INBOX") as client:
        await client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        flags = await client.ok("UID FETCH 1:2 FLAGS")
        assert not any(b"Deleted" in line for line in flags)
        await client.ok("UID STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        _, last = await both(client, "UID EXPUNGE 1:*")
        assert last.startswith(CODE)
        # RFC 9738 §3.1: EXPUNGE, CLOSE and STATUS know no limit.
        await rig.put([letter(str(n)) for n in range(3)], flags=frozenset((DELETED,)))
        await client.ok("NOOP")
        assert len(await client.ok("EXPUNGE")) == 5
        await rig.put([letter(str(n)) for n in range(4)], flags=frozenset((DELETED,)))
        lines = await client.ok("STATUS INBOX (UNSEEN)")
        assert lines[0] == b"* STATUS INBOX (UNSEEN 4)"
        await client.ok("NOOP")
        await client.ok("CLOSE")
        (line,) = await client.ok("STATUS INBOX (MESSAGES)")
        assert line == b"* STATUS INBOX (MESSAGES 0)"


async def test_the_saved_result_is_cut_too(rig: Rig) -> None:
    """RFC 9738 §3.4: ``$`` has what was looked at."""
    async with rig.client("INBOX") as client:
        _, last = await both(client, "SEARCH RETURN (SAVE) ALL")
        assert last.startswith(CODE)
        assert len(await client.ok("FETCH $ UID")) == 3


async def test_an_append_of_too_many_adds_none(rig: Rig) -> None:
    async with rig.client("INBOX") as client:
        one = b" {6+}\r\nA: b\r\n"
        await client.ok(b"APPEND INBOX" + one * 2)
        lines, last = await both(client, (b"APPEND INBOX" + one * 3).decode())
        assert last.startswith(b"NO [MESSAGELIMIT 2] ")
        assert lines == []


async def test_two_codes_are_two_lines(rig: Rig) -> None:
    async with rig.client("INBOX") as client:
        (_, line) = await client.ok("FETCH 5 MODSEQ")
        modseq = int(line.split(b"(")[2].split(b")")[0])
        await client.ok("STORE 4 +FLAGS.SILENT (\\Seen)")
        lines, last = await both(
            client, f"STORE 1:* (UNCHANGEDSINCE {modseq}) +FLAGS.SILENT ($x)"
        )
        assert last.startswith(b"OK [MODIFIED 4]")
        assert any(line.startswith(b"* NO [MESSAGELIMIT 3 4]") for line in lines)


async def test_a_code_of_condstore_goes_first(rig: Rig) -> None:
    async with rig.client("INBOX", enable="CONDSTORE") as client:
        await client.ok("CREATE Other")
        lines, last = await both(client, "MOVE 1:* Other")
        assert last.startswith(b"OK [HIGHESTMODSEQ ")
        assert lines[1].startswith(b"* NO [MESSAGELIMIT 3 4]")


async def test_others_expunged_some_meanwhile(rig: Rig) -> None:
    """RFC 9738 §3.1: EXPUNGEISSUED is tagged, MESSAGELIMIT is not."""
    async with rig.client("INBOX") as client:
        account = await rig.account()
        await account.expunge((await account.mailbox("INBOX")).id, [5])
        lines, last = await both(client, "FETCH 1:* UID")
        assert last.startswith(b"OK [EXPUNGEISSUED]")
        assert lines[-1].startswith(b"* NO [MESSAGELIMIT 3 4]")
        lines, last = await both(client, "STORE 1:* FLAGS.SILENT ()")
        assert last.startswith(b"OK [EXPUNGEISSUED]")
        assert lines[-1].startswith(b"* NO [MESSAGELIMIT 3 4]")


async def test_what_vanished_above_and_between_is_told(rig: Rig) -> None:
    async with rig.client("INBOX", enable="QRESYNC") as client:
        await rig.put([letter("7")])
        account = await rig.account()
        inbox = await account.mailbox("INBOX")
        await account.expunge(inbox.id, [5, 7])
        await rig.put([letter("8"), letter("9")])
        await account.expunge(inbox.id, [9])
        await client.ok("NOOP")
        # 1, 2, 4, 6, 8 are left; the limit cuts 1 and 2 off, and what vanished there.
        for uids, limit, vanished in (
            ("1:20", b"OK [MESSAGELIMIT 3 4]", b"5,7,9"),
            ("1:*", b"OK [MESSAGELIMIT 3 4]", b"5,7"),  # * is the last there is
            ("1:3,5:20,2", b"OK [MESSAGELIMIT 3 2]", b"3,5,7,9"),
            ("1:3", b"OK Fetch", b"3"),
        ):
            lines, last = await both(
                client, f"UID FETCH {uids} UID (CHANGEDSINCE 1 VANISHED)"
            )
            assert last.startswith(limit)
            assert lines[0] == b"* VANISHED (EARLIER) " + vanished
            assert len(lines) == (3 if uids == "1:3" else 4)


async def test_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BATCH_MIN", 2)
    monkeypatch.setattr(limits, "BATCHES_MAX", 3)
    rig = await filled()
    async with rig.client("INBOX") as client:
        assert await client.ok("UIDBATCHES 2") == [
            b'* UIDBATCHES (TAG "t3") 6:5,4:2,1:1'
        ]
        assert await client.ok("UIDBATCHES 2 2:3") == [
            b'* UIDBATCHES (TAG "t4") 4:2,1:1'
        ]
        assert await client.ok("UIDBATCHES 9") == [b'* UIDBATCHES (TAG "t5") 6:1']
        assert await client.ok("UIDBATCHES 9 2:2") == [b'* UIDBATCHES (TAG "t6")']
        for command, answer in (
            ("UIDBATCHES 1", b"NO [TOOFEW]"),
            ("UIDBATCHES 2 3:2", b"BAD [CLIENTBUG]"),
            ("UIDBATCHES 2 1:4", b"NO [TOOMANY]"),
        ):
            assert (await both(client, command))[1].startswith(answer)
        await rig.put([letter("new")] * 2)
        await client.ok("NOOP")
        assert (await both(client, "UIDBATCHES 2"))[1].startswith(b"NO [TOOMANY]")
        await client.ok("CREATE empty")
        await client.ok("SELECT empty")
        assert await client.ok("UIDBATCHES 500") == [b'* UIDBATCHES (TAG "t14")']


async def test_batches_are_told_again_when_they_are_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RFC 10022 §3.1.1: half a batch came, or half a batch went, or another mailbox."""
    monkeypatch.setattr(limits, "BATCH_MIN", 2)
    monkeypatch.setattr(limits, "BATCHES_KEPT_MAX", 3)
    rig = Rig()
    await rig.put([letter(str(n)) for n in range(5)])
    refused = b"NO [LIMIT] The batches are what they were"
    async with rig.client("INBOX") as client:
        (line,) = await client.ok("UIDBATCHES 4")
        assert line.endswith(b") 5:2,1:1")
        for arrived in (0, 1):
            await rig.put([letter("new")] * arrived)
            await client.ok("NOOP")
            assert (await both(client, "UIDBATCHES 4"))[1] == refused
        (line,) = await client.ok("UIDBATCHES 4 1:1")
        assert line.endswith(b") 6:3")
        await rig.put([letter("new")])
        await client.ok("NOOP")
        (line,) = await client.ok("UIDBATCHES 4")
        assert line.endswith(b") 7:4,3:1")
        told: list[bytes] = []
        for uids, again in (("4", False), ("5", True)):
            await client.ok(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
            await client.ok("EXPUNGE")
            told, last = await both(client, "UIDBATCHES 4")
            assert (last.startswith(b"OK"), last == refused) == (again, not again)
        assert told[0].endswith(b") 7:2,1:1")
        for size in (5, 6, 7):
            await client.ok(f"UIDBATCHES {size}")
        # Too many were asked for since to remember it.
        await client.ok("UIDBATCHES 4")
        assert (await both(client, "UIDBATCHES 4"))[1] == refused
        await client.ok("SELECT INBOX")
        await client.ok("UIDBATCHES 4")
