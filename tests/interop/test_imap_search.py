"""Words of every script, looked for by imaplib and curl in mail that is indexed."""

import base64
import imaplib
import os
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.interop.peer import needs, run
from tests.support.server import PASSWORD, Server

COUNT = 200

TEXTS = [
    ("utf-8", "8bit", "내일 회의를 합니다"),
    ("euc-kr", "base64", "점심은 비빔밥"),
    ("iso-2022-jp", "7bit", "会議室はミーティング中"),
    ("gb2312", "base64", "明天开会"),
]


def letter(number: int) -> bytes:
    charset, encoding, text = TEXTS[number % len(TEXTS)]
    octets = text.encode(charset)
    if encoding == "base64":
        octets = base64.encodebytes(octets)
    word = base64.b64encode(text.encode()).decode()
    return (
        f"From: a@b.example\r\nSubject: =?utf-8?B?{word}?= {number}\r\n"
        f"Content-Type: text/plain; charset={charset}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    ).encode() + octets.replace(b"\n", b"\r\n")


@pytest.fixture(scope="module")
def indexed(server: Server) -> Server:
    with server.imap("alice") as imap:
        for number in range(COUNT):
            imap.append("INBOX", "", "", letter(number))
    said = server.run("account", "reindex", "alice@a.test").stdout
    assert said.startswith(f"alice@a.test: {COUNT} messages indexed in ")
    # One more that the index does not know.
    with server.imap("alice") as imap:
        imap.append("INBOX", "", "", letter(COUNT))
    return server


@pytest.fixture(params=["charset", "utf8"])
def imap(request: pytest.FixtureRequest, indexed: Server) -> Iterator[imaplib.IMAP4]:
    with indexed.imap("alice") as imap:
        if request.param == "utf8":
            imap.unselect()
            imap.enable("UTF8=ACCEPT")
            imap.select("INBOX", readonly=True)
        yield imap


def found(imap: imaplib.IMAP4, key: str, text: str) -> list[int]:
    vars(imap)["literal"] = text.encode()  # typeshed says str; str fails
    charset = None if imap.utf8_enabled else "UTF-8"
    _, data = imap.search(charset, key)
    return [int(number) for number in data[0].split()]


@pytest.mark.parametrize("key", ["BODY", "TEXT", "SUBJECT", "FUZZY BODY"])
@pytest.mark.parametrize(
    ("word", "which"),
    [
        ("회의", 0), ("회", 0), ("ㅎㅇ", 0), ("회의를 합", 0),
        ("비빔", 1), ("빔", 1), ("ㅈㅅ", 1),
        ("会議", 2), ("室", 2), ("会議室", 2), ("ミーティング", 2),
        ("开会", 3), ("开", 3), ("明天开会", 3),
        ("없는말", None), ("龘", None),
    ],
)  # fmt: skip
def test_words(imap: imaplib.IMAP4, key: str, word: str, which: int | None) -> None:
    numbers = [
        number + 1
        for number in range(COUNT + 1)
        if which is not None and number % len(TEXTS) == which
    ]
    assert found(imap, key, word) == numbers


@needs("curl")
def test_curl(indexed: Server) -> None:
    where = f"imap://{indexed.address}:{indexed.port(143)}/INBOX"
    login = ("-u", f"alice@a.test:{PASSWORD}")
    asked = [("UTF-8", "회의", b" 201"), ("EUC-KR", "비빔", b" 198")]
    for charset, word, last in asked:
        # A quoted string of eight-bit octets, as mail programs send it.
        command = f'SEARCH CHARSET {charset} SUBJECT "{word}"'.encode(charset)
        words = ("-X", os.fsdecode(command))
        done = run("curl", "-sSk", "--ssl-reqd", *login, *words, where)
        assert done.stdout.startswith(b"* SEARCH ")
        assert done.stdout.rstrip().endswith(last)
    quoted = quote(f'SUBJECT "{COUNT}"')
    done = run("curl", "-sSk", "--ssl-reqd", *login, f"{where}?{quoted}")
    assert done.stdout.startswith(b"* SEARCH 201\r\n")
