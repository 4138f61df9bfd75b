import dns.name
import dns.rdatatype
import dns.rrset
import pytest

from pabal.dns.dnssec.fault import ExtendedError
from pabal.dns.ports import Security
from pabal.dns.resolver.claim import UNCHECKED, Claim, Verdict, worst

SECURE, INSECURE = Verdict(Security.SECURE), Verdict(Security.INSECURE)
BOGUS, UNKNOWN = Verdict(Security.BOGUS), Verdict(Security.INDETERMINATE)


@pytest.mark.parametrize(
    ("verdicts", "overall"),
    [
        ([SECURE, SECURE], SECURE),
        ([SECURE, INSECURE], INSECURE),
        ([INSECURE, UNKNOWN], UNKNOWN),
        ([UNKNOWN, BOGUS, SECURE], BOGUS),
        ([], UNCHECKED),
    ],
)
def test_an_answer_is_as_good_as_its_worst(
    verdicts: list[Verdict], overall: Verdict
) -> None:
    assert worst(verdicts) == overall


def test_servers_that_are_away_are_not_to_blame() -> None:
    away = Verdict(Security.BOGUS, code=ExtendedError.NO_REACHABLE_AUTHORITY)
    assert not away.is_lasting
    assert not away.is_to_blame
    assert BOGUS.is_to_blame
    assert not SECURE.is_to_blame


def test_of_a_made_alias_the_dname_is_signed() -> None:
    owner = dns.name.from_text("a.test.")
    cname = dns.rrset.from_text(owner, 1, "IN", "CNAME", "b.test.")
    dname = dns.rrset.from_text("test.", 1, "IN", "DNAME", "other.")
    assert Claim(owner, dns.rdatatype.CNAME, cname).signed is cname
    assert Claim(owner, dns.rdatatype.CNAME, cname, source=dname).signed is dname
