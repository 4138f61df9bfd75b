import asyncio
import os
import zlib

import pytest
from typing_extensions import override

from pabal.imap.deflate import PIECE_OCTETS, DeflateStream
from pabal.net.ports import ConnectionLostError
from tests.imap.rig import PASSWORD, USER, Client, Rig, letter
from tests.support.streams import CLIENT, SERVER, MemoryStream, stream_pair


async def no_pause() -> None:
    await asyncio.sleep(0)


def ends() -> tuple[DeflateStream, DeflateStream]:
    client, server = stream_pair()
    return DeflateStream(client, no_pause), DeflateStream(server, no_pause)


async def test_both_ways_in_pieces() -> None:
    client, server = ends()
    octets = os.urandom(3 * PIECE_OCTETS) + bytes(PIECE_OCTETS)
    client.send(b"a NOOP\r\n")
    await client.flush()
    assert await server.receive(1) == b"a NOOP\r\n"
    server.send(octets[:10])
    server.send(octets[10:])
    await server.flush()
    found = b""
    while len(found) < len(octets):
        piece = await client.receive(1)
        assert len(piece) <= PIECE_OCTETS
        found += piece
    assert found == octets
    server.close()
    assert await client.receive(1) == b""
    assert (server.peer, server.local, server.tls) == (CLIENT, SERVER, None)


async def test_a_bomb_comes_in_pieces() -> None:
    client, server = stream_pair()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    client.send(packer.compress(bytes(10_000_000)) + packer.flush())
    stream = DeflateStream(server, no_pause)
    assert len(await stream.receive(1)) == PIECE_OCTETS


async def test_what_is_not_deflated_ends_it() -> None:
    client, server = stream_pair()
    client.send(b"a NOOP\r\n" * 9)
    with pytest.raises(ConnectionLostError):
        await DeflateStream(server, no_pause).receive(1)
    with pytest.raises(ConnectionLostError):
        await DeflateStream(server, no_pause).start_tls()


async def test_close_and_abort() -> None:
    client, server = ends()
    server.send(b"* BYE\r\n")
    server.close()
    assert await client.receive(1) == b"* BYE\r\n"
    client, server = ends()
    server.send(b"lost")
    server.abort()
    assert await client.receive(1) == b""


class Deflated(MemoryStream):
    """Looks like the client's end to ``Client``, and compresses."""

    def __init__(self, inner: MemoryStream) -> None:
        self._deflate = DeflateStream(inner, no_pause)

    @override
    def send(self, data: bytes) -> None:
        self._deflate.send(data)
        self._deflate.stop()

    @override
    async def receive(self, timeout_s: float) -> bytes:
        return await self._deflate.receive(timeout_s)


async def test_a_session_goes_on_compressed_and_comes_back() -> None:
    rig = Rig()
    await rig.put([letter("one", "text\r\n" * 100_000)])
    async with rig.connection() as stream:
        client = Client(stream)
        await client.read_line()
        await client.ok(f'LOGIN {USER} "{PASSWORD}"')
        assert (await client.command("COMPRESS LZ4"))[-1].startswith(b"BAD")
        await client.ok("COMPRESS DEFLATE")
        client.stream = Deflated(stream)
        (told,) = await client.ok("CAPABILITY")
        assert b"COMPRESS" not in told
        refused = await client.command("COMPRESS DEFLATE")
        assert refused[-1].startswith(b"NO [COMPRESSIONACTIVE]")
        await client.ok("SELECT INBOX")
        (body,) = await client.ok("FETCH 1 BODY[]")
        assert len(body) > 600_000
        await client.ok("UNAUTHENTICATE")
        client.stream = stream
        assert (await client.command("SELECT INBOX"))[-1].startswith(b"BAD")
        await client.ok(f'LOGIN {USER} "{PASSWORD}"')
