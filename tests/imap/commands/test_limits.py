"""What is more than one command may work on, and batches to stay below it."""

import pytest

from pabal.imap.commands import limits
from pabal.imap.settings import ImapSettings
from tests.imap.rig import Client, Rig, letter

SMALL = ImapSettings(messages_max=3, saves_max=3)
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
        assert {b"MESSAGELIMIT=3", b"SAVELIMIT=3", b"UIDBATCHES"} <= set(line.split())
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
        ("UID FETCH 1:* UID (PARTIAL 1:4)", [b"* 1 FETCH", b"* 4 FETCH"], b"OK Fetch"),
        ("SEARCH ALL", [b"* SEARCH 3 4 5"], CODE),
        ("UID SEARCH RETURN (ALL) 1:2", [], CODE),
        ("SORT (REVERSE ARRIVAL) UTF-8 ALL", [b"* SORT 3 4 5"], CODE),
        ("THREAD ORDEREDSUBJECT UTF-8 ALL", [b"* THREAD (3)(4)(5)"], CODE),
        ("SEARCH UIDAFTER 4", [b"* SEARCH 4 5"], CODE),
        ("SEARCH UIDBEFORE 5", [b"* SEARCH 3"], CODE),
        ("SEARCH UIDBEFORE 1", [b"* SEARCH"], CODE),
        ("SEARCH UIDAFTER 0", [], b"BAD"),
        ("STORE 1:* +FLAGS.SILENT (\\Seen)", [], CODE),
        ("COPY 1:3 INBOX", [b"* 8 EXISTS"], b"OK [COPYUID"),
        ("COPY 1:4 INBOX", [], b"NO [MESSAGELIMIT 3]"),
        ("MOVE 1:* Other", [b"* OK [COPYUID * 4:6 1:3]"], b"OK Moved"),
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
            assert lines[1].startswith(b"* OK [MESSAGELIMIT 3 4]")
        elif told:
            assert lines[0].startswith(told[0])
            assert lines[-1].startswith(told[-1])


async def test_what_is_stored_is_the_newest(rig: Rig) -> None:
    async with rig.client("INBOX") as client:
        await client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        flags = await client.ok("UID FETCH 1:2 FLAGS")
        assert not any(b"Deleted" in line for line in flags)
        await client.ok("UID STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        lines, _ = await both(client, "UID EXPUNGE 1:*")
        assert lines[0].startswith(b"* OK [MESSAGELIMIT 3 4]")
        assert (await client.ok("EXPUNGE")) == [b"* 2 EXPUNGE", b"* 1 EXPUNGE"]


async def test_two_codes_are_two_lines(rig: Rig) -> None:
    async with rig.client("INBOX") as client:
        (line,) = await client.ok("FETCH 5 MODSEQ")
        modseq = int(line.split(b"(")[2].split(b")")[0])
        await client.ok("STORE 4 +FLAGS.SILENT (\\Seen)")
        lines, last = await both(
            client, f"STORE 1:* (UNCHANGEDSINCE {modseq}) +FLAGS.SILENT ($x)"
        )
        assert last.startswith(b"OK [MODIFIED 4]")
        assert any(line.startswith(b"* OK [MESSAGELIMIT 3 4]") for line in lines)


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
