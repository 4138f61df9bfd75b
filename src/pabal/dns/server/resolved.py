"""What the resolver found, or why it did not, as an answer.

No I/O. Source: RFC 4035 §3.2 (signatures, AD), RFC 8914 §4 (errors).
"""

from pabal.dns.ports import ResolutionError, Resolved, Security
from pabal.dns.wire.option import BOGUS, error_option
from pabal.dns.wire.query import Query
from pabal.dns.wire.response import Response
from pabal.dns.wire.rrset import RRset, from_dnspython


def answer_of(query: Query, resolved: Resolved, begun: tuple[RRset, ...]) -> Response:
    """Return what the resolver found as an answer to ``query``.

    Args:
        begun: The aliases that our zones answered already.
    """
    answer, authority = resolved.answer, resolved.authority
    if query.dnssec_ok:
        # RFC 4035 §3.2.1: signatures and proofs are for those who ask for them.
        answer, authority = answer + resolved.signatures, authority + resolved.proofs
    return Response(
        resolved.rcode,
        authoritative=resolved.authoritative or bool(begun),
        answer=(*begun, *(from_dnspython(rrset) for rrset in answer)),
        authority=tuple(from_dnspython(rrset) for rrset in authority),
        # A chain that begins in a zone of ours is as secure as that: not at all yet.
        authenticated=resolved.security is Security.SECURE and not begun,
        error=b"".join(map(error_option, resolved.errors)),
    )


def explained(error: ResolutionError) -> bytes:
    """Return the Extended DNS Error for a failure (RFC 8914 §4)."""
    if error.code is None:
        return b""
    text = error.reason if error.code == BOGUS else ""
    return error_option(error.code, text)
