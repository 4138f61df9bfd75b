import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.login import (
    ID_FIELDS_MAX,
    Authenticate,
    Enable,
    Identify,
    Login,
    parse_authenticate,
    parse_enable,
    parse_id,
    parse_login,
)


def test_login_hides_the_password() -> None:
    command = parse_login(Reader(b' user "secret word"'))
    assert command == Login(b"user", b"secret word")
    assert "secret" not in repr(command)


def test_authenticate() -> None:
    assert parse_authenticate(Reader(b" plain")) == Authenticate("PLAIN")
    assert parse_authenticate(Reader(b" PLAIN =")) == Authenticate("PLAIN", b"")
    command = parse_authenticate(Reader(b" PLAIN c2VjcmV0"))
    assert command == Authenticate("PLAIN", b"secret")
    assert "secret" not in repr(command)
    with pytest.raises(ScanError):
        parse_authenticate(Reader(b" PLAIN c2Vj cmV0"))


def test_enable() -> None:
    assert parse_enable(Reader(b" condstore X")) == Enable((b"CONDSTORE", b"X"))


def test_id() -> None:
    assert parse_id(Reader(b" nil")) == Identify(())
    assert parse_id(Reader(b' ("name" NIL)')) == Identify(((b"name", None),))
    for octets in (
        b' ("name")',
        b" name",
        b" (" + b" ".join([b'"a" "b"'] * (ID_FIELDS_MAX + 1)) + b")",
        b' ("a" "' + b"x" * 1025 + b'")',
    ):
        with pytest.raises(ScanError):
            parse_id(Reader(octets))
