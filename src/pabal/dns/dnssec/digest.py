"""DS records: the parent's digests of its child's keys.

Sans-IO, pure.
Source: RFC 4034 §5.1.4 (digest), RFC 4509 (SHA-256), RFC 6605 §2 (SHA-384).
"""

import hashlib
import hmac
import struct
from collections.abc import Callable, Iterable
from typing import Final

import dns.name
import dns.rdatatype
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS

from pabal.dns.dnssec.algorithm import SUPPORTED
from pabal.dns.dnssec.canonical import canonical_name
from pabal.dns.dnssec.record import record

SHA256: Final = 2
SHA384: Final = 4

_DIGESTS: Final[dict[int, Callable[[bytes], bytes]]] = {
    SHA256: lambda octets: hashlib.sha256(octets).digest(),
    SHA384: lambda octets: hashlib.sha384(octets).digest(),
}
"""SHA-1 (1) counts as unknown (RFC 9905 §2)."""


def is_supported(ds: DS) -> bool:
    """Return whether digest and key algorithm of ``ds`` are known here."""
    return int(ds.digest_type) in _DIGESTS and int(ds.algorithm) in SUPPORTED


def matches(ds: DS, zone: dns.name.Name, dnskey: DNSKEY) -> bool:
    """Return whether ``ds`` of ``zone`` stands for ``dnskey``."""
    digest = _DIGESTS.get(int(ds.digest_type))
    return (
        digest is not None
        and int(ds.algorithm) == int(dnskey.algorithm)
        and int(ds.key_tag) == dnskey.key_id()
        and hmac.compare_digest(digest(_digested(zone, dnskey)), bytes(ds.digest))
    )


def vouched(
    records: Iterable[DS], zone: dns.name.Name, dnskeys: Iterable[DNSKEY]
) -> list[DNSKEY]:
    """Return those of ``dnskeys`` of ``zone`` that one of ``records`` stands for.

    Each key is digested once, not once for each record: a stranger may have hundreds of
    records and dozens of keys.
    """
    wanted = set(records)
    kinds = {int(ds.digest_type) for ds in wanted} & set(_DIGESTS)
    return [
        key
        for key in dnskeys
        if any(make_ds(zone, key, kind) in wanted for kind in kinds)
    ]


def make_ds(zone: dns.name.Name, dnskey: DNSKEY, digest_type: int = SHA256) -> DS:
    """Return the DS record of ``dnskey`` that the parent of ``zone`` should publish.

    Raises:
        ValueError: ``digest_type`` is neither SHA-256 nor SHA-384.
    """
    if digest_type not in _DIGESTS:
        raise ValueError(f"no digest {digest_type}")
    head = struct.pack("!HBB", dnskey.key_id(), dnskey.algorithm, digest_type)
    digest = _DIGESTS[digest_type](_digested(zone, dnskey))
    return record(DS, dns.rdatatype.DS, head + digest)


def usable(records: Iterable[DS]) -> tuple[DS, ...]:
    """Return the DS records that can be followed, those of the best digest only.

    RFC 4509 §3: a weaker digest is not looked at when there is a stronger one, for each
    algorithm by itself.
    """
    known = [ds for ds in records if is_supported(ds)]
    best: dict[int, int] = {}
    for ds in known:
        algorithm = int(ds.algorithm)
        best[algorithm] = max(best.get(algorithm, 0), int(ds.digest_type))
    return tuple(ds for ds in known if int(ds.digest_type) == best[int(ds.algorithm)])


def _digested(zone: dns.name.Name, dnskey: DNSKEY) -> bytes:
    return canonical_name(zone) + dnskey.to_digestable()
