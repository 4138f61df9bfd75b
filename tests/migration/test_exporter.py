"""What goes out comes back: octets, flags, dates, UIDs, names."""

import mailbox
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.base.errors import OperatorError
from pabal.migration.exporter import Exporter
from pabal.migration.importer import Importer, inbox_first
from pabal.migration.maildir_target import MaildirTarget
from pabal.migration.mbox_target import MboxTarget
from pabal.migration.opening import open_files
from pabal.migration.report import Report
from pabal.migration.targets import Target
from pabal.store.flags import DELETED, SEEN, SYSTEM_FLAGS, FlagAction, FlagChange
from pabal.store.imports import Imported
from pabal.store.memory.account import MemoryAccount
from tests.migration.places import an_account, seen
from tests.store.contract.letters import NOW, FakeClock, letter, new_email

NASTY = (
    letter(),
    b"S: dots\r\n\r\nFrom here\r\n>From x\r\n>>From y\r\n\r\nFrom a 00:00 2020\r\n",
    b"Return-Path: <bob@a.test>\r\nSubject: x\r\n\r\nno end",
    b"Subject: header only\r\n",
    b"no header at all",
    b"",
    b"Subject: mixed\r\n\r\none\ntwo\r\n",
    b"Subject: odd\r\n\r\na\r\r\nb\rc\r\n",
    b"\r\n\r\nFrom x 00:00\r\n",
    b"Status: RO\r\nX-Pabal: 5 lf\r\nX-UID: 99\r\nX-Keywords: a\r\n\r\nbody\r\n",
    b"X-IMAPbase: 1 2\r\nContent-Length: 3\r\n\r\nbody\r\nFrom x 00:00:00 2020\r\n\r\n",
    b"Subject: \xff\xfe\r\n\r\n\0\x80\r\n",
    b"Subject: long\r\n\r\n" + b"From line 10:00\r\n" * 90_000 + b"\r",
)
TARGETS: dict[str, Callable[[Path], Target]] = {
    "maildir": MaildirTarget,
    "mbox": MboxTarget,
}


async def fill(account: MemoryAccount) -> None:
    inbox = await account.mailbox("INBOX")
    await account.imports.adopt(inbox.id, 1234567)
    emails = [
        Imported(
            new_email(octets).spool,
            NOW + number + number / 8,
            number,
            frozenset({*SYSTEM_FLAGS[: number % 6], "$Forwarded", f"k{number}"}),
            3 * number + 5,
            f"uidl{number}" if number % 2 else "",
        )
        for number, octets in enumerate(NASTY)
    ]
    await account.imports.put(inbox.id, 1, emails)
    for name in ("업무/회의.록/%25x", "업무", ".hidden/a.sbd", "empty"):
        if name not in {box.name for box in await account.mailboxes()}:
            await account.create(name)
        box = await account.mailbox(name)
        if name != "empty":
            await account.append(box.id, [new_email(letter(name))] * 3)
            await account.expunge(box.id, [1, 3])
    await account.subscribe("업무/회의.록/%25x", subscribed=True)


async def everything(account: MemoryAccount, *, validity: bool) -> dict[str, object]:
    found: dict[str, object] = {}
    for box in await account.mailboxes():
        messages = [
            (uid, flags, int(at), octets)
            for uid, flags, at, octets in await seen(account, box.name)
        ]
        uids = [one[0] for one in messages] if box.name == "INBOX" else []
        noted = await account.imports.uidls(box.id, uids)
        uidls = [noted.get(uid, f"{box.uid_validity}.{uid}") for uid in uids]
        known = box.uid_validity if messages else 0
        found[box.name] = (
            messages,
            box.subscribed,
            (known, uidls) if validity else known,
        )
    return found


async def go(account: MemoryAccount, target: Target, path: Path) -> Report:
    exporter = Exporter(account, target)
    report = await exporter.run(await account.mailboxes())
    await exporter.check(open_files(path), report)
    return report


