from collections.abc import Sequence
from pathlib import Path

import dkim as oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.message.header import split
from pabal.mta.policy import keys
from pabal.mta.policy.dkim import (
    SIGNATURES_MAX,
    Result,
    Verdict,
    sign,
    signatures,
    verify,
)

NOW = 1_700_000_000.0
MESSAGE = (
    b"Received: from x\r\nFrom: You  <you@here.test>\r\nTo: bob@there.test,\r\n"
    b"\talice@there.test\r\nSubject: =?utf-8?B?7JWI64WV?=  two\r\n"
    b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <m1@here.test>\r\n"
    b"\r\nhello   world \r\n\tand\ttabs\r\n\r\nend\r\n\r\n\r\n"
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Sequence[keys.DkimKey]:
    return keys.generate(tmp_path_factory.mktemp("dkim"), "here.test")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("oracle")
    keys.generate(folder, "here.test")
    return folder


def records(pair: Sequence[keys.DkimKey]) -> dict[str, bytes]:
    return {key.owner: key.public_text().encode() for key in pair}


def signed(pair: Sequence[keys.DkimKey], message: bytes = MESSAGE) -> bytes:
    end = split(message)
    return sign(message[:end], [message[end:]], pair, NOW) + message


def check(message: bytes, found: dict[str, bytes], now: float = NOW) -> list[Verdict]:
    end = split(message)
    header, body = message[:end], message[end:]
    return [
        verify(one, header, [body], found.get(one.owner), now)
        for one in signatures(header)
    ]


def results(message: bytes, found: dict[str, bytes], now: float = NOW) -> list[str]:
    return [one.result.value for one in check(message, found, now)]


def test_our_signatures_hold(pair: Sequence[keys.DkimKey]) -> None:
    assert results(signed(pair), records(pair)) == ["pass", "pass"]


def test_the_oracle_accepts_ours(pair: Sequence[keys.DkimKey]) -> None:
    found = records(pair)

    def txt(name: bytes, timeout: int = 5) -> bytes:
        return found[name.decode().rstrip(".")]

    # The oracle checks Ed25519 only with a library we do not need: see the RFC below.
    message = signed(pair[1:])
    assert oracle.DKIM(message).verify(0, dnsfunc=txt)
    changed = message.replace(b"end", b"END")
    with pytest.raises(oracle.ValidationError):
        oracle.DKIM(changed).verify(0, dnsfunc=txt)


RFC_8463_EXAMPLE = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
"""RFC 8463 §A.3."""

RFC_8463_KEYS = {
    "brisbane._domainkey.football.example.com": b"v=DKIM1; k=ed25519;"
    b" p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "test._domainkey.football.example.com": b"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQE"
    b"BAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi"
    b"0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9Pzo"
    b"xZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
}


def test_the_example_of_rfc_8463() -> None:
    assert results(RFC_8463_EXAMPLE, RFC_8463_KEYS) == ["pass", "pass"]
    changed = RFC_8463_EXAMPLE.replace(b"hungry", b"angry")
    assert results(changed, RFC_8463_KEYS) == ["fail", "fail"]


@pytest.mark.parametrize("form", [b"simple", b"relaxed"])
@pytest.mark.parametrize("body_form", [b"simple", b"relaxed"])
def test_we_accept_the_oracles(directory: Path, form: bytes, body_form: bytes) -> None:
    pem = (directory / "here.test" / "rsa1.pem").read_bytes()
    field = oracle.sign(
        MESSAGE, b"rsa1", b"here.test", pem, canonicalize=(form, body_form)
    )
    found = records(keys.load(directory, "here.test"))
    assert results(field + MESSAGE, found, now=4e9) == ["pass"]
    changed = (field + MESSAGE).replace(b"Subject: ", b"Subject: x")
    assert results(changed, found, now=4e9) == ["fail"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"hello", b"hallo"),
        (b"bob@there", b"rob@there"),
        (b"\r\n\r\nhello", b"\r\nFrom: eve@evil.test\r\n\r\nhello"),
        (b"Received: from x\r\n", b"From: eve@evil.test\r\n"),
        (b"bh=", b"bh=AAAA"),
        (b"t=1700000000", b"t=1700000001"),
    ],
)
def test_changes_are_seen(pair: Sequence[keys.DkimKey], old: bytes, new: bytes) -> None:
    message = signed(pair)
    assert old in message
    changed = message.replace(old, new)
    assert set(results(changed, records(pair))) <= {"fail", "permerror"}


