"""Octets of strangers through what reads them: a value or a named error, never more."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pabal.message.header import raw_fields, split
from pabal.message.spool import Spool
from pabal.mta import stamp
from pabal.mta.policy.canonical import body_digest, relaxed_field, relaxed_piece
from pabal.mta.policy.dkim import Result, signatures, verify
from pabal.mta.seven_bit import NotConvertibleError, seven_bit

NOW = 1_700_000_000.0

HEADERS = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from(
            [
                *(b"\r\n", b"\n", b" ", b"\t", b":", b";", b"=", b"<", b">"),
                *(b"Received: ", b"Delivered-To: ", b"Message-ID: ", b"From: a\r\n"),
                *(b"DKIM-Signature: v=1; ", b"a=rsa-sha256; ", b"a=ed25519-sha256; "),
                *(b"d=x.test; ", b"s=a; ", b"h=from; ", b"bh=AAAA; ", b"b=AAAA; "),
                *(b"c=relaxed/relaxed; ", b"i=@x.test; ", b"t=1; ", b"x=2; ", b"l=1; "),
            ]
        ),
    ),
    max_size=30,
).map(b"".join)

RECORDS = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [b"v=DKIM1; ", b"k=rsa; ", b"k=ed25519; ", b"p=AAAA; ", b"t=s; ", b"h=x; "]
        ),
    ),
    max_size=8,
).map(b"".join)


@given(HEADERS, RECORDS)
def test_signatures_give_a_verdict(header: bytes, record: bytes) -> None:
    for one in signatures(header):
        verdict = verify(one, header, [b"body\r\n"], record, NOW)
        assert verdict.result is not Result.PASS
        assert verdict.reason


@given(HEADERS, st.binary(max_size=200))
def test_headers_are_read(header: bytes, body: bytes) -> None:
    octets = header + b"\r\n\r\n" + body
    with Spool() as spool:
        spool.write(octets)
        found = stamp.read_header(spool, 10_000)
    assert found == octets[: split(octets)]
    assert stamp.hops_of(octets) >= 0
    assert "\n" not in stamp.message_id_of(octets)
    for address in stamp.delivered_to(octets):
        assert "\n" not in address


@given(HEADERS)
def test_canonical_forms_are_stable(header: bytes) -> None:
    for field in raw_fields(header):
        once = relaxed_field(field)
        assert relaxed_field(once) == once
    once = relaxed_piece(header)
    assert relaxed_piece(once) == once


@given(HEADERS, st.lists(st.integers(0, 400), max_size=5), st.booleans())
def test_pieces_do_not_matter(octets: bytes, cuts: list[int], relaxed: bool) -> None:
    edges = sorted({0, len(octets), *(cut for cut in cuts if cut < len(octets))})
    pieces = [octets[a:b] for a, b in itertools.pairwise(edges)]
    whole = body_digest([octets], relaxed=relaxed)
    assert body_digest(pieces, relaxed=relaxed) == whole


PARTS = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from(
            [
                *(b"\r\n", b"\r\n", b"--b\r\n", b"--b--\r\n", b"--c\r\n", b"=", b" "),
                *(b"Content-Type: multipart/mixed; boundary=b\r\n", b"\xed\x95\x9c"),
                *(b"Content-Type: multipart/x; boundary=c\r\n", b"MIME-Version: 1.0"),
                *(b"Content-Type: message/rfc822\r\n", b"Content-Type: a/b\r\n"),
                *(b"Content-Type: message/global\r\n", b"Content-Type: text/x\r\n"),
                b"Content-Transfer-Encoding: 8bit\r\n",
                b"Content-Transfer-Encoding: base64\r\n",
                b"Content-Transfer-Encoding: quoted-printable\r\n",
            ]
        ),
    ),
    max_size=40,
).map(b"".join)


@given(PARTS)
def test_conversion_leaves_octets_above_127_in_headers_only(octets: bytes) -> None:
    octets = octets.replace(b"\r\n", b"\n").replace(b"\r", b"").replace(b"\n", b"\r\n")
    try:
        found = b"".join(seven_bit(octets))
    except NotConvertibleError:
        return
    # Twice is once: what is left is not to be converted.
    assert b"".join(seven_bit(found)) == found
    assert found.count(b"\n") == found.count(b"\r\n")
    if octets[split(octets) :].isascii():
        assert found == octets