@pytest.mark.parametrize("form", TARGETS)
async def test_there_and_back(form: str, tmp_path: Path) -> None:
    account = await an_account()
    await fill(account)
    report = await go(account, TARGETS[form](tmp_path / "out"), tmp_path / "out")
    assert report.complete
    assert report.added == len(NASTY) + 3
    assert all(one.verified == one.added for one in report.folders)
    back = await an_account()
    source = open_files(tmp_path / "out")
    await Importer(source, back, FakeClock()).run(inbox_first(await source.folders()))
    is_maildir = form == "maildir"
    assert await everything(back, validity=is_maildir) == await everything(
        account, validity=is_maildir
    )


MESSAGES = st.lists(
    st.lists(
        st.sampled_from(
            [b"From ", b">", b"\r\n", b"\n", b"\r", b"a", b"x: y", b"00:00", b"\0"]
        ),
        max_size=12,
    ).map(b"".join),
    max_size=4,
)


@pytest.mark.parametrize("form", TARGETS)
@given(MESSAGES)
@settings(max_examples=25, deadline=None)
async def test_any_octets_come_back(form: str, messages: list[bytes]) -> None:
    account, back = await an_account(), await an_account()
    inbox = await account.mailbox("INBOX")
    await account.append(inbox.id, [new_email(octets) for octets in messages])
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "out"
        assert (await go(account, TARGETS[form](path), path)).complete
        source = open_files(path)
        await Importer(source, back, FakeClock()).run(await source.folders())
    assert await seen(back, "INBOX") == await seen(account, "INBOX")


async def test_others_read_it(tmp_path: Path) -> None:
    """Python's mailbox module agrees on octets and flags."""
    account = await an_account()
    inbox = await account.mailbox("INBOX")
    letters = [letter(str(number)) for number in range(5)]
    await account.append(inbox.id, [new_email(one) for one in letters])
    change = FlagChange(FlagAction.ADD, frozenset({SEEN, DELETED}))
    await account.set_flags(inbox.id, [2], change)
    await account.create("below/here")
    await go(account, MaildirTarget(tmp_path / "m"), tmp_path / "m")
    await go(account, MboxTarget(tmp_path / "b"), tmp_path / "b")
    maildir = mailbox.Maildir(tmp_path / "m", create=False)
    assert sorted(maildir.list_folders()) == ["below", "below.here"]
    read = {key: maildir.get_bytes(key) for key in maildir.keys()}  # noqa: SIM118
    assert set(read.values()) == {one.replace(b"\r\n", b"\n") for one in letters}
    flags = sorted(maildir[key].get_flags() for key in read)
    assert flags == ["", "", "", "", "ST"]
    box = mailbox.mbox(tmp_path / "b" / "INBOX", create=False)
    assert [one["Subject"] for one in box] == [str(n) for n in range(5)]
    assert [one.get_flags() for one in box] == ["O", "ROD", "O", "O", "O"]
    box.close()


@pytest.mark.parametrize("form", TARGETS)
def test_nothing_is_overwritten(form: str, tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(OperatorError, match="is not empty"):
        TARGETS[form](tmp_path)
    with pytest.raises(OperatorError, match="cannot use"):
        TARGETS[form](tmp_path / "x" / "y")


async def test_a_damaged_export_is_noticed(tmp_path: Path) -> None:
    account = await an_account()
    inbox = await account.mailbox("INBOX")
    await account.append(inbox.id, [new_email(letter(str(n))) for n in range(3)])
    exporter = Exporter(account, MaildirTarget(tmp_path / "m"))
    report = await exporter.run(await account.mailboxes())
    first, second, _ = sorted((tmp_path / "m" / "cur").iterdir())
    first.write_bytes(b"other")
    second.unlink()
    await exporter.check(open_files(tmp_path / "m"), report)
    assert not report.complete
