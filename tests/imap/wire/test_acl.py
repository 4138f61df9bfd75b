import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.acl import AclEntry, parse_entry, parse_set
from pabal.imap.wire.grammar import Reader


def test_entries() -> None:
    reader = Reader(b' INBOX "a b"')
    assert parse_entry(reader) == AclEntry(b"INBOX", b"a b")
    reader = Reader(b" {5}\r\nINBOX -anyone +lr")
    assert parse_set(reader) == AclEntry(b"INBOX", b"-anyone", b"+lr")
    reader = Reader(b' INBOX a ""')
    assert parse_set(reader) == AclEntry(b"INBOX", b"a")


@pytest.mark.parametrize("text", [b"", b" INBOX", b" INBOX a", b" INBOX a ", b" ( a b"])
def test_what_is_none(text: bytes) -> None:
    with pytest.raises(ScanError):
        parse_set(Reader(text))
