import pytest

from pabal.dns.wire.name import (
    ROOT,
    NameFormatError,
    end_of_name,
    end_of_owner,
    is_below,
    label_offsets,
    parent,
    suffixes,
    to_text,
)

WWW = b"\x03www\x07example\x03com\x00"
COM = b"\x03com\x00"


def test_end_of_name() -> None:
    assert end_of_name(b"xx" + WWW + b"rest", 2) == 2 + len(WWW)
    assert end_of_name(ROOT, 0) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x03ww",
        b"\x03www",
        b"\xc0\x0c",
        b"\x40" + b"a" * 64 + b"\x00",
        (b"\x3f" + b"a" * 63) * 4 + b"\x00",
    ],
)
def test_what_is_no_name(data: bytes) -> None:
    with pytest.raises(NameFormatError):
        end_of_name(data, 0)


def test_longest_name() -> None:
    name = (b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"b" * 61 + b"\x00"
    assert len(name) == 255
    assert end_of_name(name, 0) == 255


def test_labels() -> None:
    assert label_offsets(WWW) == [0, 4, 12, 16]
    assert suffixes(WWW) == [WWW, WWW[4:], COM, ROOT]
    assert parent(WWW) == WWW[4:]
    assert parent(ROOT) == ROOT


def test_below_is_by_label_not_by_octet() -> None:
    assert is_below(WWW, COM)
    assert is_below(COM, COM)
    assert is_below(WWW, ROOT)
    assert not is_below(COM, WWW)
    # The length octet 3 inside a label looks like the start of "com".
    assert not is_below(b"\x05x\x03com\x00"[:6] + b"\x00", b"\x03com\x00")


def test_text_is_escaped() -> None:
    assert to_text(WWW) == "www.example.com."
    assert to_text(ROOT) == "."
    assert to_text(b"\x04a.\x00 \x00") == "a\\.\\000\\032."


def test_where_the_name_of_a_record_ends() -> None:
    """Also where the rest of it stands elsewhere, which is not looked at."""
    assert end_of_owner(b"xx" + WWW + b"rest", 2) == 2 + len(WWW)
    assert end_of_owner(b"\x03www\xc0\x0crest", 0) == 6
    assert end_of_owner(b"\xc0\x0crest", 0) == 2
    assert end_of_owner(ROOT, 0) == 1
    for data in (b"", b"\xc0", b"\x03www\xc0", b"\x03ww", b"\x80\x01", b"\x03www"):
        with pytest.raises(NameFormatError):
            end_of_owner(data, 0)
