"""What the console needs from others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pabal.directory.ports import Account, PublicKey
from pabal.net.sasl import Denied, Granted


class Accounts(Protocol):
    """Who exists."""

    def account_of(self, address: str) -> Account | None:
        """Return the account whose main address this is."""
        ...


class Keys(Protocol):
    """With what they prove it."""

    def public_keys(self, account_id: int) -> Sequence[PublicKey]:
        """Return the keys of an account."""
        ...


class LogIns(Protocol):
    """Checks passwords, and counts guesses as every other log-in does."""

    def admit(self, user: str, *, peer_address: str) -> bool:
        """Count a try of ``user`` from there; ``False``: there were too many."""
        ...

    def forgive(self, user: str, *, peer_address: str) -> None:
        """Take back a try: it was right."""
        ...

    async def login(
        self, user: str, password: str, *, peer_address: str
    ) -> Granted | Denied:
        """Check a user name and password; a wrong one is answered late."""
        ...


@dataclass(frozen=True, slots=True)
class Program:
    """What is started for a command or a prompt.

    Attributes:
        words: Its path and arguments, but for what ``Programs`` is given.
        environment: All of it.
        directory: Where it works.
    """

    words: Sequence[str]
    environment: Mapping[str, str]
    directory: Path


class Programs(Protocol):
    """Knows how commands are run here."""

    def program(self, command: str | None, leash: int) -> Program:
        """Return what runs ``command`` (as it was typed); ``None``: the prompt.

        Args:
            leash: A descriptor it inherits, a socket: what is typed is told there, and
                when its other end is gone the program ends at once.
        """
        ...
