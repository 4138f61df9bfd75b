"""The IMAP client: what it makes of a server's words."""

import asyncio
from pathlib import Path

import pytest

from pabal.base.errors import OperatorError, ProtocolError
from pabal.migration import imap_source as module
from pabal.migration.imap_client import ImapClient, RefusedError
from pabal.migration.imap_source import ImapAddress, ImapSource, trusting
from pabal.migration.imap_wire import (
    BadResponseError,
    code_number,
    date_time,
    fetched,
    listed_mailbox,
    literal_size,
    namespaces,
    numbers,
    parse,
    uid_set,
)
from pabal.migration.importer import Importer, inbox_first
from pabal.migration.report import Report
from pabal.migration.source import SourceError
from pabal.store.flags import FLAGGED, SEEN
from pabal.store.memory.account import MemoryAccount
from tests.migration.imap_server import FakeServer
from tests.migration.places import an_account, seen
from tests.store.contract.letters import FakeClock, letter
from tests.support.certificate import write_certificate

DATE = "14-Nov-2023 23:13:20 +0100"
THEN = 1_699_999_999.0 + 1


def test_responses_as_values() -> None:
    assert parse([b'* 1 FETCH (UID 5 FLAGS (\\Seen $x) X "a \\"b\\\\" Y NIL)']) == [
        b"*",
        b"1",
        b"FETCH",
        [b"UID", b"5", b"FLAGS", [b"\\Seen", b"$x"], b"X", b'a "b\\', b"Y", None],
    ]
    for broken in (b"* (", b"* )", b"*" + b"(" * 40):
        with pytest.raises(BadResponseError):
            parse([broken])
    assert literal_size(b"BODY[] {12}") == literal_size(b"{12+}") == 12
    assert literal_size(b"{12} x") is None


def test_what_a_message_is_like() -> None:
    one = fetched(parse([b'* 1 FETCH (FLAGS (\\SEEN) UID 5 BODY[] "text")']))
    assert one is not None
    assert one.flags == frozenset({SEEN})
    assert one.body is not None
    assert one.body.octets() == b"text"
    assert fetched(parse([b"* 1 EXPUNGE"])) is None
    assert fetched(parse([b"* 1 FETCH UID 5"])) is None


def test_mailboxes_of_a_list() -> None:
    one = listed_mailbox(parse([b'* LIST (\\HasNoChildren \\Sent) "." "INBOX.a&-b"']))
    assert one is not None
    assert one.levels(b"INBOX.") == ("a&b",)
    assert (one.selectable, one.special_use) == (True, "\\Sent")
    flat = listed_mailbox(parse([b"* LIST (\\NoSelect) NIL a.b"]))
    assert flat is not None
    assert flat.levels(b"") == ("a.b",)
    assert not flat.selectable
    assert listed_mailbox(parse([b"* SEARCH 1 2 3 4"])) is None
    assert namespaces(parse([b"* NAMESPACE NIL NIL NIL"])) == (b"", ())


def test_numbers() -> None:
    assert numbers(parse([b"* SEARCH 3 1 2 x 3"])) == [1, 2, 3]
    assert code_number(b"* OK [UIDVALIDITY 12] x", b"UIDVALIDITY") == 12
    assert code_number(b"* OK x", b"UIDVALIDITY") == 0
    assert uid_set([1, 2, 3, 7, 9, 10]) == b"1:3,7,9:10"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"14-Nov-2023 22:13:20 +0000", 1_700_000_000.0),
        (b" 4-Nov-2023 22:13:20 -0130", 1_699_141_400.0),
        (b"31-Feb-2023 22:13:20 +0000", 0.0),
        (b"yesterday", 0.0),
    ],
)
def test_dates(text: bytes, seconds: float) -> None:
    assert date_time(text) == seconds


def test_addresses() -> None:
    address = ImapAddress.parse("imaps://bob%40a.test@mail.a.test/")
    assert address == ImapAddress("mail.a.test", 993, "bob@a.test", tls=True)
    assert str(address) == "imaps://bob@a.test@mail.a.test:993"
    assert not address.near
    near = ImapAddress.parse("imap://bob@127.0.0.2:99")
    assert (near.port, near.near, near.tls) == (99, True, False)
    assert ImapAddress.parse("imap://b@localhost").near
    assert not ImapAddress.parse("imap://b@127.0.0.1.evil.test").near
    for wrong in (
        "imaps://mail.a.test/",
        "imaps://b@h/INBOX",
        "imaps://b:secret@h/",
        "imaps://b@h:x/",
    ):
        with pytest.raises(OperatorError) as caught:
            ImapAddress.parse(wrong)
        assert "secret" not in str(caught.value)


