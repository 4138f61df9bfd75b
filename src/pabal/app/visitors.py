"""Who may log in to the console, and what keeps them from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pabal.app.office import Office, administration
from pabal.app.places import Places
from pabal.config.problem import Problem
from pabal.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody pabal.toml names as an administrator.

    Attributes:
        address: Of the account.
        keys: How many it has.
        enabled: Whether it may log in anywhere.
        obstacle: Why it cannot log in to the console; empty: it can.
        fix: What to do about it.
    """

    address: str
    keys: int
    enabled: bool
    obstacle: str = ""
    fix: str = ""


def visitors(settings: Settings, office: Office) -> Sequence[Person]:
    """Return who may log in to the console, as pabal.toml names them."""
    return [
        _person(settings, office, address)
        for address in settings.console_administrators
    ]


def _person(settings: Settings, office: Office, address: str) -> Person:
    account = office.directory.account_of(address)
    if account is None:
        obstacle, add = "there is no such account", f"`pabal account add {address}`"
        return Person(address, 0, enabled=False, obstacle=obstacle, fix=add)
    keys = len(office.directory.keyring.public_keys(account.id))
    person = Person(address, keys, account.enabled)
    if not account.enabled:
        other = "name another one as well"
        return replace(person, obstacle="it is disabled", fix=other)
    if not keys and not settings.ssh.passwords:
        add = f"`pabal account key add {address} FILE.pub`"
        return replace(person, obstacle="it has no key", fix=add)
    return person


def console_problems(settings: Settings, file: Path) -> list[Problem]:
    """Return what keeps everybody from a console that is switched on.

    A warning for each of those who are named; nothing as long as one of them can log
    in.

    Args:
        file: Where ``settings`` are from, for the places in it.
    """
    if not settings.listen["ssh"]:
        return []
    with administration(settings) as office:
        people = visitors(settings, office)
    if any(not person.obstacle for person in people):
        return []
    places = Places(file)
    if not people:
        reason = "nobody may log in to the console"
        fix = 'write administrators = ["you@example.com"] under [ssh]'
        return [replace(places.problem("listen", "ssh", reason, fix), warning=True)]
    table = "ssh" if settings.ssh.administrators else "imap"
    found = []
    for person in people:
        reason = (
            f"nobody can log in to the console: {person.address}, but {person.obstacle}"
        )
        problem = places.problem(
            table, "administrators", reason, person.fix, person.address
        )
        found.append(replace(problem, warning=True))
    return found
