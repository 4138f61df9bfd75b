import datetime as dt

import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.search import (
    DEPTH_MAX,
    KEYS_MAX,
    Key,
    KeyAll,
    KeyAnd,
    KeyDate,
    KeyFlag,
    KeyHeader,
    KeyModseq,
    KeyNot,
    KeyNumbers,
    KeyOr,
    KeyText,
    Return,
    parse_search,
)
from pabal.imap.wire.sequence import SequenceSet
from pabal.store.predicate import DateField, TextField


def keys(text: str) -> tuple[Key, ...]:
    reader = Reader(f" {text}".encode())
    found = parse_search(reader, by_uid=False).key.inner
    reader.expect_end()
    return found


SEEN = KeyFlag("\\Seen")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ALL", KeyAll()),
        ("unseen", KeyFlag("\\Seen", is_set=False)),
        ("KEYWORD $Work", KeyFlag("$Work")),
        ("NOT NOT SEEN", KeyNot(KeyNot(SEEN))),
        ("OR SEEN (SEEN ALL)", KeyOr(SEEN, KeyAnd((SEEN, KeyAll())))),
        ("1:3", KeyNumbers(SequenceSet(((1, 3),)), by_uid=False)),
        ("UID 4", KeyNumbers(SequenceSet(((4, 4),)), by_uid=True)),
        ("$", KeyNumbers(SequenceSet((), saved=True), by_uid=False)),
        ('BODY "a b"', KeyText(TextField.BODY, b"a b")),
        ("HEADER X-A {2}\r\nab", KeyHeader(b"X-A", b"ab")),
        ("MODSEQ 7", KeyModseq(7)),
        ('MODSEQ "/flags/\\\\seen" all 7', KeyModseq(7)),
        ("SINCE 2-Jan-2026", KeyDate(DateField.RECEIVED, dt.date(2026, 1, 2), None)),
        (
            "SENTON 2-Jan-2026",
            KeyDate(DateField.SENT, dt.date(2026, 1, 2), dt.date(2026, 1, 3)),
        ),
    ],
)
def test_keys(text: str, key: Key) -> None:
    assert keys(text) == (key,)


def test_options() -> None:
    found = parse_search(Reader(b" RETURN (MIN count) CHARSET euc-kr ALL"), by_uid=True)
    assert found.returns == frozenset((Return.MIN, Return.COUNT))
    assert found.charset == b"EUC-KR"
    found = parse_search(Reader(b" RETURN () ALL"), by_uid=True)
    assert found.returns == frozenset((Return.ALL,))
    assert parse_search(Reader(b" ALL"), by_uid=True).returns is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "()",
        "(SEEN",
        "SEEN ",
        "OR SEEN",
        "NOT",
        "FROM",
        "RETURN (NONSENSE) ALL",
        "SINCE yesterday",
        "(" * (DEPTH_MAX + 1) + "ALL" + ")" * (DEPTH_MAX + 1),
        "NOT " * (DEPTH_MAX + 1) + "ALL",
        " ".join(["ALL"] * (KEYS_MAX + 1)),
    ],
)
def test_no_keys(text: str) -> None:
    with pytest.raises(ScanError):
        keys(text)


def test_the_last_day_there_is() -> None:
    (key,) = keys("ON 31-Dec-9999")
    assert key == KeyDate(DateField.RECEIVED, dt.date.max, dt.date.max)