def test_trust(tmp_path: Path) -> None:
    certificate, _ = write_certificate(tmp_path)
    assert trusting(certificate).check_hostname
    (tmp_path / "empty").write_text("")
    with pytest.raises(OperatorError, match="cannot use"):
        trusting(tmp_path / "empty")


async def logged_in(server: FakeServer, uidls: str = "auto") -> ImapSource:
    client = ImapClient(server)
    await client.greet()
    await client.capability()
    await client.log_in("bob", "pass word")
    return ImapSource(client, "imap://bob@test", uidls)


async def bring(source: ImapSource, account: MemoryAccount) -> Report:
    folders = inbox_first(await source.folders())
    return await Importer(source, account, FakeClock()).run(folders)


@pytest.fixture
def server() -> FakeServer:
    server = FakeServer(
        "IMAP4rev1 AUTH=PLAIN SASL-IR NAMESPACE SPECIAL-USE LIST-EXTENDED"
    )
    server.list = (
        '* LIST () "." INBOX\r\n'
        '* LIST (\\NoSelect) "." INBOX.nothing\r\n'
        '* LIST () "." other.bob\r\n'
        '* LIST (\\Sent) "." "INBOX.Gesendet"\r\n'
        '* LIST () "." {20}\r\nINBOX.&vBvHQA-.2026/\r\n'
    )
    server.lsub = '* LSUB () "." INBOX.Gesendet\r\n'
    server.boxes = {
        "INBOX": (
            7,
            [
                (n, "\\Seen $x" if n % 2 else "\\Recent", DATE, letter(str(n)))
                for n in range(2, 700, 3)
            ],
        ),
        "INBOX.Gesendet": (8, [(5, "\\Flagged", "nonsense", b"x" * 3_000_000)]),
        "INBOX.&vBvHQA-.2026/": (9, []),
    }
    return server


async def test_everything_comes_along(server: FakeServer) -> None:
    account = await an_account()
    source = await logged_in(server)
    server.hold = 0
    report = await bring(source, account)
    assert report.complete
    boxes = {box.name: box for box in await account.mailboxes()}
    assert set(boxes) == {"INBOX", "Gesendet", "받은", "받은/2026_"}
    assert boxes["Gesendet"].special_use == "\\Sent"
    assert boxes["Gesendet"].subscribed
    assert boxes["받은/2026_"].uid_validity == 9
    found = await seen(account, "INBOX")
    assert [(uid, octets) for uid, _, _, octets in found] == [
        (uid, octets) for uid, _, _, octets in server.boxes["INBOX"][1]
    ]
    assert found[0][1:3] == (frozenset(), THEN)
    assert found[1][1] == {SEEN, "$x"}
    assert await account.imports.uidls(boxes["INBOX"].id, [2]) == {
        2: "0000000200000007"
    }
    ((uid, flags, _, octets),) = await seen(account, "Gesendet")
    assert (uid, flags, len(octets)) == (5, {FLAGGED}, 3_000_000)
    source.close()
    assert server.closed
    assert not [one for one in server.commands if one.startswith("SELECT")]


