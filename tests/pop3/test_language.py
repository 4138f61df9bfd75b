import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pabal.pop3
from pabal.pop3.language import ENGLISH, KOREAN, Language, find, listing


def texts() -> Iterator[str]:
    for path in Path(pabal.pop3.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args:
                name = ast.unparse(node.func).rpartition(".")[2]
                value = node.args[0]
                if name in {"err", "ok", "CommandError", "_refuse"} and isinstance(
                    value, ast.Constant
                ):
                    yield str(value.value)


def test_nothing_is_left_untranslated() -> None:
    said = set(texts()) - {"pabal ready"}
    assert len(said) > 20
    assert said <= set(KOREAN.words)


def test_numbers_stay_what_they_are() -> None:
    told = KOREAN.reply(b"+OK 12 messages (3400 octets)\r\n1 3400\r\n")
    assert told == "+OK 편지 12통 (3400옥텟)\r\n1 3400\r\n".encode()


@pytest.mark.parametrize(
    "octets",
    [b"+OK\r\n", b"+ Zm9v\r\n", b"+OK 1 2\r\n", b"-ERR strange\r\n", b"", b"x"],
)
def test_what_nobody_translated_stays(octets: bytes) -> None:
    assert KOREAN.reply(octets) == octets


def test_codes_stay() -> None:
    told = KOREAN.reply(b"-ERR [SYS/TEMP] try again later\r\n")
    assert told == "-ERR [SYS/TEMP] 나중에 다시 하십시오\r\n".encode()
    assert ENGLISH.reply(b"-ERR bye\r\n") == b"-ERR bye\r\n"


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("*", ENGLISH),
        ("KO", KOREAN),
        ("ko-Kore-KR", KOREAN),
        ("en-GB", ENGLISH),
        ("kok", None),
        ("", None),
    ],
)
def test_ranges(wanted: str, language: Language | None) -> None:
    assert find(wanted) is language


def test_listing() -> None:
    assert listing() == ("en English", "ko 한국어")
