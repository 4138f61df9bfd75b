"""The canonical forms that are signed.

Sans-IO, pure. Linear in the octets of the records.
Source: RFC 4034 §3.1.8.1 (what is signed), §6 (canonical forms), RFC 6840 §5.1.
"""

import struct
from typing import Final

import dns.name
import dns.rrset
from dns.rdtypes.ANY.RRSIG import RRSIG

RRSIG_FIXED: Final = struct.Struct("!HBBIIIH")
"""RRSIG RDATA before the signer's name (RFC 4034 §3.1)."""

_FIELDS: Final = struct.Struct("!HHI")
_LENGTH: Final = struct.Struct("!H")

WILDCARD: Final = b"*"


def canonical_name(name: dns.name.Name) -> bytes:
    """Return absolute ``name`` as octets in lower case, uncompressed (§6.2)."""
    return b"".join(bytes((len(label),)) + label for label in name.labels).lower()


def labels_of(owner: dns.name.Name) -> int:
    """Return the labels of ``owner`` without root and asterisk (RFC 4034 §3.1.3)."""
    count = len(owner.labels) - 1
    return count - 1 if owner.labels[0] == WILDCARD else count


def wildcard_source(owner: dns.name.Name, labels: int) -> dns.name.Name | None:
    """Return the wildcard that ``owner`` was made of, ``None`` if it was not.

    ``labels`` is that of the signature (RFC 4035 §5.3.4).
    """
    if labels >= labels_of(owner):
        return None
    return dns.name.Name((WILDCARD, *owner.labels[-labels - 1 :]))


def signed_data(rrset: dns.rrset.RRset, rrsig: RRSIG) -> bytes:
    """Return the octets ``rrsig`` signs; its signature itself is not read."""
    labels = int(rrsig.labels)
    owner = canonical_name(wildcard_source(rrset.name, labels) or rrset.name)
    parts = [
        RRSIG_FIXED.pack(
            rrsig.type_covered,
            rrsig.algorithm,
            labels,
            rrsig.original_ttl,
            rrsig.expiration,
            rrsig.inception,
            rrsig.key_tag,
        ),
        canonical_name(rrsig.signer),
    ]
    head = owner + _FIELDS.pack(rrset.rdtype, rrset.rdclass, rrsig.original_ttl)
    # RFC 4034 §6.3: sorted as octets, each only once (a set holds no doubles).
    for rdata in sorted({rdata.to_digestable() for rdata in rrset}):
        parts += (head, _LENGTH.pack(len(rdata)), rdata)
    return b"".join(parts)
