import dns.name
import dns.node
import dns.rdataset
import dns.rrset
import pytest

import dns.dnssec
from pabal.dns.dnssec.canonical import (
    canonical_name,
    labels_of,
    signed_data,
    wildcard_source,
)
from pabal.dns.dnssec.keys import generate
from tests.dns.dnssec.parts import ORIGIN, VALID, plain_zone
from tests.support.signing import sign_rrset


def test_names_are_lower_case_and_whole() -> None:
    assert canonical_name(dns.name.from_text("A.bC.")) == b"\x01a\x02bc\x00"
    assert canonical_name(dns.name.root) == b"\x00"


@pytest.mark.parametrize(
    ("owner", "labels"), [(".", 0), ("a.", 1), ("*.a.", 1), ("a.*.b.", 3)]
)
def test_labels_leave_out_root_and_asterisk(owner: str, labels: int) -> None:
    assert labels_of(dns.name.from_text(owner)) == labels


def test_fewer_labels_mean_a_wildcard() -> None:
    owner = dns.name.from_text("x.y.wild.test.")
    assert wildcard_source(owner, 4) is None
    assert wildcard_source(owner, 2) == dns.name.from_text("*.wild.test.")
    assert wildcard_source(dns.name.from_text("*.wild.test."), 2) is None


def test_what_is_signed_is_what_another_implementation_signs() -> None:
    key = generate()
    keys: dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset] = {
        ORIGIN: dns.rrset.from_rdata_list(ORIGIN, 60, [key.dnskey]),
    }
    for rrset in plain_zone():
        rrsig = sign_rrset(rrset, ORIGIN, key, VALID)
        dns.dnssec.validate_rrsig(rrset, rrsig, keys, now=1000)
        upper = dns.rrset.from_rdata_list(
            dns.name.Name(label.upper() for label in rrset.name.labels), 1, list(rrset)
        )
        assert signed_data(upper, rrsig) == signed_data(rrset, rrsig)
