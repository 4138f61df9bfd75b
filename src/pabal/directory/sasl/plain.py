"""PLAIN: who, and the password, in one message.

Sans-IO.
Source: RFC 4616 §2.
"""

from pabal.directory.sasl.mechanism import PasswordGiven, SaslError, text_of
from pabal.net.sasl import Challenge


class Plain:
    """Implements ``Mechanism``."""

    def step(self, response: bytes | None) -> Challenge | PasswordGiven:
        """Return what the client's one message says.

        Raises:
            SaslError: It is not ``[authzid] NUL authcid NUL passwd``, or somebody wants
                to act for somebody else, which nobody may here.
        """
        if response is None:
            return Challenge(b"")
        parts = text_of(response).split("\0")
        if len(parts) != 3:
            raise SaslError("PLAIN wants two NULs")
        acting_for, user, password = parts
        if not user or not password:
            raise SaslError("PLAIN without user or password")
        if acting_for and acting_for != user:
            raise SaslError("nobody may act for somebody else")
        return PasswordGiven(user, password)
