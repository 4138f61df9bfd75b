import pytest

from pabal.net.framing import BareNewlineError
from pabal.smtp.wire.data import DataDecoder, DataEncoder, check_line_ends


def decode(*pieces: bytes) -> tuple[bytes, bytes | None]:
    decoder = DataDecoder()
    text, rest = b"", None
    for piece in pieces:
        more, rest = decoder.feed(piece)
        text += more
    return text, rest


@pytest.mark.parametrize(
    ("wire", "text", "rest"),
    [
        (b".\r\n", b"", b""),
        (b"a\r\n.\r\nQUIT", b"a\r\n", b"QUIT"),
        (b"..\r\n.\r\n", b".\r\n", b""),
        (b"...a\r\n..b\r\nc.\r\n.\r\n", b"..a\r\n.b\r\nc.\r\n", b""),
        (b".a\r\n.\r\n", b"a\r\n", b""),
        (b"\r\n\r\n.\r\n.\r\n", b"\r\n\r\n", b".\r\n"),
        (b"no end\r\n", b"no end", None),
    ],
)
def test_decoding_whatever_the_pieces(
    wire: bytes, text: bytes, rest: bytes | None
) -> None:
    assert decode(wire) == (text, rest)
    for cut in range(len(wire) - len(rest or b"")):
        assert decode(wire[:cut], wire[cut:]) == (text, rest)


@pytest.mark.parametrize("bad", [b"a\nb", b"a\rb\r\n", b"\n.\r\n", b"x\r\r\n", b"\n"])
def test_a_cr_or_lf_alone_is_an_error(bad: bytes) -> None:
    with pytest.raises(BareNewlineError):
        decode(bad + b"\r\n.\r\n")
    with pytest.raises(BareNewlineError):
        decode(*(bytes([octet]) for octet in bad + b"\r\n.\r\n"))
    with pytest.raises(BareNewlineError):
        check_line_ends(bad)


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        (b"", b".\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b".a\r\n..b\r\n", b"..a\r\n...b\r\n.\r\n"),
    ],
)
def test_encoding_whatever_the_pieces(text: bytes, wire: bytes) -> None:
    for cut in range(len(text) + 1):
        encoder = DataEncoder()
        out = encoder.encode(text[:cut]) + encoder.encode(text[cut:])
        assert out + encoder.finish() == wire
    encoder = DataEncoder()
    octets = b"".join(encoder.encode(bytes([octet])) for octet in text)
    assert octets + encoder.finish() == wire
