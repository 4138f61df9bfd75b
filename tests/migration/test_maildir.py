import gzip
from pathlib import Path

import pytest

from pabal.migration import maildir as module
from pabal.migration.importer import Importer, inbox_first
from pabal.migration.maildir import MaildirSource
from pabal.migration.report import Report
from pabal.migration.source import SourceError
from pabal.store.flags import ANSWERED, DRAFT, FLAGGED, SEEN
from pabal.store.memory.account import MemoryAccount
from tests.migration.places import (
    DOS,
    KOREAN,
    ODD,
    PLAIN,
    an_account,
    crlf,
    drop,
    make_maildir,
    seen,
)
from tests.store.contract.letters import FakeClock


async def bring(path: Path, account: MemoryAccount) -> Report:
    source = MaildirSource(path)
    folders = inbox_first(await source.folders())
    report = await Importer(source, account, FakeClock()).run(folders)
    assert report.complete
    return report


@pytest.fixture
def dovecot(tmp_path: Path) -> Path:
    """A Maildir as Dovecot leaves it."""
    root = make_maildir(tmp_path / "Maildir")
    drop(root, "1600000001.M1P1.h,S=20,W=22:2,FSa", PLAIN, 1_600_000_001.0)
    drop(root, "1600000002.M2P1.h:2,R", DOS, 1_600_000_002.0)
    drop(root, "1600000009.M9P1.h", PLAIN, 1_600_000_009.0)
    (root / "dovecot-uidlist").write_text(
        "3 V1234567 N12 G00112233445566778899aabbccddeeff\n"
        "7 W22 :1600000001.M1P1.h,S=20,W=22\n"
        "9 Pcustom-uidl :1600000002.M2P1.h\n"
    )
    (root / "dovecot-keywords").write_text("0 $Work\n1 other\n")
    (root / "subscriptions").write_bytes(
        b"V\t2\n\n\xeb\xb0\x9b\xec\x9d\x80\t2026\nSent\n"
    )
    sent = make_maildir(root / ".Sent")
    drop(sent, "1600000003.M3P1.h:2,S", ODD)
    nested = make_maildir(root / ".&vBvHQA-.2026")
    (nested / "dovecot-uidlist").write_text("1 99 5\n4 1600000004.M4P1.h\n")
    drop(nested, "1600000004.M4P1.h:2,DP", PLAIN)
    return root


async def test_everything_comes_along(dovecot: Path) -> None:
    account = await an_account()
    report = await bring(dovecot, account)
    assert await seen(account, "INBOX") == [
        (7, {FLAGGED, SEEN, "$Work"}, 1_600_000_001.0, crlf(PLAIN)),
        (9, {ANSWERED}, 1_600_000_002.0, DOS),
        (10, frozenset(), 1_600_000_009.0, crlf(PLAIN)),
    ]
    inbox = await account.mailbox("INBOX")
    assert inbox.uid_validity == 1234567
    assert await account.imports.uidls(inbox.id, [7, 9, 10]) == {
        7: "000000070012d687",
        9: "custom-uidl",
    }
    assert await seen(account, "받은/2026") == [
        (4, {DRAFT, "$Forwarded"}, 1_600_000_000.0, crlf(PLAIN))
    ]
    ((_, _, _, octets),) = await seen(account, "Sent")
    assert octets == crlf(ODD)
    boxes = {box.name: box for box in await account.mailboxes()}
    assert boxes["Sent"].special_use == "\\Sent"
    assert boxes["받은/2026"].uid_validity == 99
    assert {name for name, box in boxes.items() if box.subscribed} == {
        "INBOX",
        "Sent",
        "받은/2026",
    }
    first, *_ = report.folders
    assert (first.listed, first.added, first.verified) == (3, 3, 3)
    assert not first.uids_kept  # one had none
    assert first.uid_validity_kept


