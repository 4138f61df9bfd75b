import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.partial import parse_partial


def test_ranges() -> None:
    assert parse_partial(Reader(b"1:500")) == (1, 500)
    assert parse_partial(Reader(b"-1:-100")) == (-1, -100)
    assert parse_partial(Reader(b"500:1")) == (1, 500)
    assert parse_partial(Reader(b"-100:-1")) == (-1, -100)


@pytest.mark.parametrize("text", [b"", b"1", b"0:1", b"1:0", b"-1:2", b"1:-2", b"1:*"])
def test_nonsense(text: bytes) -> None:
    with pytest.raises(ScanError):
        reader = Reader(text)
        parse_partial(reader)
        reader.expect_end()
