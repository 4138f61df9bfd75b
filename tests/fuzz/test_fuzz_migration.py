"""Other servers' files and words: values or one of our errors, nothing else."""

import asyncio
import contextlib
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pabal.base.errors import PabalError
from pabal.message.spool import Spool
from pabal.migration.imap_wire import (
    Value,
    fetched,
    listed_mailbox,
    namespaces,
    numbers,
    parse,
)
from pabal.migration.importer import Importer
from pabal.migration.maildir_files import (
    read_courier_uidls,
    read_extra_keywords,
    read_keywords,
    read_subscriptions,
    read_uidlist,
)
from pabal.migration.mbox import MboxSource
from pabal.migration.mbox_files import spans
from tests.migration.imap_server import FakeServer
from tests.migration.places import an_account
from tests.migration.test_imap_source import logged_in
from tests.store.contract.letters import FakeClock

FILES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(b"3 V5 N9 G1\n", b"1 5 9\n", b"/2 5 9\n", b"V\t2\n\n", b" :", b"\n"),
                *(b"P", b"7", b"\t", b"&vBvHQA-", b"&", b"INBOX.", b"/", b"\xff", b" "),
            ]
        ),
        st.binary(max_size=8),
    )
).map(b"".join)


@given(FILES)
def test_files_beside_a_maildir(octets: bytes) -> None:
    uids = read_uidlist(octets)
    assert uids.validity >= 0
    for base, uid in uids.files.items():
        assert uid > 0
        uids.uidl(base)
    for letter in read_keywords(octets):
        assert letter in "abcdefghijklmnopqrstuvwxyz"
    read_courier_uidls(octets)
    read_extra_keywords(octets)
    read_subscriptions(octets)


MBOX = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(b"From a 00:00:00 2020\n", b"From ", b"\n", b"\r\n", b"\n\n", b">"),
                *(b"Content-Length: 5\n", b"Content-Length: -1\n", b"X-Pabal: 5 lf\n"),
                *(b"X-Pabal: 9 raw\n", b"X-UID: 3\n", b"X-IMAPbase: 5 6\n", b"a: b\n"),
                *(b"Status: RO\n", b"Date: x\n", b"\0", b"\xff"),
            ]
        ),
        st.binary(max_size=8),
    )
).map(b"".join)


@given(MBOX)
def test_messages_do_not_overlap(octets: bytes) -> None:
    last = 0
    for span in spans(b"From a 00:00\n" + octets):
        assert last <= span.start < span.header <= span.body <= len(octets) + 13
        assert span.header <= max(span.end, span.body)
        last = span.start + 1


@given(MBOX)
@settings(max_examples=50, deadline=None)
def test_an_mbox_is_read_or_refused(octets: bytes) -> None:
    async def bring() -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "mbox"
            path.write_bytes(b"From a 00:00\n" + octets)
            account = await an_account()
            source = MboxSource(path)
            folders = await source.folders()
            report = await Importer(source, account, FakeClock()).run(folders)
            assert report.complete
            again = await Importer(source, account, FakeClock()).run(folders)
            assert again.added == 0

    asyncio.run(bring())


WORDS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(b"* ", b"1 FETCH (", b"UID 5", b"FLAGS (\\Seen)", b"BODY[] {3}\r\n"),
                *(b")", b"(", b'"', b"NIL", b"\r\n", b"* LIST () ", b'"/" ', b"INBOX"),
                *(
                    b"* SEARCH 1 2",
                    b"p4 OK\r\n",
                    b"p5 NO\r\n",
                    b"* BYE\r\n",
                    b"{99999}",
                ),
                *(b'INTERNALDATE "1-Jan-2020 00:00:00 +0000"', b"\\", b"\xff", b"\0"),
            ]
        ),
        st.binary(max_size=6),
    )
).map(b"".join)


@given(WORDS)
def test_words_of_a_server(octets: bytes) -> None:
    values: list[Value] = []
    with contextlib.suppress(PabalError):
        values = parse([octets])
    for read in (fetched, listed_mailbox, numbers, namespaces):
        read(values)
    with Spool() as spool:
        one = fetched(parse([b"* 1 FETCH (BODY[] ", spool, b")"]))
        assert one is not None
        assert one.body is spool


@given(WORDS)
@example(b"* LIST () * \x00")
@example(b"* LIST () * \xff")
@example(b"* LIST () * {4}\r\na\r\nb")
@settings(max_examples=50, deadline=None)
def test_a_server_is_understood_or_left(octets: bytes) -> None:
    async def talk() -> None:
        server = FakeServer()
        source = await logged_in(server)
        server.arrive(octets)
        server.end()
        with contextlib.suppress(PabalError):
            await source.folders()

    asyncio.run(talk())
