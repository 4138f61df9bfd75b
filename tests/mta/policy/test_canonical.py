import hashlib

from hypothesis import given
from hypothesis import strategies as st

from pabal.mta.policy.canonical import body_digest, choose, relaxed_field


def sha(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def test_the_example_of_the_rfc() -> None:
    # RFC 6376 §3.4.5
    assert relaxed_field(b"A: X\r\n") == b"a:X\r\n"
    assert relaxed_field(b"B : Y\t\r\n\tZ  \r\n") == b"b:Y Z\r\n"
    body = b" C \r\nD \t E\r\n\r\n\r\n"
    assert body_digest([body], relaxed=True) == sha(b" C\r\nD E\r\n")
    assert body_digest([body], relaxed=False) == sha(b" C \r\nD \t E\r\n")


def test_empty_bodies() -> None:
    assert body_digest([], relaxed=True) == sha(b"")
    assert body_digest([b"\r\n\r\n"], relaxed=True) == sha(b"")
    assert body_digest([], relaxed=False) == sha(b"\r\n")
    assert body_digest([b"\r\n\r\n"], relaxed=False) == sha(b"\r\n")


def test_a_missing_last_line_end_is_added() -> None:
    assert body_digest([b"a"], relaxed=True) == sha(b"a\r\n")
    assert body_digest([b"a"], relaxed=False) == sha(b"a\r\n")


@given(
    st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"bc  d"]), max_size=30),
    st.booleans(),
)
def test_chunks_do_not_matter(parts: list[bytes], relaxed: bool) -> None:
    whole = body_digest([b"".join(parts)], relaxed=relaxed)
    assert body_digest(parts, relaxed=relaxed) == whole
    octets = b"".join(parts)
    single = [octets[at : at + 1] for at in range(len(octets))]
    assert body_digest(single, relaxed=relaxed) == whole


def test_fields_are_taken_from_the_bottom() -> None:
    fields = [b"To: 1\r\n", b"X: 2\r\n", b"to: 3\r\n"]
    assert choose(fields, [b"to", b"to", b"to", b"y"]) == [b"to: 3\r\n", b"To: 1\r\n"]
