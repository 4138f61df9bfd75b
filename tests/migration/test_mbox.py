from pathlib import Path

import pytest

from pabal.migration.importer import Importer, inbox_first
from pabal.migration.mbox import MboxSource, escaped, unescaped
from pabal.migration.mbox_files import (
    from_line,
    notes,
    received_at,
    spans,
    unquoted,
)
from pabal.migration.report import Report
from pabal.migration.source import SourceError
from pabal.store.flags import ANSWERED, FLAGGED, SEEN
from pabal.store.memory.account import MemoryAccount
from tests.migration.places import an_account, seen
from tests.store.contract.letters import FakeClock

LINE = b"From bob@a.test Thu Jan  1 00:00:10 2026\n"


async def bring(path: Path, account: MemoryAccount, style: str = "auto") -> Report:
    source = MboxSource(path, style)
    folders = inbox_first(await source.folders())
    return await Importer(source, account, FakeClock()).run(folders)


async def bodies(path: Path, style: str = "auto") -> list[bytes]:
    account = await an_account()
    await bring(path, account, style)
    return [octets for _, _, _, octets in await seen(account, "INBOX")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mbox"


@pytest.mark.parametrize(
    ("style", "body"),
    [
        ("auto", b"From x\r\n>From y\r\n"),
        ("mboxrd", b"From x\r\n>From y\r\n"),
        ("mboxo", b"From x\r\n>>From y\r\n"),
        ("mboxcl2", b">From x\r\n>>From y\r\n"),
    ],
)
async def test_quoting(file: Path, style: str, body: bytes) -> None:
    file.write_bytes(
        LINE + b"Subject: a\n\n>From x\n>>From y\n\n" + LINE + b"S: b\n\nc\n"
    )
    assert await bodies(file, style) == [
        b"Subject: a\r\n\r\n" + body,
        b"S: b\r\n\r\nc\r\n",
    ]


async def test_counted(file: Path) -> None:
    body = b"text\n\n" + LINE + b"\n>From x\n"
    file.write_bytes(
        LINE
        + b"Subject: a\nContent-Length: %d\n\n" % len(body)
        + body
        + b"\n"
        + LINE
        + b"Subject: wrong\nContent-Length: 3\n\nlonger\n"
    )
    assert await bodies(file) == [
        b"Subject: a\r\n\r\n" + body.replace(b"\n", b"\r\n"),
        b"Subject: wrong\r\n\r\nlonger\r\n",
    ]


async def test_flags_uids_and_dates(file: Path) -> None:
    file.write_bytes(
        LINE
        + b"From: Mail System\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL"
        b" DATA\nX-IMAP: 777 5 $Work\nStatus: RO\n\ntext\n\n"
        + LINE
        + b"Subject: a\nX-UID: 3\nStatus: RO\nX-Status: AF\nX-Keywords: $Work\n x\n"
        + b"\na\n\n"
        + LINE
        + b"Subject: b\nX-UID: 5\nX-Mozilla-Status: 0001\nX-Mozilla-Keys: y  \n"
        + b"\nb\n\n"
        + LINE
        + b"Subject: gone\nX-Mozilla-Status: 0009\n\nb\n\n"
    )
    account = await an_account()
    await bring(file, account)
    assert (await account.mailbox("INBOX")).uid_validity == 777
    first, second = await seen(account, "INBOX")
    assert first == (
        3,
        {SEEN, ANSWERED, FLAGGED, "$Work"},
        1_767_225_610.0,
        b"Subject: a\r\n\r\na\r\n",
    )
    assert second[:2] == (5, {SEEN, "y"})
    again = await bring(file, account)
    assert (again.added, again.folders[0].known) == (0, 2)


async def test_the_same_message_twice(file: Path) -> None:
    file.write_bytes((LINE + b"Subject: a\n\na\n\n") * 3)
    account = await an_account()
    assert (await bring(file, account)).added == 3
    file.write_bytes((LINE + b"Subject: a\n\na\n\n") * 4)
    assert (await bring(file, account)).added == 1


async def test_folders(tmp_path: Path) -> None:
    (tmp_path / "m" / "Local.sbd").mkdir(parents=True)
    (tmp_path / "m" / "work" / "a").mkdir(parents=True)
    for name in ("inbox", "Local", "Local.sbd/Sent", "work/a/b", "empty"):
        (tmp_path / "m" / name).write_bytes(LINE + b"Subject: x\n\nx\n")
    (tmp_path / "m" / "empty").write_bytes(b"")
    (tmp_path / "m" / "Local.msf").write_bytes(b"// index")
    (tmp_path / "m" / ".subscriptions").write_bytes(b"Local/Sent\n")
    account = await an_account()
    await bring(tmp_path / "m", account)
    boxes = {box.name: box for box in await account.mailboxes()}
    assert {n for n, box in boxes.items() if box.message_count} == {
        "INBOX",
        "Local",
        "Local/Sent",
        "work/a/b",
    }
    assert boxes["Local/Sent"].subscribed
    assert "empty" in boxes
    assert "Local.msf" not in boxes


def test_no_mbox(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"hello")
    for path in (tmp_path, tmp_path / "x"):
        with pytest.raises(SourceError, match="no mbox"):
            MboxSource(path)
    with pytest.raises(SourceError, match="cannot read"):
        MboxSource(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "level", [".x", "a/b", "%2E", "100%", "a.sbd", "plain", "회의"]
)
def test_names_of_files(level: str) -> None:
    name = escaped(level)
    assert "/" not in name
    assert not name.startswith(".")
    assert unescaped(name.removesuffix(".sbd")) == level


@pytest.mark.parametrize(
    ("line", "header", "seconds"),
    [
        (b"From x Thu Jan  1 00:00:10 1970\n", b"", 10.0),
        (b"From x Thu Jan 1 00:00 1970\n", b"", 0.0),
        (b"From x Thu Jan 01 00:00:10 KST 1970 +0100\n", b"", -3590.0),
        (b"From x Thu Feb 31 00:00:10 2020\n", b"Date: 1 Jan 1970 00:01 +0000\n", 60.0),
        (b"From x\n", b"", 0.0),
    ],
)
def test_dates(line: bytes, header: bytes, seconds: float) -> None:
    assert received_at(line, header) == seconds
    assert received_at(from_line(b"x", 1e9), b"") == 1e9


def test_crlf_and_nonsense() -> None:
    octets = (LINE + b"S: a\n\na\n\n").replace(b"\n", b"\r\n") * 2
    assert [octets[one.header : one.end] for one in spans(octets)] == [
        b"S: a\r\n\r\na\r\n"
    ] * 2
    assert list(spans(b"")) == list(spans(b"\nFrom x 00:00\n")) == []
    assert notes(b"X-Mozilla-Status: zz\nX-UID: 9999999999999\n").uid == 0
    assert unquoted(b">From a\n", "mboxcl2") == b">From a\n"
