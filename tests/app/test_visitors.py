"""Who may log in to the console, and what keeps them from it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pabal.app.office import administration
from pabal.app.visitors import console_problems, visitors
from pabal.config.settings import Settings, SshSection
from pabal.directory.publickey import parse_public_key, with_key
from pabal.message.address import Mailbox
from pabal.net.endpoint import Endpoint
from tests.support import sshkeys

FILE = Path("pabal.toml")


@pytest.fixture
def console(settings: Settings) -> Settings:
    """Return settings with a console, and an account ``admin@a.test`` without a key."""
    with administration(settings) as office:
        office.directory.add_account(Mailbox.parse("admin@a.test"), "secret")
    return named(settings, "admin@a.test")


def named(settings: Settings, *names: str, passwords: bool = False) -> Settings:
    listen = {**settings.listen, "ssh": (Endpoint("127.0.0.1", 2222),)}
    return replace(settings, listen=listen, ssh=SshSection(names, passwords))


def obstacles(settings: Settings) -> Sequence[str]:
    with administration(settings) as office:
        return [person.obstacle for person in visitors(settings, office)]


def test_each_is_looked_at(console: Settings) -> None:
    both = named(console, "admin@a.test", "gone@a.test")
    assert obstacles(both) == ["it has no key", "there is no such account"]
    problems = console_problems(both, FILE)
    assert [problem.warning for problem in problems] == [True, True]
    assert problems[0].suggestion == "`pabal account key add admin@a.test FILE.pub`"
    assert problems[1].suggestion == "`pabal account add gone@a.test`"


def test_one_who_can_is_enough(console: Settings) -> None:
    both = named(console, "admin@a.test", "gone@a.test")
    with administration(console) as office:
        key = parse_public_key(sshkeys.keys()["ssh-ed25519"])
        change = partial(with_key, key=key)
        office.directory.keyring.change("admin@a.test", change)
    assert obstacles(both) == ["", "there is no such account"]
    assert console_problems(both, FILE) == []
    with administration(console) as office:
        office.directory.change_account("admin@a.test", enabled=False)
    assert obstacles(both)[0] == "it is disabled"
    assert len(console_problems(both, FILE)) == 2


def test_a_password_is_enough_where_it_is_allowed(console: Settings) -> None:
    allowed = named(console, "admin@a.test", passwords=True)
    assert obstacles(allowed) == [""]
    assert console_problems(allowed, FILE) == []


def test_nobody_is_named(console: Settings) -> None:
    nobody = replace(named(console), imap=replace(console.imap, administrators=()))
    (problem,) = console_problems(nobody, FILE)
    assert problem.warning
    assert "administrators = [" in problem.suggestion


def test_a_console_that_is_off_needs_nobody(settings: Settings) -> None:
    off = replace(settings, listen={**settings.listen, "ssh": ()})
    assert console_problems(off, FILE) == []
