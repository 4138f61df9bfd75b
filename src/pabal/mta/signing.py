"""Signs what our users send, with the keys of the domain they send from."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pabal.base.clock import Clock
from pabal.base.errors import OperatorError
from pabal.base.log import Log
from pabal.message.spool import CHUNK_OCTETS, Spool
from pabal.mta.policy.dkim import Signature, sign
from pabal.mta.policy.keys import DkimKey, load, state_of

log = Log("dkim")

INLINE_MAX_OCTETS: Final = 256 * 1024
"""Larger messages are hashed on a thread: 5 ms on the loop are the most."""

KEYS_AGE_S: Final = 10.0
"""How long keys are used before their files are looked at again, seconds."""


_SECONDS: Final = re.compile("[0-9]{1,12}")
"""``t=`` of a signature."""


@dataclass(frozen=True, slots=True)
class _Known:
    """Keys in memory: when their files were looked at, and what those were."""

    looked_at: float
    state: Sequence[tuple[str, int]]
    keys: tuple[DkimKey, ...]


class DkimSigner:
    """Implements the signers of ``submission`` and ``transport`` with keys in files.

    Args (of the constructor):
        directory: Where the keys are: ``<domain>/<selector>.pem``.
        clock: Time.
    """

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._known: dict[str, _Known] = {}

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

    async def wrote(
        self, fields: Sequence[Signature], header: bytes, spool: Spool, body_start: int
    ) -> bool:
        """Return whether every one of ``fields`` is what we would write ourselves.

        RSA (PKCS #1) and Ed25519 make the same signature of the same octets each time.
        """
        return all(
            [await self._wrote(one, header, spool, body_start) for one in fields]
        )

    async def _wrote(
        self, field: Signature, header: bytes, spool: Spool, body_start: int
    ) -> bool:
        selector, signed_at = field.tags.get("s", ""), field.tags.get("t", "")
        keys = [one for one in self._keys(field.domain) if one.selector == selector]
        if not keys or not _SECONDS.fullmatch(signed_at):
            return False
        body = _chunks(spool, body_start)
        again = await asyncio.to_thread(sign, header, body, keys, float(signed_at))
        return again == field.field

    def _keys(self, domain: str) -> tuple[DkimKey, ...]:
        """Return the keys of ``domain``, read again when their files changed."""
        now = self._clock.monotonic()
        known = self._known.get(domain)
        if known is not None and now - known.looked_at < KEYS_AGE_S:
            return known.keys
        state = state_of(self._directory, domain)
        if not state:
            self._known.pop(domain, None)
            return ()
        keys = known.keys if known is not None else ()
        if known is None or known.state != state:
            try:
                keys = tuple(load(self._directory, domain))
            except OperatorError as error:
                # Signed with the old ones or not at all, and the log says what to do.
                log.warning("cannot sign", domain=domain, reason=str(error))
        self._known[domain] = _Known(now, state, keys)
        return keys


def _chunks(spool: Spool, start: int) -> Iterator[bytes]:
    for offset in range(start, spool.size, CHUNK_OCTETS):
        yield spool.read(offset, CHUNK_OCTETS)
