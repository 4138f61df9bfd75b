from pabal.dns.wire.siphash import siphash


def test_the_reference_vector() -> None:
    # SipHash paper, appendix A.
    digest = siphash(bytes(range(16)), bytes(range(15)))
    assert digest == bytes.fromhex("e545be4961ca29a1")


def test_the_cookie_of_rfc_9018_appendix_a() -> None:
    key = bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf")
    data = bytes.fromhex("2464c4abcf10c957010000005cf79f11c6336464")
    assert siphash(key, data) == bytes.fromhex("1f8130c3eee29480")
