import dns.message
import dns.name
import dns.tsig
import pytest

from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError
from pabal.dns.server.keys import (
    BAD_KEY,
    BAD_SIGNATURE,
    KeyRing,
    SignatureError,
    unsigned_error,
)

SECRET = "cGFiYWwgc2hhcmVzIHRoaXMgd2l0aCBubyBvbmUgZWxzZQ=="
NAME = dns.name.from_text("k.test")


def ring(*texts: str) -> KeyRing:
    return KeyRing(texts or (f"hmac-sha256:k.test:{SECRET}",), SystemClock())


def asked(secret: str = SECRET, name: str = "k.test") -> dns.message.QueryMessage:
    query = dns.message.make_query("a.test", "SOA")
    query.use_tsig(dns.tsig.Key(name, secret))
    return query


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sha384", "hmac-sha512"])
def test_dnspython_believes_a_run_of_answers(algorithm: str) -> None:
    keys = ring(f"{algorithm}:K.test:{SECRET}")
    query = dns.message.make_query("a.test", "AXFR")
    query.use_tsig(dns.tsig.Key("k.test", SECRET, algorithm))
    verified = keys.verify(query.to_wire())
    assert verified.key is not None
    signer = keys.signer(verified.key, verified.mac)
    answer = dns.message.make_response(verified.message)
    answer.tsig = None
    plain = answer.to_wire()
    context = None
    for _ in range(3):
        message = dns.message.from_wire(
            signer.sign(plain),
            keyring=query.keyring,
            request_mac=query.mac,
            tsig_ctx=context,
            multi=True,
            xfr=True,
        )
        context = message.tsig_ctx
        assert message.had_tsig


def test_unsigned_is_taken_as_such() -> None:
    verified = ring().verify(dns.message.make_query("a.test", "SOA").to_wire())
    assert verified.key is None


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (asked(SECRET[4:]), BAD_SIGNATURE),
        (asked(name="other.test"), BAD_KEY),
    ],
)
def test_bad_signatures(query: dns.message.QueryMessage, code: int) -> None:
    with pytest.raises(SignatureError) as caught:
        ring().verify(query.to_wire())
    assert caught.value.code == code


def test_errors_are_told_without_a_signature() -> None:
    data = unsigned_error(bytes(12), NAME, BAD_KEY)
    message = dns.message.from_wire(data, keyring=False)
    assert message.tsig is not None
    assert message.tsig_error == BAD_KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k.test",
        "hmac-md5:k.test:aGk=",
        "hmac-sha256:k.test",
        "hmac-sha256:a..b:aGk=",
    ],
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(OperatorError):
        ring(text)
    with pytest.raises(OperatorError):
        ring().get("nobody.test")