async def test_again_brings_what_is_new(dovecot: Path) -> None:
    account = await an_account()
    await bring(dovecot, account)
    old = dovecot / "cur" / "1600000002.M2P1.h:2,R"
    old.rename(dovecot / "cur" / "1600000002.M2P1.h:2,S")
    drop(dovecot, "1600000077.M7P1.h:2,", PLAIN)
    report = await bring(dovecot, account)
    assert report.added == 1
    assert report.folders[0].flags_changed == 1
    found = await seen(account, "INBOX")
    assert [(uid, flags) for uid, flags, _, _ in found] == [
        (7, {FLAGGED, SEEN, "$Work"}),
        (9, {SEEN}),
        (10, frozenset()),
        (11, frozenset()),
    ]


async def test_directories_below_one_another(tmp_path: Path) -> None:
    make_maildir(tmp_path / "m" / "a" / "b")
    make_maildir(tmp_path / "m" / "INBOX")
    drop(tmp_path / "m" / "a" / "b", "1.x.h:2,", PLAIN)
    drop(tmp_path / "m" / "INBOX", "1.x.h:2,", DOS)
    account = await an_account()
    await bring(tmp_path / "m", account)
    assert len(await seen(account, "a/b")) == 1
    assert len(await seen(account, "INBOX")) == 1


async def test_a_message_that_moves_meanwhile(
    dovecot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = MaildirSource(dovecot)
    folder = inbox_first(await source.folders())[0]
    (listed,) = [part async for part in source.listing(folder)]
    (dovecot / "cur" / "1600000002.M2P1.h:2,R").rename(
        dovecot / "cur" / "1600000002.M2P1.h:2,RS"
    )
    (dovecot / "new" / "1600000009.M9P1.h").unlink()
    monkeypatch.setattr(module, "READ_AT_ONCE", 2)
    letters = [letter async for letter in source.letters(folder, listed)]
    assert [letter.listed.uid for letter in letters] == [7, 9]


async def test_courier(tmp_path: Path) -> None:
    root = make_maildir(tmp_path / "m")
    for number in (1, 2, 3):
        drop(root, f"160000000{number}.M1.h:2,", PLAIN)
    (root / "courierimapuiddb").write_text(
        "1 555 9\n3 1600000001.M1.h\n4 1600000002.M1.h\n8 1600000003.M1.h\n"
    )
    (root / "courierpop3dsizelist").write_text(
        "/2 9 777\n1600000001.M1.h 30 5:777\n1600000002.M1.h 30 6:0\n"
        "1600000003.M1.h 30 0:0\nnonsense\n"
    )
    (root / "courierimapsubscribed").write_text("INBOX.Later.on\nINBOX\n")
    account = await an_account()
    await bring(root, account)
    inbox = await account.mailbox("INBOX")
    assert inbox.uid_validity == 555
    assert await account.imports.uidls(inbox.id, [3, 4, 8]) == {
        3: "UID5-777",
        4: "UID6",
        8: "1600000003.M1.h",
    }


async def test_compressed_and_as_it_is(tmp_path: Path) -> None:
    root = make_maildir(tmp_path / "m")
    drop(root, "1.a.h,S=9:2,Z", gzip.compress(PLAIN))
    drop(root, f"2.a.h,S={len(ODD)},W={len(ODD)}:2,", ODD)
    account = await an_account()
    await bring(root, account)
    found = [octets for _, _, _, octets in await seen(account, "INBOX")]
    assert found == [crlf(PLAIN), ODD]


async def test_no_maildir(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no Maildir"):
        MaildirSource(tmp_path)
    with pytest.raises(SourceError, match="cannot read"):
        MaildirSource(tmp_path / "nowhere")


async def test_what_cannot_be_read_is_said(dovecot: Path) -> None:
    (dovecot / "cur" / "3.x.h:2,Z").write_bytes(gzip.compress(PLAIN)[:-9])
    with pytest.raises(SourceError, match="damaged"):
        await bring(dovecot, await an_account())


async def test_identity_is_the_place(dovecot: Path) -> None:
    (dovecot.parent / "link").symlink_to(dovecot)
    there = MaildirSource(dovecot.parent / "link")
    assert there.identity == MaildirSource(dovecot).identity
    assert KOREAN not in there.identity
