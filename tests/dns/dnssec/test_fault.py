from pabal.base.errors import LimitExceededError, ProtocolError
from pabal.dns.dnssec.fault import BogusError, EffortError, ExtendedError


def test_a_fault_has_a_number_and_words() -> None:
    error = BogusError("ended", ExtendedError.SIGNATURE_EXPIRED)
    assert (error.code, error.reason, str(error)) == (7, "ended", "ended")
    assert isinstance(error, ProtocolError)
    assert issubclass(EffortError, LimitExceededError)
