import pytest

from pabal.config.named.lexer import Kind, Source, tokenize


def words(text: str) -> list[tuple[str, str]]:
    tokens = tokenize(Source("f", text)).tokens
    return [(token.kind.value, token.text) for token in tokens[:-1]]


def complaints(text: str) -> list[tuple[int, int, int, str]]:
    found = tokenize(Source("f", text)).problems
    return [(p.span.line, p.span.column, p.span.length, p.reason) for p in found]


def test_words_texts_and_signs() -> None:
    assert words('zone "a b" { !10.0.0.0/8; x=y; };') == [
        ("word", "zone"),
        ("text", "a b"),
        ("{", "{"),
        ("!", "!"),
        ("word", "10.0.0.0/8"),
        (";", ";"),
        ("word", "x"),
        ("=", "="),
        ("word", "y"),
        (";", ";"),
        ("}", "}"),
        (";", ";"),
    ]


@pytest.mark.parametrize(
    "comment", ["// x;\n", "# x;\n", "/* x; */", "/* x;\n * y\n **/", "/**/", "/*/*/"]
)
def test_comments_are_passed_over(comment: str) -> None:
    assert words(f"a{comment}b") == [("word", "a"), ("word", "b")]


def test_a_text_may_run_over_lines_and_has_escapes() -> None:
    assert words('"AwEA\n  AQ=="') == [("text", "AwEA\n  AQ==")]
    assert words(r'"a\"b\\c"') == [("text", r'a"b\c')]


def test_a_text_that_swallows_statements_was_not_closed() -> None:
    text = 'file "a.zone;\ntype primary;\nfile "b";'
    assert complaints(text) == [(1, 6, 7, "this text is never closed")]
    assert ("word", "primary") in words(text)
    assert words(text)[:3] == [("word", "file"), ("text", "a.zone"), (";", ";")]


def test_a_text_without_end_at_all() -> None:
    assert complaints('x "') == [(1, 3, 1, "this text is never closed")]


def test_a_comment_without_end_is_shown_at_its_beginning() -> None:
    assert complaints("a;\n  /* b; */ /* c\nd;") == [
        (2, 12, 2, "this comment is never closed")
    ]


def test_places_of_tokens() -> None:
    tokens = tokenize(Source("f", "a\r\n  bb;\n")).tokens
    assert [(t.line, t.problem("x").span.column) for t in tokens[:3]] == [
        (1, 1),
        (2, 3),
        (2, 5),
    ]
    behind = tokens[1].behind("x", "y")
    assert (behind.span.line, behind.span.column) == (2, 5)
    assert behind.source == "  bb;"
    assert tokens[-1].kind is Kind.EOF


def test_secrets_are_not_shown() -> None:
    text = 'key k { secret "c2VjcmV0" algorithm x; };'
    problem = tokenize(Source("f", text)).tokens[4].problem("x")
    assert problem.source == 'key k { secret "********" algorithm x; };'
