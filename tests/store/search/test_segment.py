"""What a segment is made of."""

from pabal.store.search.merging import merge
from pabal.store.search.segment import COLUMNS, LINE, Builder, Kind
from tests.store.search.letters import built, members


def test_columns_have_a_line_a_message() -> None:
    segment = built([b"Subject: One\r\nTo: a@b\r\nTo: c@d\r\n\r\n", b"\r\n", b""])
    assert segment.columns[b"subject"] == b"\xff\xfeone\xff\xff\xff"
    assert segment.columns[b"to"] == b"\xff\xfea@b\xfec@d\xff\xff\xff"
    assert set(segment.columns) == set(COLUMNS)
    assert all(one.count(LINE) == 4 for one in segment.columns.values())


def test_pages_tell_headers_from_texts() -> None:
    segment = built([b"Subject: Greeting\r\n\r\nHello there"], first=7)
    assert list(segment.emails) == [7]
    words = {
        kind: b"".join(page.words for page in segment.pages[kind]).split()
        for kind in Kind
    }
    assert words[Kind.HEADER_PIECES] == [b"greeting", b"subject:"]
    assert words[Kind.BODY_PIECES] == [b"hello", b"there"]
    assert words[Kind.BODY_CHARACTERS] == sorted([b"e", b"h", b"l", b"o", b"r", b"t"])


def test_making_one_has_pauses() -> None:
    paused = []
    builder = Builder()
    builder.add(1, b"\r\n" + b" ".join(b"%d" % one for one in range(5_000)))
    builder.finish(lambda: paused.append(1))
    assert len(paused) > 5


def test_which_messages_are_plain() -> None:
    octets = [
        "\r\n\r\nHello 회의 が\r\n".encode(),
        b"Subject: x\r\n\r\nHELLO",
        b"\r\nhello",
        "A: b\r\n\r\nÉtude".encode(),  # another letter in lower case
        "A: b\r\n\r\ncafé".encode(),  # two letters folded
        b"A: b\n\nhello",
        b"A: b\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n",
        b"A: b\r\nContent-Type: text/html\r\n\r\nhello",
        b"A: b\r\nContent-Type: text/html\r\n\r\n<p>hello",
        b"A: b\r\nContent-Type: image/png\r\n\r\nhello",
        b"A: b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nhello",
    ]
    assert members(built(octets).plain) == {1, 7}
    halves = [built(octets[:5]), built(octets[5:], 6)]
    merged = merge(halves, {1, 2, 8, 9, 11}, lambda: None)
    assert members(merged.plain) == {1, 2}
