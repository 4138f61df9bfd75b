import pytest

from pabal.directory.sasl.mechanism import (
    MESSAGE_MAX_OCTETS,
    SaslError,
    UserProven,
    text_of,
)


def test_text() -> None:
    assert text_of("한글".encode()) == "한글"
    assert text_of(b"x" * MESSAGE_MAX_OCTETS)
    with pytest.raises(SaslError):
        text_of(b"x" * (MESSAGE_MAX_OCTETS + 1))
    with pytest.raises(SaslError):
        text_of(b"\xc0\xaf")


def test_repr_keeps_the_signature() -> None:
    assert "v=secret" not in repr(UserProven("a@b", b"v=secret"))
