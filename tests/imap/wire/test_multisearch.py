import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.multisearch import Source, parse_multisearch
from pabal.imap.wire.notify import Watched
from pabal.imap.wire.search import Return


def test_sources() -> None:
    reader = Reader(b' IN (mailboxes (a b) SUBTREE "c" personal) RETURN (MIN) ALL')
    found = parse_multisearch(reader)
    reader.expect_end()
    assert found.sources == (
        Source(Watched.MAILBOXES, (b"a", b"b")),
        Source(Watched.SUBTREE, (b"c",)),
        Source(Watched.PERSONAL),
    )
    assert found.search.returns == frozenset((Return.MIN,))
    assert found.search.by_uid


def test_the_selected_mailbox_is_meant_by_default() -> None:
    found = parse_multisearch(Reader(b" CHARSET utf-8 ALL"))
    assert found.sources == (Source(Watched.SELECTED),)
    assert found.search.returns == frozenset((Return.ALL,))


@pytest.mark.parametrize(
    "text",
    [
        " IN () ALL",
        " IN (personal)",
        " IN (selected-delayed) ALL",
        " IN (personal) RETURN (SAVE) ALL",
        " IN (" + " ".join(["personal"] * 101) + ") ALL",
    ],
)
def test_nonsense(text: str) -> None:
    with pytest.raises(ScanError):
        parse_multisearch(Reader(text.encode()))
