"""Signs what our users send, with the keys of the domain they send from."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pabal.base.clock import Clock
from pabal.base.errors import OperatorError
from pabal.base.log import Log
from pabal.message.spool import CHUNK_OCTETS, Spool
from pabal.mta.policy.dkim import sign
from pabal.mta.policy.keys import DkimKey, load

log = Log("dkim")

INLINE_MAX_OCTETS: Final = 256 * 1024
"""Larger messages are hashed on a thread: 5 ms on the loop are the most."""

KEYS_AGE_S: Final = 10.0
"""How long keys are used before their files are looked at again, seconds."""


class DkimSigner:
    """Implements ``pabal.mta.submission.Signer`` with keys in files.

    Args (of the constructor):
        directory: Where the keys are: ``<domain>/<selector>.pem``.
        clock: Time.
    """

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._known: dict[str, tuple[float, tuple[DkimKey, ...]]] = {}

    async def sign(
        self, domain: str, header: bytes, spool: Spool, body_start: int
    ) -> bytes:
        """Return the signature fields for a message, empty if there is no key."""
        keys = self._keys(domain)
        if not keys:
            return b""
        now = self._clock.now()
        body = _chunks(spool, body_start)
        if spool.size > INLINE_MAX_OCTETS:
            return await asyncio.to_thread(sign, header, body, keys, now)
        return sign(header, body, keys, now)

    def _keys(self, domain: str) -> tuple[DkimKey, ...]:
        now = self._clock.monotonic()
        looked_at, keys = self._known.get(domain, (0.0, ()))
        if keys and now - looked_at < KEYS_AGE_S:
            return keys
        try:
            keys = tuple(load(self._directory, domain))
        except OperatorError as error:
            # Unsigned mail is better than none, and the log says what to do.
            log.warning("cannot sign", domain=domain, reason=str(error))
            return keys
        if keys:
            self._known[domain] = (now, keys)
        else:
            self._known.pop(domain, None)
        return keys


def _chunks(spool: Spool, start: int) -> Iterator[bytes]:
    for offset in range(start, spool.size, CHUNK_OCTETS):
        yield spool.read(offset, CHUNK_OCTETS)
