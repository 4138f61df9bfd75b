"""Whether every word is there, and who is spoken to how."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pabal.imap
from pabal.imap.language import DEFAULT, ENGLISH, KOREAN, find

SOURCE = Path(pabal.imap.__file__).parent
SPEAKERS = {"Tagged", "RefusedError", "bad", "bye", "_refusal_of", "_die", "Fatal"}
BEHIND_A_CODE = {"say", "_told"}


def texts() -> Iterator[str]:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield from spoken(node)


def spoken(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func).rpartition(".")[2]
    for argument in node.args[:1] if name in SPEAKERS else node.args[1:3]:
        if name in SPEAKERS | BEHIND_A_CODE and isinstance(argument, ast.Constant):
            value = argument.value
            text = value.decode() if isinstance(value, bytes) else value
            if isinstance(text, str) and text not in {"NO", "OK", ""}:
                yield text


def test_nothing_is_left_untranslated() -> None:
    found = set(texts())
    assert len(found) > 80
    english = {text.encode() for text in found}
    missing = [text for text in english if KOREAN.reply(text) == text]
    assert not missing


@pytest.mark.parametrize(
    ("ranges", "language"),
    [
        ([b"KO"], KOREAN),
        ([b"fr", b"ko-Kore-KR"], KOREAN),
        ([b"en-CA"], ENGLISH),
        ([b"default"], DEFAULT),
        ([b"fr", b""], None),
    ],
)
def test_ranges(ranges: list[bytes], language: object) -> None:
    assert find(ranges) is language


def test_replies() -> None:
    assert KOREAN.reply(b"NO [TOOBIG] the message is too large") == (
        "NO [TOOBIG] 편지가 너무 큽니다".encode()
    )
    assert KOREAN.reply(b"BAD a space expected") == (
        "BAD 명령을 읽을 수 없습니다 (a space)".encode()
    )
    assert DEFAULT.reply(b"BAD a space expected") == b"BAD a space expected"
    assert KOREAN.say(b"Never said") == b"Never said"
