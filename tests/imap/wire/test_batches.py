import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.batches import Batches, parse_batches
from pabal.imap.wire.grammar import Reader


def test_batches() -> None:
    assert parse_batches(Reader(b" 500")) == Batches(500)
    assert parse_batches(Reader(b" 2000 1:50")) == Batches(2000, (1, 50))


@pytest.mark.parametrize("text", [b"", b" 0", b" x", b" 5 1", b" 5 0:1", b" 5 1:*"])
def test_what_is_none(text: bytes) -> None:
    reader = Reader(text)
    with pytest.raises(ScanError):
        parse_batches(reader)
        reader.expect_end()
