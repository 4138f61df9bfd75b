"""The small parts: names, keywords, line ends, files beside the messages."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from pabal.base.errors import OperatorError
from pabal.directory.ports import Quota
from pabal.migration import reading
from pabal.migration.batches import Batch, stored_digests
from pabal.migration.checker import Checker
from pabal.migration.importer import Importer, inbox_first
from pabal.migration.keywords import changed, fit, plain
from pabal.migration.line_ends import CrlfTurner, to_crlf
from pabal.migration.maildir import MaildirSource
from pabal.migration.maildir_files import (
    base_name,
    letters_for,
    read_keywords,
    read_uidlist,
    sizes_of,
)
from pabal.migration.naming import chosen, target_name, target_of, unused_twin
from pabal.migration.opening import open_files
from pabal.migration.ports import Folder, NoProgress
from pabal.migration.reading import pieces, spooled
from pabal.migration.report import FolderReport, Report
from pabal.migration.source import SourceError, key_of
from pabal.store.flags import SEEN, FlagAction, FlagChange
from pabal.store.ports import MailboxInfo, OverQuotaError
from tests.migration.places import PLAIN, an_account, drop, make_maildir, seen
from tests.store.contract.letters import FakeClock, letter, put


@pytest.mark.parametrize(
    ("levels", "name"),
    [
        (("INBOX",), "INBOX"),
        (("inbox", "x"), "INBOX/x"),
        (("a/b", "c"), "a_b/c"),
        (("#news",), "_news"),
        (("a\0b", ""), "a_b/_"),
        (("x",) * 40, "/".join("x" * 31) + "/" + "_".join("x" * 9)),
    ],
)
def test_names(levels: tuple[str, ...], name: str) -> None:
    assert target_name(levels) == name


async def test_a_folder_goes_where_its_like_is() -> None:
    account = await an_account()
    await account.create("Gesendet", "\\Sent")
    boxes = await account.mailboxes()
    sent = Folder("x", ("Sent Items",), "\\Sent")
    assert target_of(sent, boxes) == ("Gesendet", "")
    guessed = Folder("x", ("Sent Items",))
    assert target_of(guessed, boxes) == ("Sent Items", "")
    assert target_of(Folder("x", ("Spam",)), boxes) == ("Spam", "\\Junk")
    assert target_of(Folder("x", ("a", "Spam")), boxes) == ("a/Spam", "")
    assert target_of(Folder("x", ("INBOX",), "\\Inbox"), boxes) == ("INBOX", "")


async def test_an_unused_mailbox_takes_the_name_its_owner_knows() -> None:
    account = await an_account()
    made = await account.create("Sent", "\\Sent")
    boxes = await account.mailboxes()
    for twin in (Folder("x", ("Sent Items",)), Folder("x", ("Gesendet",), "\\Sent")):
        assert unused_twin(twin, boxes, {"Drafts"}) == made
        # The source has a Sent as well: that is the one.
        assert unused_twin(twin, boxes, {"Sent"}) is None
    assert unused_twin(Folder("x", ("Sent",), "\\Sent"), boxes, ()) is None
    assert unused_twin(Folder("x", ("other",)), boxes, ()) is None
    await put(account, made, letter("1"))
    boxes = await account.mailboxes()
    assert unused_twin(Folder("x", ("Sent Items",)), boxes, ()) is None


def test_folders_are_chosen_with_those_below() -> None:
    folders = [Folder(name, tuple(name.split("/"))) for name in ("a", "a/b", "c")]

    def names(only: list[str], exclude: list[str]) -> list[str]:
        return [folder.place for folder in chosen(folders, only, exclude)]

    assert names([], []) == ["a", "a/b", "c"]
    assert names(["a"], []) == ["a", "a/b"]
    assert names([], ["a/b"]) == ["a", "c"]


def test_keywords() -> None:
    assert fit(frozenset({SEEN, "\\Recent", "a b", "", "$ok"})) == {SEEN, "a_b", "$ok"}
    assert plain(frozenset({SEEN, "x"})) == {SEEN}
    assert changed(frozenset({"$A", "b"}), frozenset({"$a", "c"})) == (
        frozenset({"c"}),
        frozenset({"b"}),
    )


@pytest.mark.parametrize(
    "octets", [b"a\r\nb\r\n", b"a\nb\r\n", b"a\r\r\n", b"a\rb\r\n", b""]
)
def test_line_ends(octets: bytes) -> None:
    assert to_crlf(to_crlf(octets)) == to_crlf(octets)
    turner = CrlfTurner()
    turned = [turner.feed(octets[at : at + 1]) for at in range(len(octets))]
    assert b"".join(turned) + turner.end() == to_crlf(octets)


def test_files_beside_the_messages() -> None:
    assert base_name("1.x.h:2,S") == base_name("1.x.h") == "1.x.h"
    assert sizes_of("1.x,S=12,W=14:2,") == {"S": 12, "W": 14}
    assert read_keywords(b"0 a\n25 z\n26 none\nx y\n") == {"a": "a", "z": "z"}
    assert letters_for(frozenset({SEEN, "k"}), ["j", "k"]) == "Sb"
    for broken in (b"", b"9 V1", b"3 Vx\n1 :a", b"\xff\xfe", b"1"):
        assert read_uidlist(broken).validity == 0
    found = read_uidlist(b"3 V5 N9\nx :a\n3\n4 W1 Pp S2 :b\n5 c\n")
    assert found.files == {"b": 4, "c": 5}
    assert found.uidl("b") == "p"


def test_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    long = b"line\n" * 200_000
    with spooled(io.BytesIO(long)) as spool:
        assert spool.octets() == to_crlf(long)
    assert b"".join(pieces(io.BytesIO(long))) == long
    monkeypatch.setattr(reading, "MESSAGE_MAX_OCTETS", 10)
    with pytest.raises(SourceError, match="longer"):
        spooled(io.BytesIO(long))


def test_reports() -> None:
    report = FolderReport("a", "a", listed=2, added=1, known=1)
    report.compared(1, b"x", b"x")
    assert Report([report]).complete
    report.compared(2, b"x", b"y")
    assert not Report([report]).complete
    assert report.wrong == [2]
    assert (report.verified, len(report.digest)) == (1, 32)
    assert 0 <= key_of(b"x") < 2**63


def test_what_is_no_source_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="there is no"):
        open_files(tmp_path / "nowhere")
    make_maildir(tmp_path / "m")
    assert open_files(tmp_path / "m").identity.startswith("maildir:")


async def test_compared_with_what_is_there(tmp_path: Path) -> None:
    root = make_maildir(tmp_path / "m")
    for number in range(3):
        drop(root, f"{number}.x.h:2,", PLAIN + b"%d\n" % number)
    account = await an_account()
    source = MaildirSource(root)
    folders = inbox_first(await source.folders())
    progress = NoProgress()
    await Importer(source, account, FakeClock(), progress).run(folders)
    assert progress.messages == 3
    inbox = await account.mailbox("INBOX")
    await account.expunge(inbox.id, [1])
    (root / "cur" / "2.x.h:2,").write_bytes(PLAIN + b"another\n")
    (checked,) = (await Checker(source, account).run(folders)).folders
    assert (checked.listed, checked.known, checked.verified) == (3, 3, 1)
    assert checked.wrong == [3]
    assert not checked.complete


async def test_a_flag_changed_here_stays(tmp_path: Path) -> None:
    root = make_maildir(tmp_path / "m")
    drop(root, "1.x.h:2,F", PLAIN)
    account = await an_account()
    source = MaildirSource(root)
    for _ in range(2):
        folders = await source.folders()
        await Importer(source, account, FakeClock()).run(folders)
        inbox = await account.mailbox("INBOX")
        change = FlagChange(FlagAction.REPLACE, frozenset({SEEN, "mine"}))
        await account.set_flags(inbox.id, [1], change)
    ((_, flags, _, _),) = await seen(account, "INBOX")
    assert flags == {SEEN, "mine"}


async def test_batches(tmp_path: Path) -> None:
    batch = Batch()
    assert not batch.full
    assert await batch.digests() == []
    assert await stored_digests(await an_account(), [5]) == [b""]


async def test_mail_that_comes_meanwhile_has_its_place(tmp_path: Path) -> None:
    root = make_maildir(tmp_path / "m")
    for number in range(4):
        drop(root, f"{number}.x.h:2,", PLAIN + b"%d\n" % number)
    account = await an_account()
    inbox = await account.mailbox("INBOX")
    source = MaildirSource(root)
    folders = inbox_first(await source.folders())
    fetch, calls = account.mailboxes, [None]

    async def mailboxes() -> Sequence[MailboxInfo]:
        before = await fetch()
        calls.append(None)
        if len(calls) == 3:  # first it is asked where the folder goes
            await put(account, inbox, letter("delivered"))
        return before

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account, "mailboxes", mailboxes)
        importer = Importer(source, account, FakeClock(), None, Quota(messages=4))
        with pytest.raises(OverQuotaError):
            await importer.run(folders)
    count = (await account.mailbox("INBOX")).message_count
    assert count == 3  # that one, and half of the four: there was no room for all
    report = await Importer(source, account, FakeClock()).run(folders)
    assert report.folders[0].added == 2
