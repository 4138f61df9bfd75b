import asyncio
import ssl
from pathlib import Path

import pytest

from pabal.admin.certificate import write_self_signed
from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.peer import EPHEMERAL, Peer, client_context, parse_peer
from pabal.net.endpoint import Endpoint
from pabal.net.tls import server_context

KEYS = KeyRing(("hmac-sha256:k.test:aGVsbG8=",), SystemClock())


def test_peers() -> None:
    assert str(parse_peer("192.0.2.1", KEYS, "x").endpoint) == "192.0.2.1:53"
    assert str(parse_peer("[2001:db8::1]:5300", KEYS, "x").endpoint) == (
        "[2001:db8::1]:5300"
    )
    assert str(parse_peer("2001:db8::1", KEYS, "x").endpoint) == "[2001:db8::1]:53"
    assert parse_peer("192.0.2.1:54 key k.test", KEYS, "x").key is not None


def test_a_secret_is_not_shown() -> None:
    peer = parse_peer("192.0.2.1 key k.test", KEYS, "x")
    for secret in ("aGVsbG8=", "hello"):
        assert secret not in repr(peer)


@pytest.mark.parametrize(
    "text", ["", "ns.test", "192.0.2.1 k.test", "192.0.2.1 key other.test", "::1:x"]
)
def test_what_is_no_peer(text: str) -> None:
    with pytest.raises(OperatorError):
        parse_peer(text, KEYS, "dns.notify")


def test_over_tls() -> None:
    peer = parse_peer("192.0.2.1 key k.test tls ns.test", KEYS, "x")
    assert (str(peer.endpoint), peer.tls_name) == ("192.0.2.1:853", "ns.test")
    assert peer.tls is not None
    assert peer.tls.verify_mode is ssl.CERT_REQUIRED
    peer = parse_peer("192.0.2.1:54 tls ephemeral", KEYS, "x")
    assert (str(peer.endpoint), peer.tls_name, peer.key) == ("192.0.2.1:54", "", None)
    assert peer.tls is not None
    assert peer.tls.verify_mode is ssl.CERT_NONE
    for text in ("192.0.2.1 tls", "192.0.2.1 tsl ns.test", "192.0.2.1 tls a tls b"):
        with pytest.raises(OperatorError):
            parse_peer(text, KEYS, "x")
    with pytest.raises(OperatorError, match="transfer_ca"):
        parse_peer("192.0.2.1 tls a", KeyRing((), SystemClock(), "/nowhere"), "x")


async def test_nothing_is_sent_to_whom_nobody_vouches_for(tmp_path: Path) -> None:
    pair = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_self_signed(*pair, ["ns.test"], SystemClock())
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.close()

    async def said(name: str, authorities: str) -> bool:
        context = client_context(name, authorities)
        shown = "" if name == EPHEMERAL else name
        peer = Peer(Endpoint("127.0.0.1", port), None, context, shown)
        async with peer.connection({}, 5) as (reader, writer):
            writer.write(b"?")
            return not await reader.read(1)

    context = server_context(*pair, protocols=("dot",))
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert await said("ns.test", str(pair[0]))
        assert await said(EPHEMERAL, "")
        assert heard == [b"?", b"?"]
        for name, authorities in (("other.test", str(pair[0])), ("ns.test", "")):
            with pytest.raises(ssl.SSLCertVerificationError):
                await said(name, authorities)
        assert heard in ([b"?"] * 2, [b"?", b"?", b""], [b"?", b"?", b"", b""])
