import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.metadata import GetMetadata, parse_get, parse_set


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" x /private/a", GetMetadata(b"x", ("/private/a",))),
        (' (DEPTH 1) "" ("/Private/A")', GetMetadata(b"", ("/private/a",), 1)),
        (
            " x (MAXSIZE 9 DEPTH infinity) (/shared/a /shared/b)",
            GetMetadata(b"x", ("/shared/a", "/shared/b"), None, 9),
        ),
        (" x ({9}\r\n/shared/a)", GetMetadata(b"x", ("/shared/a",))),
    ],
)
def test_get(text: str, found: GetMetadata) -> None:
    reader = Reader(text.encode())
    assert parse_get(reader) == found
    reader.expect_end()


def test_set() -> None:
    reader = Reader(b" x (/private/a NIL /private/b ~{1}\r\n\0)")
    assert parse_set(reader).entries == {"/private/a": None, "/private/b": b"\0"}


@pytest.mark.parametrize(
    "name", ["/private", "private/a", "/private/", "/private/a/", "/private/%", "/x/y"]
)
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(ScanError):
        parse_get(Reader(f' x "{name}"'.encode()))
