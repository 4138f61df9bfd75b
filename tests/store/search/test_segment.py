"""What a segment is made of."""

from pabal.store.search.segment import COLUMNS, LINE, Builder, Kind
from tests.store.search.letters import built


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
