import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.quota import QuotaRoot, parse_get, parse_set


def test_roots() -> None:
    assert parse_get(Reader(b' ""')) == QuotaRoot(b"")
    reader = Reader(b' "a b" (STORAGE 1 MESSAGE 2)')
    assert parse_set(reader) == QuotaRoot(b"a b")
    reader.expect_end()


@pytest.mark.parametrize("text", [b' ""', b' "" (STORAGE)', b' "" (STORAGE x)'])
def test_limits_are_numbers(text: bytes) -> None:
    with pytest.raises(ScanError):
        parse_set(Reader(text))
