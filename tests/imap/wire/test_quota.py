import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.quota import QuotaRoot, SetQuota, parse_get, parse_set


def test_roots() -> None:
    assert parse_get(Reader(b' ""')) == QuotaRoot(b"")
    reader = Reader(b' "a b" (storage 1 MESSAGE 2)')
    assert parse_set(reader) == SetQuota(b"a b", {b"STORAGE": 1, b"MESSAGE": 2})
    reader.expect_end()
    assert parse_set(Reader(b' "" ()')) == SetQuota(b"", {})


@pytest.mark.parametrize("text", [b' ""', b' "" (STORAGE)', b' "" (STORAGE x)'])
def test_limits_are_numbers(text: bytes) -> None:
    with pytest.raises(ScanError):
        parse_set(Reader(text))
