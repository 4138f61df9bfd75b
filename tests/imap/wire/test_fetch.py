import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.fetch import (
    HEADER_NAMES_MAX,
    ITEMS_MAX,
    Attribute,
    Binary,
    Body,
    Section,
    SectionText,
    parse_fetch,
)
from pabal.imap.wire.grammar import Reader


def items(text: str) -> tuple[object, ...]:
    reader = Reader(f" 1 {text}".encode())
    found = parse_fetch(reader, by_uid=False).items
    assert reader.at_end
    return found


def test_macros() -> None:
    fast = (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE)
    assert items("fast") == fast
    assert items("ALL") == (*fast, Attribute.ENVELOPE)
    assert items("FULL") == (*fast, Attribute.ENVELOPE, Attribute.BODY)


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("BODY[]", Body(Section(), b"BODY[]", peek=False)),
        ("body.peek[]<5.10>", Body(Section(), b"BODY[]<5>", partial=(5, 10))),
        (
            "BODY.PEEK[1.2.MIME]",
            Body(Section((1, 2), SectionText.MIME), b"BODY[1.2.MIME]"),
        ),
        (
            'BODY.PEEK[2.HEADER.FIELDS (To "X y")]',
            Body(
                Section((2,), SectionText.FIELDS, (b"To", b"X y")),
                b'BODY[2.HEADER.FIELDS (To "X y")]',
            ),
        ),
        (
            "BODY.PEEK[HEADER.FIELDS.NOT (to)]",
            Body(
                Section((), SectionText.FIELDS_NOT, (b"to",)),
                b"BODY[HEADER.FIELDS.NOT (to)]",
            ),
        ),
        ("BINARY.SIZE[1]", Binary((1,), b"BINARY.SIZE[1]", size_only=True)),
        ("BINARY[1.1]<0.9>", Binary((1, 1), b"BINARY[1.1]<0>", False, (0, 9))),
        ("PREVIEW (LAZY)", Attribute.PREVIEW),
        ("BODY", Attribute.BODY),
        ("RFC822.SIZE", Attribute.SIZE),
    ],
)
def test_items(text: str, item: object) -> None:
    assert items(text) == (item,)
    assert items(f"({text})") == (item,)
    assert items(f"(UID {text})") == (Attribute.UID, item)


@pytest.mark.parametrize(
    "text",
    [
        "()",
        "BODY[",
        "BODY[1.]",
        "BODY[0]",
        "BODY[MIME]",
        "BODY[HEADER.FIELDS]",
        "BODY[HEADER.FIELDS ()]",
        "BODY[]<0.0>",
        "BODY[]<1>",
        "BINARY",
        "BINARY[TEXT]",
        "BODY.PEEK",
        "FLAGS UID",
        "(FLAGS  UID)",
        "(FAST)",
        "BODY[" + "1." * 70 + "1]",
        "(" + " ".join(["BODY[1]<1.1>"] * (ITEMS_MAX + 1)) + ")",
        "BODY[HEADER.FIELDS (" + " ".join(["x"] * (HEADER_NAMES_MAX + 1)) + ")]",
    ],
)
def test_no_items(text: str) -> None:
    with pytest.raises((ScanError, AssertionError)):
        items(text)


def test_a_field_name_cannot_break_the_response() -> None:
    reader = Reader(b' 1 BODY[HEADER.FIELDS ({7}\r\na\r\nb" \\)]')
    (item,) = parse_fetch(reader, by_uid=False).items
    assert isinstance(item, Body)
    assert item.label == b'BODY[HEADER.FIELDS ("ab\\" \\\\")]'


def test_uid_fetch_always_tells_the_uid() -> None:
    found = parse_fetch(Reader(b" 1:* (FLAGS)"), by_uid=True)
    assert found.items == (Attribute.UID, Attribute.FLAGS)
    found = parse_fetch(Reader(b" 1:* (FLAGS UID)"), by_uid=True)
    assert found.items == (Attribute.FLAGS, Attribute.UID)


def test_changed_since_tells_the_modseq() -> None:
    found = parse_fetch(Reader(b" 1:* FLAGS (CHANGEDSINCE 12345)"), by_uid=False)
    assert found.changed_since == 12345
    assert found.items == (Attribute.FLAGS, Attribute.MODSEQ)
    with pytest.raises(ScanError):
        parse_fetch(Reader(b" 1:* FLAGS (OTHER 1)"), by_uid=False)
