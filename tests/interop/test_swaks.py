"""swaks, the SMTP tester: submission with every mechanism it shares with us, relay."""

import pytest

from tests.interop.peer import needs, run
from tests.support.server import PASSWORD, Server, subjects

pytestmark = needs("swaks")

ALICE = ("-au", "alice@a.test", "-ap", PASSWORD)


def swaks(server: Server, port: int, *arguments: str) -> str:
    """Return the dialogue; the last line of a failed one says why."""
    done = run(
        "swaks",
        *("--server", server.address, "-p", str(server.port(port))),
        *("-f", "alice@a.test", *arguments),
        check=False,
    )
    return f"exit {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}"


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(("port", "tls"), [(587, "-tls"), (465, "-tlsc")])
def test_submits(server: Server, port: int, tls: str, mechanism: str) -> None:
    subject = f"{port} {mechanism}"
    said = swaks(
        server,
        port,
        *(tls, "-a", mechanism, *ALICE, "-t", "bob@a.test", "--h-Subject", subject),
    )
    assert said.startswith("exit 0\n"), said
    with server.imap("bob") as bob:
        assert subject in subjects(bob)


def test_mechanisms_that_keep_passwords_readable_are_not_there(server: Server) -> None:
    said = swaks(server, 587, "-tls", "-a", "CRAM-MD5", *ALICE, "-t", "bob@a.test")
    assert "requested type not available" in said


def test_a_wrong_password_is_refused(server: Server) -> None:
    wrong = ("-au", "alice@a.test", "-ap", "wrong")
    said = swaks(server, 587, "-tls", "-a", "PLAIN", *wrong, "-t", "bob@a.test")
    assert "535 5.7.8" in said


def test_submission_without_a_name_is_refused(server: Server) -> None:
    assert "530 5.7.0" in swaks(server, 587, "-tls", "-t", "bob@a.test")


def test_nobody_writes_as_somebody_else(server: Server) -> None:
    said = swaks(
        server,
        587,
        *("-tls", "-a", "PLAIN", *ALICE, "-t", "bob@a.test", "-f", "bob@a.test"),
    )
    assert "<** 55" in said or "<~* 55" in said, said


def test_another_server_delivers_and_does_not_relay(server: Server) -> None:
    outside = ("-f", "someone@else.test")
    assert swaks(server, 25, *outside, "-t", "bob@a.test").startswith("exit 0\n")
    assert "550 5.1.1" in swaks(server, 25, *outside, "-t", "nobody@a.test")
    assert "550 5.7.1" in swaks(server, 25, *outside, "-t", "x@relay.test")


def test_no_password_is_asked_for_between_servers(server: Server) -> None:
    said = swaks(server, 25, "-tls", "-a", "PLAIN", *ALICE, "-t", "bob@a.test")
    assert "AUTH" not in said.split("=== TLS started")[0]
    assert "Host did not advertise authentication" in said


def test_pipelined_and_large(server: Server) -> None:
    said = swaks(
        server,
        25,
        *("-f", "someone@else.test", "-t", "bob@a.test", "--pipeline"),
        *("--h-Subject", "large", "--body", "A line of some length.\\n" * 4_000),
    )
    assert said.startswith("exit 0\n")
    with server.imap("bob") as bob:
        assert "large" in subjects(bob)
