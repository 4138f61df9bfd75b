import dataclasses
import unicodedata

import pytest

from pabal.directory.credential import (
    HashCost,
    PasswordError,
    make_credential,
    matches,
)
from tests.directory.contract import CHEAP


def test_only_the_password_matches() -> None:
    credential = make_credential("pencil", CHEAP)
    assert matches(credential.argon2, "pencil")
    assert not matches(credential.argon2, "Pencil")
    assert not matches("not a hash", "pencil")


def test_every_credential_is_another() -> None:
    one, two = make_credential("pencil", CHEAP), make_credential("pencil", CHEAP)
    assert one.argon2 != two.argon2
    assert one.scram.salt != two.scram.salt


def test_decomposed_korean_is_the_same_password() -> None:
    credential = make_credential(unicodedata.normalize("NFD", "비밀번호"), CHEAP)
    assert matches(credential.argon2, "비밀번호")


def test_repr_shows_nothing() -> None:
    credential = make_credential("pencil", CHEAP)
    text = repr(credential)
    assert "argon2id" not in text
    for value in dataclasses.astuple(credential.scram):
        if isinstance(value, bytes):
            assert repr(value) not in text


@pytest.mark.parametrize("bad", ["", "\u00ad", "a\0b", "가" * 400])
def test_impossible_passwords(bad: str) -> None:
    with pytest.raises(PasswordError):
        make_credential(bad, CHEAP)


def test_default_cost_is_what_it_says() -> None:
    credential = make_credential("pencil", HashCost())
    assert credential.argon2.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert credential.scram.iterations >= 4096
