"""Where every token is checked: each once at a time, good ones remembered a while."""

import asyncio
import hashlib
from collections import OrderedDict
from typing import Final

from pabal.base.clock import Clock
from pabal.base.errors import PabalError, UnavailableError
from pabal.directory.sasl.oauth import Hints
from pabal.directory.token.claims import Bearer
from pabal.directory.token.ports import TokenCheck

REMEMBERED_S: Final = 60.0
"""How long a good token is not asked about again, seconds: it may be revoked."""

REMEMBERED_MAX: Final = 20_000
"""Good tokens remembered, the oldest forgotten first."""

CHECKS_MAX: Final = 64
"""Tokens being checked at once; more are told to come back."""


class TokenDesk:
    """Checks tokens; a program with ten connections asks once, not ten times.

    Args (of the constructor):
        check: What finds out.
        hints: What clients with a bad token are told.
    """

    def __init__(self, check: TokenCheck, hints: Hints, clock: Clock) -> None:
        self.hints = hints
        self._check = check
        self._clock = clock
        self._good: OrderedDict[bytes, tuple[float, Bearer]] = OrderedDict()
        self._underway: dict[bytes, asyncio.Future[Bearer]] = {}

    def is_known(self, token: str) -> bool:
        """Whether nothing is guessed: the token was good just now, or is looked at."""
        digest = _digest(token)
        return digest in self._underway or self._remembered(digest) is not None

    async def check(self, token: str) -> Bearer:
        """Return whom ``token`` names.

        Raises:
            TokenError: It is not good here.
            UnavailableError: That cannot be found out now.
        """
        digest = _digest(token)
        found = self._remembered(digest)
        if found is not None:
            return found
        underway = self._underway.get(digest)
        if underway is not None:
            return await asyncio.shield(underway)
        if len(self._underway) >= CHECKS_MAX:
            raise UnavailableError("too many tokens are being checked")
        return await self._ask(digest, token)

    async def _ask(self, digest: bytes, token: str) -> Bearer:
        """Check a token, also for those who come with it meanwhile."""
        answer: asyncio.Future[Bearer] = asyncio.get_running_loop().create_future()
        self._underway[digest] = answer
        try:
            found = await self._check(token)
        except PabalError as error:
            answer.set_exception(error)
            answer.exception()  # it is raised here, whether somebody waits or not
            raise
        except BaseException:
            answer.set_exception(UnavailableError("whoever asked has left"))
            answer.exception()
            raise
        finally:
            del self._underway[digest]
        answer.set_result(found)
        self._remember(digest, found)
        return found

    def _remembered(self, digest: bytes) -> Bearer | None:
        until, found = self._good.get(digest, (0.0, None))
        return found if self._clock.now() < until else None

    def _remember(self, digest: bytes, found: Bearer) -> None:
        until = min(found.until, self._clock.now() + REMEMBERED_S)
        self._good[digest] = until, found
        self._good.move_to_end(digest)
        if len(self._good) > REMEMBERED_MAX:
            self._good.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8")).digest()
