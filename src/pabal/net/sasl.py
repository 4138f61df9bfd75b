"""The shape of a SASL exchange, as every server drives it (RFC 4422).

Sans-IO types only; the mechanisms live in ``pabal.directory``.
"""

from dataclasses import dataclass, field
from typing import Protocol

from pabal.net.ports import TlsInfo


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a session is.

    Attributes:
        account_id: The account.
        address: Its main address, canonical.
    """

    account_id: int
    address: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """The server has more to say; octets before base64."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Granted:
    """The exchange succeeded.

    Attributes:
        identity: Who the client is.
        final: Octets to send along with success (SCRAM's server signature); where a
            protocol cannot, they go as one more challenge answered by an empty line.
    """

    identity: Identity
    final: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Denied:
    """The exchange failed.

    Attributes:
        reason: For the log; the peer is only told that it failed.
        temporary: The credentials could not be checked now.
    """

    reason: str
    temporary: bool = False


SaslStep = Challenge | Granted | Denied


class SaslExchange(Protocol):
    """One attempt to authenticate with one mechanism."""

    async def step(self, response: bytes | None) -> SaslStep:
        """Take the client's octets (``None``: none came), say what is next."""
        ...


class Authenticator(Protocol):
    """Starts exchanges and checks plain passwords; slows guessers down."""

    def mechanisms(
        self, *, encrypted: bool, tls: TlsInfo | None = None
    ) -> tuple[str, ...]:
        """Return the mechanisms on offer; without TLS none that shows the password.

        Args:
            encrypted: Whether a password is safe: TLS, or ``cleartext_allowed``.
            tls: The TLS there is: what a proof can be bound to, whose certificate.
        """
        ...

    def start(
        self,
        mechanism: str,
        *,
        peer_address: str,
        encrypted: bool,
        tls: TlsInfo | None = None,
    ) -> SaslExchange | None:
        """Return an exchange, or ``None`` if ``mechanism`` is not on offer."""
        ...

    async def login(
        self, user: str, password: str, *, peer_address: str
    ) -> Granted | Denied:
        """Check a user name and password (POP3 USER/PASS, IMAP LOGIN)."""
        ...

    def cleartext_allowed(self, *, peer_address: str, encrypted: bool) -> bool:
        """Whether a password may travel over this connection ([auth] cleartext)."""
        ...
