"""Asks the authorization server whether a token is good.

Source: RFC 7662 §2.
Security: the endpoint is named by the operator; the token goes nowhere else.
"""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

import msgspec

from pabal.base.clock import Clock
from pabal.base.errors import UnavailableError
from pabal.directory.token.claims import Bearer, TokenError, TokenRules, bearer
from pabal.directory.token.ports import Http, HttpRequest

UNTOLD_LIFE_S: Final = 60.0
"""How long a token is believed whose end the server does not tell, seconds."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where tokens are asked about, and as whom.

    Attributes:
        url: The introspection endpoint.
        client: Our name there; empty: it wants none.
        secret: Our password there.
    """

    url: str
    client: str = ""
    secret: str = field(default="", repr=False)


class IntrospectedTokens:
    """Implements ``TokenCheck``."""

    def __init__(
        self, http: Http, endpoint: Endpoint, rules: TokenRules, clock: Clock
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._rules = rules
        self._clock = clock

    async def __call__(self, token: str, /) -> Bearer:
        """Return whom ``token`` names."""
        if not token:
            raise TokenError("no token")
        form = urlencode({"token": token, "token_type_hint": "access_token"})
        request = HttpRequest(
            self._endpoint.url,
            form.encode("ascii"),
            self._endpoint.client,
            self._endpoint.secret,
        )
        octets = await self._http(request)
        try:
            claims = msgspec.json.decode(octets, type=dict[str, object])
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise UnavailableError("the token endpoint speaks no JSON") from error
        if claims.get("active") is not True:
            raise TokenError("the token is not active")
        now = self._clock.now()
        # RFC 7662 §2.2: all members but "active" are optional.
        return bearer({"exp": now + UNTOLD_LIFE_S, **claims}, self._rules, now)