def test_what_servers_do_to_messages_is_forgiven(
    pair: Sequence[keys.DkimKey],
) -> None:
    message = b"Received: from y\r\n" + signed(pair)
    message = message.replace(b"two\r\n", b"two  \r\n").replace(b"To: bob", b"TO:  bob")
    message = message.replace(b"world \r\n", b"world\t\r\n") + b"\r\n\r\n"
    assert results(message, records(pair)) == ["pass", "pass"]


def test_nothing_to_sign_with() -> None:
    assert sign(b"From: x\r\n\r\n", [b""], [], NOW) == b""


def test_lines_stay_short(pair: Sequence[keys.DkimKey]) -> None:
    lots = b"".join(b"References: <%d@x>\r\n" % n for n in range(50))
    field = signed(pair, lots + MESSAGE)
    header = field[: field.index(b"References: ")]
    assert max(len(line) for line in header.split(b"\r\n")) <= 120
    assert results(field, records(pair)) == ["pass", "pass"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, "no key"),
        (b"junk", "not a key record"),
        (b"v=DKIM2; p=x", "not a key record"),
        (b"v=DKIM1; k=rsa; p=", "the key was revoked"),
        (b"v=DKIM1; k=ed25519; p=AAAA", "the key is of another kind"),
        (b"v=DKIM1; h=sha1; p=AAAA", "the key is for other hashes"),
        (b"v=DKIM1; s=other; p=AAAA", "the key is not for mail"),
        (b"v=DKIM1; k=rsa; p=AAAA", "the key cannot be used"),
    ],
)
def test_key_records(
    pair: Sequence[keys.DkimKey], record: bytes | None, reason: str
) -> None:
    message = signed(pair[1:])
    end = split(message)
    [one] = signatures(message[:end])
    verdict = verify(one, message[:end], [message[end:]], record, NOW)
    assert verdict == Verdict(Result.PERMERROR, reason)


def one_field(text: bytes) -> Verdict:
    header = b"DKIM-Signature: " + text + b"\r\n" + MESSAGE
    [found] = check(header, {})
    return found


GOOD = b"v=1; a=rsa-sha256; d=here.test; s=x; h=from; bh=AAAA; b=AAAA"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD, "no key"),
        (GOOD.replace(b"v=1", b"v=2"), "incomplete: v=1"),
        (GOOD.replace(b"rsa-sha256", b"rsa-sha1"), "algorithm rsa-sha1"),
        (GOOD.replace(b"h=from", b"h=to"), "From is not signed"),
        (GOOD.replace(b"b=AAAA", b"b=!"), "not base64"),
        (GOOD + b"; i=@evil.test", "i= is not within d="),
        (GOOD + b"; c=odd", "unknown canonical form"),
        (GOOD + b"; v=1", "not a list of tags"),
        (b"nothing", "not a list of tags"),
        (b"v=1", "incomplete: a, b, bh, d, h, s"),
    ],
)
def test_broken_signatures(text: bytes, reason: str) -> None:
    verdict = one_field(text)
    assert verdict.result is Result.PERMERROR
    assert verdict.reason.startswith(reason)


def test_a_part_is_not_enough() -> None:
    assert one_field(GOOD + b"; l=5").result is Result.POLICY


def test_time() -> None:
    assert one_field(GOOD + b"; x=1").result is Result.FAIL
    assert one_field(GOOD + b"; t=99999999999").result is Result.FAIL


def test_signatures_are_bounded() -> None:
    header = b"DKIM-Signature: v=1\r\n" * 100 + b"\r\n"
    assert len(signatures(header)) == SIGNATURES_MAX


@given(st.binary(max_size=200), st.binary(max_size=100))
def test_junk_never_raises(text: bytes, record: bytes) -> None:
    header = b"DKIM-Signature: " + GOOD + b";" + text + b"\r\n\r\n"
    for one in signatures(header):
        verify(one, header, [b""], record, NOW)
