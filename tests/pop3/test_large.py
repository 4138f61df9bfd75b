"""Messages too large for a row, told to clients that did not say UTF8."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pabal.message.spool import Spool
from pabal.pop3 import surrogate
from pabal.pop3.large import LargeBody
from pabal.pop3.maildrop import Maildrop
from pabal.pop3.ports import Tools
from pabal.store.ports import BLOB_CHUNK_OCTETS
from tests.pop3.site import Site, open_site

LINES = b".A line of a picture, as it were.\r\n" * (BLOB_CHUNK_OCTETS // 30)
HEAD = b"Subject: report\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
PARTS = [
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "본문\r\n".encode(),
    'Content-Type: image/png; name="그림.png"\r\nX-Note: 메모\r\n\r\n'.encode() + LINES,
    b"Content-Type: message/rfc822\r\n\r\n"
    + "Subject: 회의\r\nX-Odd: \udcff\r\n\r\n".encode("utf-8", "surrogateescape")
    + LINES,
    b"Content-Type: text/plain\r\n\r\nthe end\r\n",
]
MESSAGE = HEAD + b"".join(b"--b\r\n" + part for part in PARTS) + b"--b--\r\n"


class CountedTools:
    """Counts the files it makes, none of which may stay open."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.made: list[Spool] = []

    def tools(self) -> Tools:
        return Tools(spool=self._make)

    def _make(self) -> Spool:
        spool = Spool(self.directory, memory_max=0)
        self.made.append(spool)
        return spool


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as site:
        yield site


async def told(reply: object) -> bytes:
    assert isinstance(reply, AsyncIterator)
    return b"".join([piece async for piece in reply])


async def test_headers_of_parts_are_told_in_ascii(site: Site, tmp_path: Path) -> None:
    await site.append(MESSAGE)
    counted = CountedTools(tmp_path)
    drop = await Maildrop.open(await site.mailboxes(), tools=counted.tools())
    assert drop is not None
    expected = surrogate.of_message(MESSAGE)
    assert expected != MESSAGE
    status, _, rest = (await told(await drop.retrieve(4))).partition(b"\r\n")
    assert status == b"+OK %d octets" % len(expected)
    assert rest == expected.replace(b"\r\n.", b"\r\n..") + b".\r\n"
    lines = expected[len(HEAD) :].split(b"\r\n")[:8]
    top = await told(await drop.top(4, 8))
    assert top == b"\r\n".join((b"+OK", HEAD[:-2], *lines, b".", b"")).replace(
        b"\r\n.A", b"\r\n..A"
    )
    assert len(counted.made) == 2
    drop.close()
    for spool in counted.made:
        with pytest.raises(Exception, match="closed"):
            spool.octets()


@pytest.mark.parametrize(
    ("message", "utf8", "files"),
    [
        (MESSAGE, True, 0),
        (HEAD + LINES, False, 0),
        (b"Subject: eight bits\r\n\r\n" + LINES + "본문\r\n".encode(), False, 1),
    ],
)
async def test_what_needs_no_change_is_told_as_it_is(
    site: Site, tmp_path: Path, message: bytes, *, utf8: bool, files: int
) -> None:
    await site.append(message)
    counted = CountedTools(tmp_path)
    store = await site.mailboxes()
    view = await store.view((await site.inbox()).id)
    start = message.index(b"\r\n\r\n") + 4
    tools = counted.tools()
    with await LargeBody.open(store, view.emails[-1], start, tools, utf8=utf8) as body:
        assert body.extra == 0
        assert b"".join([piece async for piece in body.pieces()]) == message[start:]
    view.close()
    assert len(counted.made) == files
