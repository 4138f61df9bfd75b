"""What checking a token asks of others.

Sans-IO types only.
"""

from dataclasses import dataclass, field
from typing import Protocol

from pabal.directory.token.claims import Bearer


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to an endpoint of the configuration.

    Attributes:
        url: Where to.
        form: Body of a POST, ``application/x-www-form-urlencoded``; empty: a GET.
        user: For Basic authentication; empty: none.
    """

    url: str
    form: bytes = field(default=b"", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)


class Http(Protocol):
    """Asks an endpoint."""

    async def __call__(self, request: HttpRequest, /) -> bytes:
        """Return the body of a 200 response; its length is bounded.

        Raises:
            UnavailableError: There is none, or it is another response.
        """
        ...


class TokenCheck(Protocol):
    """Finds out whom a token names."""

    async def __call__(self, token: str, /) -> Bearer:
        """Return whom it names.

        Raises:
            TokenError: It is not good here.
            UnavailableError: That cannot be found out now.
        """
        ...
