import pytest

from pabal.directory.sasl.mechanism import PasswordGiven, SaslError
from pabal.directory.sasl.plain import Plain
from pabal.net.sasl import Challenge


def test_empty_challenge_then_password() -> None:
    machine = Plain()
    assert machine.step(None) == Challenge(b"")
    given = machine.step("\0alice@example.com\0비밀".encode())
    assert given == PasswordGiven("alice@example.com", "비밀")


def test_acting_for_oneself() -> None:
    assert Plain().step(b"a@b\0a@b\0pw") == PasswordGiven("a@b", "pw")


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"a@b",
        b"\0a@b",
        b"\0\0pw",
        b"\0a@b\0",
        b"c@d\0a@b\0pw",
        b"\0a\0b\0c",
        b"\0a\xff\0pw",
        b"\0a\0" + b"x" * 5000,
    ],
)
def test_broken(bad: bytes) -> None:
    with pytest.raises(SaslError):
        Plain().step(bad)


def test_repr_keeps_the_password() -> None:
    assert "sesame" not in repr(PasswordGiven("a@b", "sesame"))
