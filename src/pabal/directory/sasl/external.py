"""EXTERNAL: the client's certificate says who it is.

Sans-IO.
Source: RFC 4422 §A; RFC 5280 §4.2.1.6 (rfc822Name).
Security: only names of a certificate whose issuer the operator trusts come here; TLS
proved that the client has its key.
"""

from collections.abc import Sequence

from pabal.directory.sasl.mechanism import (
    SaslError,
    UserProven,
    canonical_user,
    text_of,
)
from pabal.net.sasl import Challenge


class External:
    """Implements ``Mechanism``.

    Args (of the constructor):
        addresses: Mail addresses in the certificate.
    """

    __slots__ = ("_addresses",)

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = [canonical_user(address) for address in addresses]

    def step(self, response: bytes | None) -> Challenge | UserProven:
        """Return whom the certificate names, and the client chose if there are several.

        Raises:
            SaslError: Nobody; somebody the certificate does not name; or who of several
                is not said.
        """
        if response is None:
            return Challenge(b"")
        wanted = text_of(response)
        if wanted:
            # The authorization identity is somebody the certificate names, or refused.
            user = canonical_user(wanted)
            if user not in self._addresses:
                raise SaslError("the certificate is not of the user asked for")
            return UserProven(user)
        if len(self._addresses) != 1:
            raise SaslError("the certificate does not name one address")
        return UserProven(self._addresses[0])
