"""What an answer carries beside its records: cookie, NSID, keepalive, padding.

No I/O. Source: RFC 7873 §5.2, RFC 5001 §2.2, RFC 7828 §3.3, RFC 7830 §4, RFC 8914 §3.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from pabal.base.clock import Clock
from pabal.dns.server.cookies import Cookies
from pabal.dns.settings import DnsSettings
from pabal.dns.wire import codes, option
from pabal.dns.wire.query import Query, parse_without_question
from pabal.dns.wire.response import Limits, bare, header_only, opt_record
from pabal.dns.wire.siphash import KEY_OCTETS


@dataclass(frozen=True, slots=True)
class Extra:
    """What one query asked for by its options.

    Attributes:
        options: Octets of the options of the answer.
        padded: Whether the answer is to be padded.
        known: Whether a valid cookie shows that the client is where it says.
    """

    options: bytes = b""
    padded: bool = False
    known: bool = False

    def finish(self, message: bytes, error: bytes = b"") -> bytes:
        """Return ``message``, which ends in an OPT record, with all options.

        Args:
            error: An Extended DNS Error, as an option.
        """
        options = self.options + error
        if self.padded:
            options += option.padding(len(message) + len(options))
        return option.with_options(message, options)


NOTHING: Final = Extra()

_ONE_RECORD: Final = bytes(7) + b"\1"
"""The counts of a header: no question, one additional record."""


class Extras:
    """Reads the options of queries."""

    def __init__(self, settings: DnsSettings, clock: Clock) -> None:
        secret = settings.cookie_secret or secrets.token_bytes(KEY_OCTETS)
        self._cookies = Cookies(secret, clock)
        self._nsid = settings.nsid.encode()

    def unasked(
        self, data: bytes, host: str, rcode: int | None, payload_octets: int
    ) -> bytes | None:
        """Return the answer to what is no question; ``None``: silence.

        Args:
            rcode: What is wrong with it; ``None``: nothing is to be said.
        """
        if rcode is None:
            return None
        query = parse_without_question(data)
        if query is None or query.edns is None:
            return header_only(data, rcode)
        extra = self.of(query, host, encrypted=False)
        if extra is not None and _asks_for_cookie(query, data):
            limits = Limits(payload_octets, payload_octets, recursion=False)
            return extra.finish(bare(query, codes.NOERROR, limits))
        return header_only(data, rcode, opt_record(query.edns, payload_octets))

    def of(
        self,
        query: Query,
        host: str,
        *,
        encrypted: bool,
        idle_s: float | None = None,
    ) -> Extra | None:
        """Return what ``query`` asks for; ``None`` if an option is malformed.

        Args:
            idle_s: How long its connection may be silent; ``None``: there is none, and
                who asks all the same is not answered (RFC 7828 §3.3.2).
        """
        if query.edns is None or not query.edns.options or query.edns.version:
            return NOTHING
        asked = option.read_options(query.edns.options)
        options = b""
        known = False
        if option.COOKIE in asked:
            check = self._cookies.check(asked[option.COOKIE], host)
            if check is None:
                return None
            known = check.valid
            options += option.option(option.COOKIE, check.answer)
        if option.NSID in asked and self._nsid:
            options += option.option(option.NSID, self._nsid)
        if option.KEEPALIVE in asked and idle_s is not None:
            options += option.keepalive(idle_s)
        # RFC 7830 §6: on a channel that anybody reads padding hides nothing.
        padded = encrypted and option.PADDING in asked
        return Extra(options, padded, known)


def _asks_for_cookie(query: Query, data: bytes) -> bool:
    """Return whether ``data`` asks for a cookie only (RFC 7873 §5.4)."""
    alone = data[4:12] == _ONE_RECORD and not query.flags & codes.OPCODE_MASK
    if not alone or query.edns is None or query.edns.version:
        return False
    return option.COOKIE in option.read_options(query.edns.options)
