"""What every mechanism is: a machine that is fed octets and says what it wants.

Sans-IO: passwords are checked by whoever drives it, since that takes a thread.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from pabal.base.errors import ProtocolError
from pabal.directory.credential import ScramKeys
from pabal.message.address import MAILBOX_MAX_OCTETS, AddressError, Mailbox
from pabal.net.sasl import Challenge

MESSAGE_MAX_OCTETS: Final = 4_096
"""Longest message of a client: two names and a password of the greatest length."""

KeysOf = Callable[[str], ScramKeys]
"""Returns the SCRAM keys of a user name; invented ones for a name nobody has."""


class SaslError(ProtocolError):
    """The client broke the rules of the mechanism, or proved to be somebody else."""


@dataclass(frozen=True, slots=True)
class PasswordGiven:
    """The client says who it is by a password still to be checked."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UserProven:
    """The client proved to know the password of ``user``.

    Attributes:
        final: What to send along with success.
    """

    user: str
    final: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class TokenGiven:
    """The client says who it is by a token still to be checked.

    Attributes:
        user: Who it wants to be; empty: whom the token names.
    """

    user: str
    token: str = field(repr=False)


MechanismStep = Challenge | PasswordGiven | UserProven | TokenGiven


class Mechanism(Protocol):
    """One attempt; after anything but a challenge it is over."""

    def step(self, response: bytes | None) -> MechanismStep:
        """Take the client's octets (``None``: none came yet), say what is next.

        Raises:
            SaslError: The attempt failed; says why, for the log.
        """
        ...


def canonical_user(user: str) -> str:
    """Return a user name in the form limits and accounts are kept by."""
    try:
        return Mailbox.parse(user).canonical
    except AddressError:
        return user[:MAILBOX_MAX_OCTETS].casefold()


def text_of(octets: bytes) -> str:
    """Return ``octets`` as text.

    Raises:
        SaslError: They are too many, or not UTF-8.
    """
    if len(octets) > MESSAGE_MAX_OCTETS:
        raise SaslError("message too long")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SaslError("message is not UTF-8") from error
