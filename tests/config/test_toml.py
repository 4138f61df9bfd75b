"""The reader with places, held against the standard library's."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from pabal.config.toml import Document, Value, parse

Plain = str | int | bool | list["Plain"]


def plain(value: Value) -> Plain:
    if isinstance(value.data, tuple):
        return [plain(item) for item in value.data]
    return value.data


def as_dict(document: Document) -> dict[str, dict[str, Plain]]:
    return {
        name: {key: plain(value) for key, (_, value) in table.keys.items()}
        for name, table in document.tables.items()
    }


SAMPLE = """\
# a comment
hostname = "mail.example.com"  # behind
workers = 4
'quoted key' = 'C:\\raw'
[listen]
smtp = ["0.0.0.0:25", "[::]:25"]  # two
imap = [
    "127.0.0.1:143",   # one
    "[::1]:143",
]
on = true
[a.b]
text = "\\u00e9 \\t \\"x\\" 한글"
number = -1_000
"""


def test_agrees_with_the_standard_library() -> None:
    document = parse(SAMPLE, "x")
    assert document.problems == []
    expected = tomllib.loads(SAMPLE)
    found = as_dict(document)
    assert found[""]["hostname"] == expected["hostname"]
    assert found[""]["quoted key"] == expected["quoted key"]
    assert found["listen"] == expected["listen"]
    assert found["a.b"] == expected["a"]["b"]


def test_spans_point_at_keys_and_values() -> None:
    document = parse('a = 1\n  bb = "xyz"\n', "x")
    key, value = document.tables[""].keys["bb"]
    assert (key.line, key.column, key.length) == (2, 3, 2)
    assert (value.span.line, value.span.column, value.span.length) == (2, 8, 5)


def problem(text: str) -> tuple[int, int, str, str]:
    (found,) = parse(text, "x").problems
    return found.span.line, found.span.column, found.reason, found.suggestion


def test_mistakes_have_their_place_and_fix() -> None:
    assert problem("a 1\n")[:2] == (1, 3)
    assert problem('a = "x\nb = 1\n')[3] == 'insert `"`'
    assert problem('a = ["x" "y"]\n') == (
        1,
        8,
        "two items without a comma",
        "insert `,`",
    )
    assert problem('a = ["x"\nb = 1\n')[:2] == (1, 5)
    assert problem("a = yes\n")[3] == "did you mean `true`?"
    assert problem("[a\n")[3] == "insert `]`"
    assert problem("a = 1\na = 2\n")[2] == "`a` was set before, in line 1"
    assert problem("a = 1 2\n")[2] == "`2` is left over after the value"
    assert problem("a = \n")[2] == "a value belongs here"
    assert problem('a = "\\q"\n')[2] == "`\\q` is no escape"
    assert problem("a = 3.5\n")[2] == "`3.5` is not a value"


def test_goes_on_after_a_mistake() -> None:
    document = parse("a = ?\nb = 2\nc = ?\n", "x")
    assert [p.span.line for p in document.problems] == [1, 3]
    assert document.tables[""].keys["b"][1].data == 2


keys = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
texts = st.text(
    alphabet=st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]),
    max_size=20,
)


def test_what_follows_an_open_header_is_in_its_table() -> None:
    document = parse('a = 1\n[listen\nsmtp = "x"\n', "f")
    assert as_dict(document) == {"": {"a": 1}, "listen": {"smtp": "x"}}
    assert len(document.problems) == 1


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.dictionaries(keys, st.one_of(texts, st.integers(), st.booleans())))
def test_reads_what_can_be_written(values: dict[str, str | int | bool]) -> None:
    def shown(value: str | int | bool) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return quoted(value) if isinstance(value, str) else str(value)

    text = "".join(f"{key} = {shown(value)}\n" for key, value in values.items())
    document = parse(text, "x")
    assert document.problems == []
    assert as_dict(document)[""] == values
    assert tomllib.loads(text) == values


@given(st.text(max_size=200))
def test_any_text_is_read_or_explained(text: str) -> None:
    document = parse(text, "x")
    for found in document.problems:
        assert found.span.line >= 1
        assert found.render()
