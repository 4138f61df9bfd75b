import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.search import KeyAll, KeyAnd, Return
from pabal.imap.wire.sort import Criterion, SortBy, parse_sort, parse_thread


def test_sort() -> None:
    reader = Reader(b" RETURN (PARTIAL 1:5) (reverse date Subject) utf-8 ALL")
    sort = parse_sort(reader, by_uid=True)
    reader.expect_end()
    assert sort.criteria == (
        Criterion(SortBy.DATE, reverse=True),
        Criterion(SortBy.SUBJECT),
    )
    search = sort.search
    assert (search.key, search.charset) == (KeyAnd((KeyAll(),)), b"UTF-8")
    assert search.returns == frozenset((Return.PARTIAL,))
    assert (search.partial, search.by_uid) == ((1, 5), True)


def test_thread() -> None:
    thread = parse_thread(Reader(b" references utf-8 ALL"), by_uid=False)
    assert thread.algorithm == b"REFERENCES"
    assert not thread.search.by_uid


@pytest.mark.parametrize(
    "text",
    [
        " () UTF-8 ALL",
        " (REVERSE) UTF-8 ALL",
        " (NOTHING) UTF-8 ALL",
        " (DATE) UTF-8",
        " DATE UTF-8 ALL",
        " (" + " ".join(["DATE"] * 21) + ") UTF-8 ALL",
    ],
)
def test_nonsense(text: str) -> None:
    with pytest.raises(ScanError):
        parse_sort(Reader(text.encode()), by_uid=False)
    with pytest.raises(ScanError):
        parse_thread(Reader(text.encode()), by_uid=False)
