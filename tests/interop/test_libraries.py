"""Python's own smtplib and imaplib, and IMAPClient, beyond the first steps."""

import datetime as dt
import imaplib
import smtplib
import threading
import zlib
from collections.abc import Iterable, Iterator

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError
from typing_extensions import Buffer, override

from tests.interop.peer import MESSAGE
from tests.support.server import PASSWORD, Server, letter, unverified

LARGE = b"Subject: large\r\n\r\n" + b".a line that starts with a dot\r\n" * 100_000


@pytest.fixture
def alice(server: Server) -> Iterator[imaplib.IMAP4_SSL]:
    with server.imap("alice") as client:
        yield client


@pytest.fixture
def device(server: Server) -> Iterator[IMAPClient]:
    with logged_in(server, "bob") as client:
        yield client


def logged_in(server: Server, user: str) -> IMAPClient:
    client = IMAPClient(
        server.address, server.port(993), ssl_context=unverified(), timeout=15
    )
    client.plain_login(f"{user}@a.test", PASSWORD)
    return client


def flat(data: Iterable[object]) -> bytes:
    """Return all octets imaplib took out of an answer."""
    pieces: list[object] = []
    for item in data:
        pieces += item if isinstance(item, tuple) else [item]
    return b"|".join(piece for piece in pieces if isinstance(piece, bytes))


class DeflatingImap(imaplib.IMAP4_SSL):
    """imaplib with COMPRESS=DEFLATE (RFC 4978) out of zlib alone."""

    def compress(self, level: int = 9) -> None:
        """Compress from now on, with the largest window there is."""
        assert self.xatom("COMPRESS", "DEFLATE") == ("OK", [b"DEFLATE active"])
        self._out = zlib.compressobj(level, zlib.DEFLATED, -15)
        self._in = zlib.decompressobj(-15)
        self._plain = b""
        self.received = 0

    @override
    def send(self, data: Buffer) -> None:
        if hasattr(self, "_out"):
            data = self._out.compress(data) + self._out.flush(zlib.Z_SYNC_FLUSH)
        super().send(data)

    @override
    def read(self, size: int) -> bytes:
        if not hasattr(self, "_in"):
            return super().read(size)
        while len(self._plain) < size:
            self._more()
        octets, self._plain = self._plain[:size], self._plain[size:]
        return octets

    @override
    def readline(self) -> bytes:
        if not hasattr(self, "_in"):
            return super().readline()
        while b"\n" not in self._plain:
            self._more()
        line, end, self._plain = self._plain.partition(b"\n")
        return line + end

    def _more(self) -> None:
        octets = self.socket().recv(65536)
        assert octets, "the server closed"
        self.received += len(octets)
        self._plain += self._in.decompress(octets)


class TestSmtplib:
    def test_one_refused_of_three(self, server: Server) -> None:
        with server.submission("alice") as client:
            refused = client.sendmail(
                "alice@a.test",
                ["bob@a.test", "nobody@a.test", "alice@a.test"],
                MESSAGE,
            )
        assert set(refused) == {"nobody@a.test"}
        assert refused["nobody@a.test"][0] == 550

    def test_all_refused(self, server: Server) -> None:
        with server.submission("alice") as client:
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail("alice@a.test", ["nobody@a.test"], MESSAGE)
            client.sendmail("alice@a.test", ["bob@a.test"], MESSAGE)

    def test_large_and_many_on_one_connection(self, server: Server) -> None:
        with server.submission("bob") as client:
            client.sendmail("bob@a.test", ["bob@a.test"], LARGE)
            for number in range(5):
                client.send_message(letter("bob@a.test", "bob@a.test", f"n{number}"))
        pop = server.pop3("bob")
        count = pop.stat()[0]
        _, lines, _ = pop.retr(count - 5)
        body = b"\r\n".join(lines) + b"\r\n"
        assert body.endswith(LARGE.partition(b"\r\n\r\n")[2])
        pop.quit()

    def test_size_is_announced_and_held(self, server: Server) -> None:
        with server.submission("alice") as client:
            client.ehlo()
            limit = int(client.esmtp_features["size"])
            code, text = client.docmd("MAIL", f"FROM:<alice@a.test> SIZE={limit + 1}")
            assert (code, text[:5]) == (552, b"5.3.4")

    def test_odds_and_ends(self, server: Server) -> None:
        with server.smtp() as client:
            assert client.ehlo()[0] == 250
            assert client.vrfy("bob@a.test")[0] in {250, 252}
            assert client.docmd("EXPN", "team")[0] in {502, 550, 252}
            assert client.docmd("NOOP", "anything")[0] == 250
            assert client.rset()[0] == 250
            assert client.docmd("WHAT")[0] == 500
            assert client.help()
            with pytest.raises(smtplib.SMTPException):
                client.login("alice@a.test", "x")


