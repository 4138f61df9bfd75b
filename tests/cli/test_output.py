import json

import pytest

from pabal.cli import output


def test_columns_are_aligned_also_under_hangul(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.table(("NAME", "N"), [("한글", "1"), ("abcdef", "2")])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["NAME    N", "한글    1", "abcdef  2"]
    assert [output.width(line) for line in lines] == [9, 9, 9]


def test_json_is_one_line_with_its_letters(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit({"a": ["한글", 1, None]})
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    assert "한글" in text
    assert json.loads(text) == {"a": ["한글", 1, None]}


def test_done_is_words_or_facts(capsys: pytest.CaptureFixture[str]) -> None:
    output.done("It is done.", as_json=False)
    output.done("It is done.", as_json=True, facts={"id": 7})
    assert capsys.readouterr().out == 'It is done.\n{"ok": true, "id": 7}\n'
