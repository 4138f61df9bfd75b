"""Checks signed tokens with an issuer's keys, which are fetched and kept.

Source: RFC 7517 §5 (JWK Set); RFC 8725 §3 (issuer and audience are checked).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from pabal.base.clock import Clock
from pabal.base.errors import UnavailableError
from pabal.base.log import Log
from pabal.directory.token import jwt
from pabal.directory.token.claims import Bearer, TokenError, TokenRules, bearer

KEYS_FRESH_S: Final = 3_600.0
"""How long keys are used without asking again, seconds."""

KEYS_USABLE_S: Final = 86_400.0
"""How long they are used while the endpoint does not answer, seconds."""

ASK_AGAIN_S: Final = 30.0
"""Least time between two requests: a stranger can invent names of keys."""

log = Log("auth")

FetchKeys = Callable[[], Awaitable[bytes]]
"""Returns a JWK set; raises ``UnavailableError``."""


class SignedTokens:
    """Implements ``TokenCheck``.

    Args (of the constructor):
        fetch: Gets the issuer's keys.
        rules: Which tokens count.
    """

    def __init__(self, fetch: FetchKeys, rules: TokenRules, clock: Clock) -> None:
        self._fetch = fetch
        self._rules = rules
        self._clock = clock
        self._keys: Sequence[jwt.SigningKey] = ()
        self._fetched_at = float("-inf")
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def __call__(self, token: str, /) -> Bearer:
        """Return whom ``token`` names."""
        parsed = jwt.parse(token)
        keys = await self._keys_for(parsed)
        return bearer(jwt.claims(parsed, keys), self._rules, self._clock.now())

    async def _keys_for(self, token: jwt.Jwt) -> Sequence[jwt.SigningKey]:
        """Return the keys that may have signed it, fetched anew if there is none."""
        if not self._is_younger(KEYS_FRESH_S):
            await self._refresh(self._asked_at)
        found = self._named(token)
        if not found:
            # The issuer may have a new key.
            await self._refresh(self._asked_at)
            found = self._named(token)
        if not self._is_younger(KEYS_USABLE_S):
            raise UnavailableError("the issuer's keys cannot be had")
        if not found:
            raise TokenError("the token is signed with a key the issuer does not have")
        return found

    def _named(self, token: jwt.Jwt) -> Sequence[jwt.SigningKey]:
        return [key for key in self._keys if not token.kid or key.kid == token.kid]

    def _is_younger(self, age_s: float) -> bool:
        return self._clock.monotonic() - self._fetched_at < age_s

    async def _refresh(self, asked_at: float) -> None:
        """Fetch the keys, unless somebody did since ``asked_at`` or just now."""
        async with self._asking:
            now = self._clock.monotonic()
            if self._asked_at != asked_at or now - self._asked_at < ASK_AGAIN_S:
                return
            self._asked_at = now
            try:
                keys = jwt.read_keys(await self._fetch())
            except (UnavailableError, jwt.KeySetError) as error:
                log.warning("no keys of the token issuer", reason=str(error))
                return
            self._keys, self._fetched_at = keys, now
