"""The state of one POP3 session, and what may be said in it.

Sans-IO.
Source: RFC 1939 §3 (states), RFC 2449 §5 (CAPA), RFC 2595 §4 (STLS), RFC 6856 §2.1.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pabal.net.ports import TlsInfo
from pabal.net.sasl import SaslExchange
from pabal.pop3.language import ENGLISH, Language
from pabal.pop3.settings import Pop3Settings
from pabal.pop3.wire import Command, CommandError


class State(enum.Enum):
    """RFC 1939 §3; UPDATE is where QUIT leads to."""

    AUTHORIZATION = "before log-in"
    TRANSACTION = "after log-in"


_BEFORE: Final = frozenset({State.AUTHORIZATION})
_AFTER: Final = frozenset({State.TRANSACTION})
_ALWAYS: Final = _BEFORE | _AFTER

EXPIRE_LEAST_DAYS: Final = 1
"""Shortest rule an INBOX can have."""

COMMANDS: Final[Mapping[bytes, frozenset[State]]] = {
    b"CAPA": _ALWAYS,
    b"QUIT": _ALWAYS,
    b"STLS": _BEFORE,
    b"USER": _BEFORE,
    b"PASS": _BEFORE,
    b"AUTH": _BEFORE,
    b"UTF8": _BEFORE,
    b"LANG": _ALWAYS,
    b"STAT": _AFTER,
    b"LIST": _AFTER,
    b"RETR": _AFTER,
    b"DELE": _AFTER,
    b"NOOP": _AFTER,
    b"RSET": _AFTER,
    b"TOP": _AFTER,
    b"UIDL": _AFTER,
}
"""Where each command is allowed."""


@dataclass(slots=True)
class Session:
    """What is known of the client.

    Attributes:
        settings: Limits.
        tls: What protects it, ``None`` if nothing does.
        tls_offered: Whether STLS could.
        state: Where it is.
        user: Name given by USER, waiting for its PASS.
        exchange: AUTH in progress: the next line belongs to it.
        utf8: Whether UTF8 was said.
        language: What people are spoken to in.
    """

    settings: Pop3Settings
    tls: TlsInfo | None
    tls_offered: bool
    state: State = State.AUTHORIZATION
    user: str = field(default="", repr=False)
    exchange: SaslExchange | None = None
    utf8: bool = False
    language: Language = ENGLISH
    _errors: int = 0
    _failures: int = 0

    def check(self, command: Command) -> None:
        """Check that the command may be given now.

        Raises:
            CommandError: It may not, or there is none of that name.
        """
        states = COMMANDS.get(command.verb)
        if states is None:
            raise CommandError("unknown command")
        if self.state not in states:
            raise CommandError(f"not {self.state.value}")

    def failed_command(self) -> bool:
        """Count a command without meaning; return whether it was one too many."""
        self._errors += 1
        return self._errors >= self.settings.errors_max

    def failed_login(self) -> bool:
        """Count a failed log-in; return whether it was one too many."""
        self.user = ""
        self.exchange = None
        self._failures += 1
        return self._failures >= self.settings.login_failures_max

    def logged_in(self) -> None:
        """Enter the TRANSACTION state."""
        self.user = ""
        self.exchange = None
        self.state = State.TRANSACTION

    def tls_started(self, tls: TlsInfo | None) -> None:
        """Forget what was said in the clear (RFC 2595 §4)."""
        self.tls = tls
        self.user = ""
        self.exchange = None
        self.utf8 = False
        self.language = ENGLISH

    @property
    def encrypted(self) -> bool:
        """Whether TLS protects it."""
        return self.tls is not None

    @property
    def stls_allowed(self) -> bool:
        """Whether STLS makes sense now."""
        return (
            self.tls_offered
            and not self.encrypted
            and self.state is State.AUTHORIZATION
        )

    def capabilities(
        self,
        mechanisms: Sequence[str],
        *,
        cleartext_allowed: bool,
        expire_days: int | None = None,
    ) -> tuple[str, ...]:
        """Return the lines of CAPA (RFC 2449 §6, RFC 3206 §6, RFC 6856 §2, §3).

        Args:
            expire_days: After how many days messages go; 0: never; ``None``: nobody
                has logged in, and it is not the same for all.
        """
        found = [
            "TOP",
            "UIDL",
            "PIPELINING",
            "RESP-CODES",
            "AUTH-RESP-CODE",
            f"EXPIRE {_expire(expire_days)}",
            f"LOGIN-DELAY {self.settings.login_delay_s}",
            "UTF8 USER",
            "LANG",
        ]
        if cleartext_allowed:
            found.append("USER")
        if mechanisms:
            found.append(f"SASL {' '.join(mechanisms)}")
        if self.stls_allowed:
            found.append("STLS")
        return (*found, "IMPLEMENTATION pabal")


def _expire(days: int | None) -> str:
    """Return the argument of EXPIRE: nobody's mail is removed for having been read.

    RFC 2449 §6.7: before log-in it is the smallest value that can be set for any user.
    """
    if days is None:
        return f"{EXPIRE_LEAST_DAYS} USER"
    return str(days) if days else "NEVER"
