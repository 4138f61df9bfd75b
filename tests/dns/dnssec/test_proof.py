from pabal.dns.dnssec.proof import Proof


def test_only_a_proof_without_reserve_is_secure() -> None:
    assert Proof().is_secure
    assert Proof(cut=True).is_secure
    assert not Proof(opt_out=True).is_secure
    assert not Proof(weak="too dear").is_secure
