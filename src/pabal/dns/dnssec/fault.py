"""Why an answer is bogus, in the words and numbers of RFC 8914.

Sans-IO.
"""

import enum

from pabal.base.errors import LimitExceededError, ProtocolError


class ExtendedError(enum.IntEnum):
    """What the resolver has to say beside an answer or SERVFAIL (RFC 8914 §4)."""

    DNSKEY_ALGORITHM_UNKNOWN = 1
    DS_DIGEST_UNKNOWN = 2
    STALE_ANSWER = 3
    BOGUS = 6
    SIGNATURE_EXPIRED = 7
    SIGNATURE_NOT_YET_VALID = 8
    DNSKEY_MISSING = 9
    SIGNATURES_MISSING = 10
    NO_ZONE_KEY = 11
    NSEC_MISSING = 12
    CACHED_ERROR = 13
    STALE_NXDOMAIN = 19
    NO_REACHABLE_AUTHORITY = 22
    NSEC3_ITERATIONS = 27


class BogusError(ProtocolError):
    """Signed data that does not hold (RFC 4033 §5).

    Attributes:
        code: The kind of fault (RFC 8914 §4).
        reason: What is wrong with which record, for people.
    """

    def __init__(self, reason: str, code: ExtendedError = ExtendedError.BOGUS) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class EffortError(LimitExceededError):
    """Checking would cost more than one answer may (CVE-2023-50387, "KeyTrap")."""
