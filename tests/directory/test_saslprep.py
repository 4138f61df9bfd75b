import unicodedata

import pytest

from pabal.directory.saslprep import SaslPrepError, prepare


@pytest.mark.parametrize(
    ("given", "prepared"),
    [
        # RFC 4013 §3
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\uff41\uff42", "ab"),
        ("\U0001f40e", "\U0001f40e"),
        ("", ""),
    ],
)
def test_examples(given: str, prepared: str) -> None:
    assert prepare(given) == prepared


@pytest.mark.parametrize(
    "bad", ["\u0007", "\u0627\u0031", "a\u0627", "\ue000", "\ud800"]
)
def test_prohibited(bad: str) -> None:
    with pytest.raises(SaslPrepError):
        prepare(bad)


def test_right_to_left_from_end_to_end() -> None:
    assert prepare("\u0627\u0031\u0628") == "\u0627\u0031\u0628"


def test_korean_in_any_form() -> None:
    password = "비밀번호 12"
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert prepare(unicodedata.normalize(form, password)) == password