async def test_answers_in_any_order(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_MESSAGES", 40)
    source = await logged_in(server)
    folder = inbox_first(await source.folders())[0]
    slices = [part async for part in source.listing(folder)]
    server.hold = 1
    wanted = slices[0][:160]  # four chunks: two by two
    letters = [one async for one in source.letters(folder, wanted)]
    assert [one.listed.uid for one in letters] == [one.uid for one in wanted]


async def test_again_brings_what_is_new(server: FakeServer) -> None:
    account = await an_account()
    await bring(await logged_in(server), account)
    validity, messages = server.boxes["INBOX"]
    uid, _, date, octets = messages[0]
    messages[0] = (uid, "\\Seen", date, octets)
    messages.append((900, "", date, letter("new")))
    again = FakeServer(server.capabilities)
    again.boxes, again.list = server.boxes, server.list
    report = await bring(await logged_in(again, "none"), account)
    assert (report.added, report.folders[0].flags_changed) == (1, 1)
    found = await seen(account, "INBOX")
    assert (found[0][1], found[-1][0]) == ({SEEN}, 900)
    assert validity == (await account.mailbox("INBOX")).uid_validity


async def test_a_message_that_cannot_be_read_is_missed(server: FakeServer) -> None:
    server.boxes["INBOX"][1][:] = server.boxes["INBOX"][1][:3]
    server.answers["UID FETCH 2,5,8 (UID INTERNALDATE"] = "{tag} OK\r\n"
    report = await bring(await logged_in(server), await an_account())
    assert not report.complete
    assert report.folders[0].gone == 3


@pytest.mark.parametrize(
    ("capabilities", "said"),
    [
        ("IMAP4rev1", 'LOGIN "bob" "pass word"'),
        ("IMAP4rev1 AUTH=PLAIN SASL-IR", "AUTHENTICATE PLAIN AGJvYgBwYXNzIHdvcmQ="),
    ],
)
async def test_logging_in(capabilities: str, said: str) -> None:
    server = FakeServer(capabilities)
    await logged_in(server)
    assert said in server.commands


async def test_logging_in_step_by_step() -> None:
    server = FakeServer("IMAP4rev1 AUTH=PLAIN")
    server.answers["AUTHENTICATE PLAIN"] = "* 1 EXISTS\r\n+ \r\n"
    server.secret = "AGJvYgBwYXNzIHdvcmQ="
    await logged_in(server)
    assert "AUTHENTICATE PLAIN" in server.commands


async def test_refusals_tell_no_secret() -> None:
    server = FakeServer("IMAP4rev1")
    server.answers["LOGIN"] = "{tag} NO [AUTHENTICATIONFAILED] no\r\n"
    with pytest.raises(RefusedError, match="LOGIN: the server says NO") as caught:
        await logged_in(server)
    assert "pass word" not in str(caught.value)
    with pytest.raises(SourceError, match="no password"):
        await logged_in(FakeServer("IMAP4rev1 LOGINDISABLED"))


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ("* BYE too busy\r\n", "hangs up"),
        ("other OK\r\n", "out of turn"),
        ("bare\nline\r\n", "no IMAP"),
        ("* 1 FETCH (BODY[] {{9999999999}}\r\n", "gigabyte"),
        ("* 1 FETCH (" + "a {{1}}\r\nx" * 300, "without end"),
        ("* 1 FETCH ((\r\n{tag} OK\r\n", "parenthesis"),
    ],
)
async def test_nonsense_is_said(answer: str, complaint: str) -> None:
    server = FakeServer()
    source = await logged_in(server)
    server.answers["LIST"] = answer
    with pytest.raises((SourceError, ProtocolError), match=complaint):
        await source.folders()


async def test_a_server_that_goes_away() -> None:
    server = FakeServer()
    source = await logged_in(server)
    server.answers["LIST"] = "* LIST"
    task = asyncio.get_running_loop().create_task(source.folders())
    await asyncio.sleep(0)
    server.close()
    with pytest.raises(SourceError, match="closed the connection"):
        await task
    server = FakeServer()
    server._arrived[:] = b"* BYE go away\r\n"
    with pytest.raises(SourceError, match="does not greet"):
        await logged_in(server)


async def test_a_name_that_would_be_a_command_is_never_said(
    server: FakeServer,
) -> None:
    source = await logged_in(server)
    server.list = '* LIST () "/" {14}\r\nx\r\np9 LOGOUT y\r\n'
    with pytest.raises(SourceError, match="LOGOUT"):
        await source.folders()
    assert not any("LOGOUT" in command for command in server.commands)


async def test_another_mailbox_meanwhile(server: FakeServer) -> None:
    source = await logged_in(server)
    folders = await source.folders()
    server.boxes["INBOX"] = (99, [])
    with pytest.raises(SourceError, match="another mailbox"):
        await Importer(source, await an_account(), FakeClock()).run(folders)


async def test_tls() -> None:
    server = FakeServer()
    client = ImapClient(server)
    await client.greet()
    await client.start_tls("mail.test")
    assert server.server_name == "mail.test"
    server.tls_works = False
    with pytest.raises(SourceError, match="no TLS with mail.test"):
        await client.secure("mail.test")
