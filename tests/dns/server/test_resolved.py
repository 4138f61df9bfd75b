from dataclasses import replace

import dns.message
import dns.rcode
import dns.rrset

from pabal.dns.ports import ResolutionError, Resolved, Security
from pabal.dns.server.resolved import answer_of, explained
from pabal.dns.wire.option import BOGUS, NO_REACHABLE_AUTHORITY, read_options
from pabal.dns.wire.query import Query, parse_query
from pabal.dns.wire.rrset import from_dnspython


def records(name: str) -> tuple[dns.rrset.RRset, ...]:
    return (dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.1"),)


FOUND = Resolved(
    dns.rcode.NOERROR,
    records("answer."),
    records("authority."),
    security=Security.SECURE,
    signatures=records("signature."),
    proofs=records("proof."),
)


def query(*, dnssec_ok: bool) -> Query:
    asked = dns.message.make_query("a.test", "A", want_dnssec=dnssec_ok)
    return parse_query(asked.to_wire())


def test_signatures_and_proofs_are_for_those_who_ask() -> None:
    plain = answer_of(query(dnssec_ok=False), FOUND, ())
    whole = answer_of(query(dnssec_ok=True), FOUND, ())
    assert (len(plain.answer), len(plain.authority)) == (1, 1)
    assert (len(whole.answer), len(whole.authority)) == (2, 2)
    assert plain.authenticated
    assert not plain.authoritative


def test_a_chain_that_begins_here_is_ours_and_not_authenticated() -> None:
    begun = from_dnspython(records("begun.")[0])
    answer = answer_of(query(dnssec_ok=False), FOUND, (begun,))
    assert answer.answer[0] is begun
    assert answer.authoritative
    assert not answer.authenticated


def test_why_it_was_not_resolved() -> None:
    def code_and_text(error: ResolutionError) -> bytes:
        return read_options(explained(error))[15]

    assert explained(ResolutionError("no")) == b""
    assert code_and_text(ResolutionError("no key", BOGUS)) == b"\0\6no key"
    lost = ResolutionError("127.0.0.1 is silent", NO_REACHABLE_AUTHORITY)
    assert code_and_text(lost) == b"\0\x16", "addresses of others stay here"


def test_why_it_is_not_what_the_world_has() -> None:
    changed = replace(FOUND, errors=(4, 15))
    error = answer_of(query(dnssec_ok=False), changed, ()).error
    assert error == b"\0\x0f\0\2\0\4" + b"\0\x0f\0\2\0\x0f"