class TestImaplib:
    def test_life_of_a_mailbox(self, alice: imaplib.IMAP4_SSL) -> None:
        assert alice.create("work")[0] == "OK"
        assert alice.create("work")[0] == "NO"
        assert alice.subscribe("work")[0] == "OK"
        assert b'"/" work' in b"".join(x for x in alice.lsub()[1] if x)
        assert alice.rename("work", "done")[0] == "OK"
        assert alice.unsubscribe("done")[0] == "OK"
        assert alice.status("done", "(MESSAGES UIDNEXT UIDVALIDITY)")[0] == "OK"
        assert alice.delete("done")[0] == "OK"
        assert alice.delete("done")[0] == "NO"

    def test_append_search_store_copy_expunge(self, alice: imaplib.IMAP4_SSL) -> None:
        alice.create("a")
        alice.create("b")
        when = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.timezone(dt.timedelta(hours=9)))
        for flags in (r"(\Seen)", r"(\Flagged $Work)", ""):
            status, done = alice.append("a", flags, when, MESSAGE)
            assert status == "OK"
            assert b"APPENDUID" in done[0]
        alice.select("a")
        assert alice.search(None, "UNSEEN")[1] == [b"2 3"]
        assert alice.search(None, "KEYWORD", "$Work")[1] == [b"2"]
        assert alice.search(None, "ON", "1-Mar-2026")[1] == [b"1 2 3"]
        vars(alice)["literal"] = "회의".encode()  # typeshed says str; str fails
        assert alice.search("UTF-8", "SUBJECT")[1] == [b"1 2 3"]
        vars(alice)["literal"] = "내일".encode()  # typeshed says str; str fails
        assert alice.search("UTF-8", "BODY")[1] == [b"1 2 3"]
        _, data = alice.fetch("2", "(INTERNALDATE RFC822.SIZE BODY.PEEK[])")
        said = flat(data)
        assert MESSAGE in said
        assert b" 1-Mar-2026 0" in said
        assert b"RFC822.SIZE %d" % len(MESSAGE) in said
        assert alice.copy("1:2", "b")[0] == "OK"
        alice.store("1:2", "+FLAGS.SILENT", r"(\Deleted)")
        assert alice.uid("EXPUNGE", "1")[0] == "OK"
        assert alice.expunge()[1][-1] == b"1"
        assert alice.select("b", readonly=True)[1] == [b"2"]
        said = flat(alice.fetch("1:2", "(FLAGS)")[1])
        assert b"\\Seen" in said
        assert b"$Work" in said
        assert alice.store("1", "+FLAGS", r"(\Seen)")[0] == "NO"

    def test_by_hand_with_login_and_starttls(self, server: Server) -> None:
        client = imaplib.IMAP4(server.address, server.port(143), timeout=15)
        assert "STARTTLS" in client.capabilities
        client.starttls(unverified())
        assert "STARTTLS" not in client.capabilities
        with pytest.raises(imaplib.IMAP4.error, match=r"AUTHENTICATIONFAILED"):
            client.login("alice@a.test", "wrong")
        client.authenticate("PLAIN", lambda _: server.plain("alice"))
        client.enable("UTF8=ACCEPT")
        assert client.create('"메일"'.encode().decode())[0] == "OK"
        assert any("메일".encode() in x for x in client.list()[1] if x)
        client.logout()


