"""LOGIN: who, then the password, each asked for; older than SASL, still sent.

Sans-IO.
Source: draft-murchison-sasl-login §2: the prompts are what clients know.
"""

from typing import Final

from pabal.directory.sasl.mechanism import PasswordGiven, SaslError, text_of
from pabal.net.sasl import Challenge

_ASK_USER: Final = b"Username:"
_ASK_PASSWORD: Final = b"Password:"


class Login:
    """Implements ``Mechanism``."""

    __slots__ = ("_user",)

    def __init__(self) -> None:
        self._user = ""

    def step(self, response: bytes | None) -> Challenge | PasswordGiven:
        """Ask for the user, then for the password.

        Raises:
            SaslError: One of them is empty or not UTF-8.
        """
        if response is None:
            return Challenge(_ASK_USER)
        text = text_of(response)
        if not text or "\0" in text:
            raise SaslError("LOGIN without user or password")
        if self._user:
            return PasswordGiven(self._user, text)
        self._user = text
        return Challenge(_ASK_PASSWORD)
