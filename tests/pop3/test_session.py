import pytest

from pabal.net.ports import TlsInfo
from pabal.pop3.session import COMMANDS, Session, State
from pabal.pop3.settings import Pop3Settings
from pabal.pop3.wire import Command, CommandError

TLS = TlsInfo("TLSv1.3", "AES")


def session(*, encrypted: bool = False, tls_offered: bool = True) -> Session:
    settings = Pop3Settings(errors_max=2, login_failures_max=2)
    return Session(settings, TLS if encrypted else None, tls_offered)


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_command_is_allowed_where_the_table_says(verb: bytes) -> None:
    one = session()
    for state in State:
        one.state = state
        if state in COMMANDS[verb]:
            one.check(Command(verb))
        else:
            with pytest.raises(CommandError, match=f"not {state.value}"):
                one.check(Command(verb))


def test_unknown_command() -> None:
    with pytest.raises(CommandError, match="unknown"):
        session().check(Command(b"APOP"))


def test_one_error_too_many() -> None:
    one = session()
    assert [one.failed_command(), one.failed_command()] == [False, True]
    assert [one.failed_login(), one.failed_login()] == [False, True]


def test_stls_makes_sense_once() -> None:
    one = session()
    assert one.stls_allowed
    one.logged_in()
    assert not one.stls_allowed


def test_what_was_said_in_the_clear_is_forgotten() -> None:
    one = session()
    one.user = "mallory"
    one.utf8 = True
    one.tls_started(TLS)
    assert (one.user, one.utf8, one.stls_allowed) == ("", False, False)


def test_stls_needs_plaintext_and_a_certificate() -> None:
    assert not session(tls_offered=False).stls_allowed
    assert not session(encrypted=True).stls_allowed


def test_capabilities() -> None:
    one = session()
    lines = one.capabilities(["X", "Y"], cleartext_allowed=False)
    assert "SASL X Y" in lines
    assert "STLS" in lines
    assert "USER" not in lines
    one.tls_started(TLS)
    lines = one.capabilities([], cleartext_allowed=True)
    assert "USER" in lines
    assert not any(line.startswith(("SASL", "STLS")) for line in lines)


@pytest.mark.parametrize(
    ("days", "told"),
    [(None, "EXPIRE 1 USER"), (0, "EXPIRE NEVER"), (30, "EXPIRE 30")],
)
def test_how_long_messages_stay(days: int | None, told: str) -> None:
    lines = session().capabilities([], cleartext_allowed=True, expire_days=days)
    assert told in lines


def test_the_name_is_not_shown() -> None:
    one = session()
    one.user = "alice"
    assert "alice" not in repr(one)
