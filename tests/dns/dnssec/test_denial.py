import pytest

from pabal.dns.dnssec.denial import proofs
from pabal.dns.dnssec.fault import BogusError
from pabal.dns.dnssec.nsec import NsecProofs
from pabal.dns.dnssec.nsec3 import Nsec3Proofs
from tests.dns.dnssec.parts import ORIGIN, VALID, plain_zone, policy
from tests.support.signing import Nsec3Parameters, SigningPolicy, sign_zone


def test_the_records_decide_the_kind() -> None:
    keys = policy().keys
    plain = sign_zone(ORIGIN, plain_zone(), SigningPolicy(keys, VALID))
    assert isinstance(proofs(ORIGIN, plain), NsecProofs)
    hashed = sign_zone(
        ORIGIN, plain_zone(), SigningPolicy(keys, VALID, Nsec3Parameters())
    )
    assert isinstance(proofs(ORIGIN, hashed), Nsec3Proofs)
    with pytest.raises(BogusError):
        proofs(ORIGIN, plain_zone())
