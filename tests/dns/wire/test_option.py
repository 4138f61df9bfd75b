import dns.edns
import dns.message

from pabal.dns.wire.option import (
    COOKIE,
    error_option,
    keepalive,
    option,
    padding,
    read_options,
    with_options,
)


def test_options_there_and_back() -> None:
    octets = option(COOKIE, b"12345678") + option(9, b"") + option(COOKIE, b"second")
    assert read_options(octets) == {COOKIE: b"12345678", 9: b""}


def test_dnspython_reads_them() -> None:
    query = dns.message.make_query("a.test", "A", use_edns=0)
    options = error_option(6, "파발" * 60)
    message = dns.message.from_wire(with_options(query.to_wire(), options))
    error = message.options[0]
    assert isinstance(error, dns.edns.EDEOption)
    assert error.code == 6
    assert error.text == "파발" * 20
    assert with_options(b"x", b"") == b"x"


def test_how_long_a_connection_may_be_silent() -> None:
    """In tenths of a second, as many as there is room for (RFC 7828 §3.1)."""
    assert keepalive(1.5) == b"\0\x0b\0\2\0\x0f"
    assert keepalive(0) == b"\0\x0b\0\2\0\0"
    assert keepalive(1e6)[-2:] == b"\xff\xff"


def test_padded_messages_have_one_size() -> None:
    for size in (12, 463, 464, 465, 468):
        assert (size + len(padding(size))) % 468 == 0