class TestImapClient:
    def test_folders_by_korean_names(self, device: IMAPClient) -> None:
        device.create_folder("받은 편지/회의록")
        names = [name for _, _, name in device.list_folders()]
        assert "받은 편지/회의록" in names
        device.rename_folder("받은 편지/회의록", "회의록")
        assert device.folder_exists("회의록")
        device.delete_folder("회의록")
        assert not device.folder_exists("회의록")

    def test_fetch_is_parsed(self, device: IMAPClient) -> None:
        device.create_folder("parsed")
        device.append("parsed", MESSAGE, [b"\\Seen"])
        device.select_folder("parsed")
        (uid,) = device.search(["SUBJECT", "회의"], charset="UTF-8")
        ((_, items),) = device.fetch(
            [uid], ["ENVELOPE", "BODYSTRUCTURE", "FLAGS", "BODY.PEEK[TEXT]", "MODSEQ"]
        ).items()
        envelope = items[b"ENVELOPE"]
        assert envelope.from_[0].mailbox == b"alice"
        assert envelope.subject == b"=?utf-8?B?7ZqM7J2Y?="
        assert items[b"BODYSTRUCTURE"][:2] == (b"text", b"plain")
        assert items[b"BODY[TEXT]"] == MESSAGE.partition(b"\r\n\r\n")[2]
        assert b"\\Seen" in items[b"FLAGS"]

    def test_gmail_style_move_and_uidplus(self, device: IMAPClient) -> None:
        device.create_folder("from")
        device.create_folder("to")
        device.append("from", MESSAGE)
        device.select_folder("from")
        device.move([1], "to")
        assert device.search() == []
        assert device.select_folder("to")[b"EXISTS"] == 1
        device.delete_messages([1])
        device.uid_expunge([1])
        assert device.search() == []

    def test_sort_thread_id_and_quota_or_a_clear_no(self, device: IMAPClient) -> None:
        device.select_folder("INBOX")
        assert device.id_({"name": "test"})
        assert device.namespace().personal
        for capability, ask in (
            ("SORT", lambda: device.sort("ARRIVAL")),
            ("THREAD=REFERENCES", lambda: device.thread("REFERENCES")),
            ("QUOTA", device.get_quota),
        ):
            if device.has_capability(capability):
                ask()
            else:
                with pytest.raises(IMAPClientError):
                    ask()

    def test_idle_hears_of_mail(self, server: Server, device: IMAPClient) -> None:
        device.create_folder("unrelated")
        before = device.select_folder("INBOX")[b"EXISTS"]
        device.idle()

        def send() -> None:
            with server.submission("alice") as client:
                client.send_message(letter("alice@a.test", "bob@a.test", "now"))

        sending = threading.Thread(target=send)
        sending.start()
        heard = device.idle_check(timeout=10)
        sending.join()
        assert (before + 1, b"EXISTS") in heard
        device.idle_done()

    def test_two_devices_see_each_other(self, server: Server) -> None:
        with logged_in(server, "alice") as one, logged_in(server, "alice") as two:
            one.create_folder("shared")
            one.select_folder("shared")
            two.select_folder("shared")
            one.append("shared", MESSAGE)
            two.noop()
            assert two.search() == [1]
            two.add_flags([1], ["\\Flagged", "$Later"])
            one.noop()
            assert {b"\\Flagged", b"$Later"} <= set(one.get_flags([1])[1])
            one.delete_messages([1])
            one.expunge()
            two.noop()
            assert two.search() == []


class TestCompressed:
    """RFC 4978 over TLS and a real socket."""

    @pytest.mark.parametrize("level", [0, 9])
    def test_a_session(self, server: Server, level: int) -> None:
        box = f"deflated{level}"
        with DeflatingImap(
            server.address, server.port(993), ssl_context=unverified(), timeout=15
        ) as client:
            client.authenticate("PLAIN", lambda _: server.plain("alice"))
            client.create(box)
            client.compress(level)
            _, told = client.capability()
            assert b"COMPRESS" not in told[-1]
            code, why = client.xatom("COMPRESS", "DEFLATE")
            assert (code, why[0][:19]) == ("NO", b"[COMPRESSIONACTIVE]")
            # Literals of both kinds and directions, larger than any window.
            assert client.append(box, "", "", LARGE)[0] == "OK"
            for number in range(10):
                client.append(
                    box, "", "", letter("a@a.test", "b@a.test", str(number)).as_bytes()
                )
            assert client.select(box) == ("OK", [b"11"])
            before = client.received
            _, data = client.fetch("1", "(BODY.PEEK[])")
            assert isinstance(data[0], tuple)
            assert data[0][1] == LARGE
            assert client.received - before < len(LARGE) // 50
            _, data = client.fetch("2:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            assert [flat([one]) for one in data if b"Subject: 9" in flat([one])]
            # Commands in one segment, and pushes while the client waits.
            client.send(b"x1 NOOP\r\nx2 IDLE\r\n")
            assert client.readline().startswith(b"x1 OK")
            assert client.readline() == b"+ idling\r\n"
            with server.imap("alice") as other:
                other.append(box, "", "", MESSAGE)
            assert client.readline() == b"* 12 EXISTS\r\n"
            assert client.readline().endswith(b" RECENT\r\n")
            client.send(b"DONE\r\n")
            assert client.readline().startswith(b"x2 OK")
            client.delete(box)

    def test_what_is_not_deflated_ends_the_connection(self, server: Server) -> None:
        with DeflatingImap(
            server.address, server.port(993), ssl_context=unverified(), timeout=15
        ) as client:
            client.authenticate("PLAIN", lambda _: server.plain("alice"))
            client.xatom("COMPRESS", "DEFLATE")
            client.send(b"x NOOP\r\n" * 100)
            assert client.socket().recv(1) == b""
            client.state = "LOGOUT"
            client.shutdown()
