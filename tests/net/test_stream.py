"""The socket driver, over a socket pair: no network, real kernel behaviour."""

import asyncio
import random
import socket
import ssl
from pathlib import Path

import pytest

from pabal.net import stream as module
from pabal.net.connect import connect
from pabal.net.endpoint import Endpoint
from pabal.net.ports import ConnectionLostError, IdleTimeoutError, TlsFailedError
from pabal.net.secure import RECORDS_AT_ONCE, TlsSession, TlsSetup
from pabal.net.sockets import bind
from pabal.net.stream import LINGER_SECONDS, SocketStream
from pabal.net.tls import opportunistic_client_context, server_context
from pabal.net.waiting import READ_HIGH_OCTETS
from tests.support.certificate import write_certificate
from tests.support.records import Records

Contexts = tuple[ssl.SSLContext | None, ssl.SSLContext | None]


async def pair(
    contexts: Contexts = (None, None),
) -> tuple[SocketStream, SocketStream]:
    left, right = socket.socketpair()
    loop = asyncio.get_running_loop()
    client_tls, server_tls = (
        TlsSetup(context, server_side) if context else None
        for context, server_side in zip(contexts, (False, True), strict=True)
    )
    _, client = await loop.create_connection(
        lambda: SocketStream(client_tls), sock=left
    )
    _, server = await loop.create_connection(
        lambda: SocketStream(server_tls), sock=right
    )
    return client, server


async def test_octets_go_both_ways_until_the_end() -> None:
    client, server = await pair()
    client.send(b"EHLO\r\n")
    assert await server.receive(5) == b"EHLO\r\n"
    server.send(b"250 ok\r\n")
    await server.flush()
    assert await client.receive(5) == b"250 ok\r\n"
    client.close()
    assert await server.receive(5) == b""
    server.close()
    server.close()
    server.send(b"nobody hears this")


async def test_silence_has_a_bound() -> None:
    client, server = await pair()
    with pytest.raises(IdleTimeoutError):
        await server.receive(0.01)
    client.send(b"late")
    assert await server.receive(5) == b"late"
    client.abort()
    server.abort()


async def test_a_flood_waits_in_the_kernel() -> None:
    client, server = await pair()
    flood = b"x" * (8 * READ_HIGH_OCTETS)
    client.send(flood)
    await asyncio.sleep(0.05)
    assert server._input._size <= 3 * READ_HIGH_OCTETS
    received = 0
    while received < len(flood):
        received += len(await server.receive(5))
    assert received == len(flood)
    client.abort()
    server.abort()


async def test_flush_waits_for_a_reader_and_gives_up() -> None:
    client, server = await pair()
    client.send(b"x" * 8_000_000)
    with pytest.raises(IdleTimeoutError):
        await client.flush(0.05)
    server.abort()
    with pytest.raises(ConnectionLostError):
        while True:
            client.send(b"x" * 1_000_000)
            await client.flush(5)
    client.abort()


async def test_the_last_word_reaches_a_peer_that_still_talks() -> None:
    listening = bind(Endpoint("127.0.0.1", 0), "smtp")
    made: asyncio.Future[SocketStream] = asyncio.get_running_loop().create_future()
    server = await asyncio.get_running_loop().create_server(
        lambda: SocketStream(on_made=made.set_result), sock=listening
    )
    client = await connect(Endpoint("127.0.0.1", listening.getsockname()[1]))
    client.send(b"x" * 4_000_000)
    stream = await made
    await stream.receive(5)
    stream.send(b"552 too much\r\n")
    stream.close()
    client.send(b"x" * 4_000_000)
    assert await client.receive(5) == b"552 too much\r\n"
    assert await client.receive(5) == b""
    client.close()
    assert stream._linger is not None
    async with asyncio.timeout(LINGER_SECONDS / 2):
        while not stream._linger.cancelled():  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.01)
    server.close()


async def test_starttls_encrypts_and_forgets_what_came_before(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    client, server = await pair(
        (opportunistic_client_context(), server_context(certificate, key))
    )
    client.send(b"STARTTLS\r\nINJECTED\r\n")
    await asyncio.sleep(0.01)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.start_tls())
        group.create_task(client.start_tls("mail.test"))
    assert server.tls is not None
    assert server.tls.version.startswith("TLSv1.")
    client.send(b"EHLO\r\n")
    assert await server.receive(5) == b"EHLO\r\n"
    client.close()
    assert await server.receive(5) == b""
    server.close()
    await asyncio.sleep(0.05)


async def test_a_peer_that_speaks_no_tls() -> None:
    client, server = await pair((opportunistic_client_context(), None))
    with pytest.raises(TlsFailedError):
        await server.start_tls()
    server.send(b"not a ServerHello, not even close to one\r\n")
    with pytest.raises(TlsFailedError):
        await client.start_tls("mail.test")
    server.abort()
    await asyncio.sleep(0.01)


async def test_a_client_that_writes_in_pieces_waits_for_no_acknowledgement() -> None:
    listening = bind(Endpoint("127.0.0.1", 0), "imap")
    loop = asyncio.get_running_loop()
    made: asyncio.Future[SocketStream] = loop.create_future()
    server = await loop.create_server(
        lambda: SocketStream(on_made=made.set_result), sock=listening
    )
    client = socket.create_connection(listening.getsockname())
    client.setblocking(False)
    stream = await made

    async def exchange() -> float:
        begun = loop.time()
        await loop.sock_sendall(client, b"y" * 100)  # a literal
        await loop.sock_sendall(client, b"\r\n")  # its line end: Nagle keeps it back
        received = 0
        while received < 102:
            received += len(await stream.receive(5))
        took = loop.time() - begun
        stream.send(b"OK\r\n")
        await loop.sock_recv(client, 100)
        return took

    # Left alone, the kernel acknowledges after 40 ms, once it takes us for a dialogue.
    assert min([await exchange() for _ in range(8)][3:]) < 0.02
    client.close()
    stream.abort()
    server.close()


async def test_a_peer_that_falls_silent_in_the_handshake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TLS_HANDSHAKE_SECONDS", 0.05)
    client, server = await pair((opportunistic_client_context(), None))
    with pytest.raises(TlsFailedError):
        await client.start_tls("mail.test")
    server.abort()
    await asyncio.sleep(0.01)


@pytest.fixture
def contexts(tmp_path: Path) -> Contexts:
    return opportunistic_client_context(), server_context(*write_certificate(tmp_path))


async def secured(contexts: Contexts) -> tuple[SocketStream, SocketStream]:
    client, server = await pair(contexts)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.start_tls())
        group.create_task(client.start_tls("mail.test"))
    return client, server


async def cut(*streams: SocketStream) -> None:
    """Let nothing be left of them."""
    for stream in streams:
        stream.abort()
    await asyncio.sleep(0.01)


async def take(stream: SocketStream, count: int) -> bytes:
    taken = b""
    while len(taken) < count:
        taken += await stream.receive(5)
    return taken


async def test_a_flood_of_cipher_text_waits_in_the_kernel(contexts: Contexts) -> None:
    client, server = await secured(contexts)
    flood = random.randbytes(8 * READ_HIGH_OCTETS)
    client.send(flood)
    await asyncio.sleep(0.05)
    assert server._input._size <= 3 * READ_HIGH_OCTETS
    with pytest.raises(IdleTimeoutError):
        await client.flush(0.01)
    assert await take(server, len(flood)) == flood
    await client.flush(5)
    server.send(flood)
    assert await take(client, len(flood)) == flood
    await cut(client, server)


async def test_nobody_is_needed_for_the_first_octets(contexts: Contexts) -> None:
    """A handshake that is over before the server's task has its first turn."""
    client, server = await pair(contexts)
    server.expect_tls()
    await client.start_tls("mail.test")
    client.send(b"a NOOP\r\n")
    await asyncio.sleep(0.01)
    await server.start_tls()
    assert await server.receive(5) == b"a NOOP\r\n"
    await cut(client, server)


async def test_who_has_nothing_more_to_say_may_listen(contexts: Contexts) -> None:
    client, server = await secured(contexts)
    assert client._transport
    assert client._session
    client.send(b"QUIT\r\n")
    client._transport.write(client._session.end())
    client._transport.write_eof()
    assert await server.receive(5) == b"QUIT\r\n"
    assert await server.receive(5) == b""
    await asyncio.sleep(0.01)
    server.send(b"221 bye\r\n")
    server.close()
    assert await client.receive(5) == b"221 bye\r\n"
    assert await client.receive(5) == b""
    assert client._session.ended
    assert not client._session.failure
    await cut(client, server)


async def test_before_tls_1_3_the_end_is_the_end_of_both(contexts: Contexts) -> None:
    assert contexts[0]
    contexts[0].maximum_version = ssl.TLSVersion.TLSv1_2
    client, server = await secured(contexts)
    assert client._transport
    assert client._session
    client.send(b"QUIT\r\n")
    client._transport.write(client._session.end())
    assert await server.receive(5) == b"QUIT\r\n"
    assert await server.receive(5) == b""
    assert await client.receive(5) == b""
    assert client._session.ended
    assert not client._session.failure
    await cut(client, server)


async def test_what_was_cut_off_is_over(contexts: Contexts) -> None:
    client, server = await secured(contexts)
    assert client._transport
    client.send(b"250 o")
    client._transport.write_eof()
    assert await server.receive(5) == b"250 o"
    assert await server.receive(5) == b""
    with pytest.raises(ConnectionLostError):
        while True:
            server.send(b"x")
            await server.flush(5)
            await asyncio.sleep(0)
            await server._output.wait(asyncio.get_running_loop(), 5)
    await cut(client, server)


async def test_the_last_word_through_tls(contexts: Contexts) -> None:
    client, server = await secured(contexts)
    assert client._session
    client.send(b"x" * 300_000)
    await server.receive(5)
    server.send(b"552 too much\r\n")
    server.close()
    client.send(b"x" * 300_000)
    assert await client.receive(5) == b"552 too much\r\n"
    assert await client.receive(5) == b""
    assert client._session.ended
    assert not client._session.failure
    client.close()
    await asyncio.sleep(0.05)
    assert server._linger is not None
    assert server._linger.cancelled()
    await cut(client, server)


async def test_garbage_instead_of_a_client_hello(contexts: Contexts) -> None:
    client, server = await pair((None, contexts[1]))
    client.send(b"EHLO a.test\r\nMAIL FROM:<a@b.test>\r\n")
    with pytest.raises(TlsFailedError):
        server.expect_tls()
        await server.start_tls()
    client.send(b"RCPT TO:<b@b.test>\r\n")
    alert = await client.receive(5)
    assert alert[:1] in {b"\x15", b""}
    assert b"220" not in alert
    assert await client.receive(5) == b""
    await cut(client, server)


async def test_answers_nobody_reads_stop_us_reading(contexts: Contexts) -> None:
    client, server = await pair(contexts)
    assert server._transport
    server.expect_tls()
    server.pause_writing()
    shaking = asyncio.create_task(client.start_tls("mail.test"))
    await asyncio.sleep(0.02)
    assert not server._transport.is_reading()
    server.resume_writing()
    assert server._transport.is_reading()
    await shaking
    await server.start_tls()
    await cut(client, server)


@pytest.mark.parametrize("tls", [False, True])
async def test_a_peer_that_does_not_take_the_last_word(
    contexts: Contexts, tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.01)
    monkeypatch.setattr(module, "DRAIN_SECONDS", 0.02)
    client, server = await (secured(contexts) if tls else pair())
    assert client._transport
    client._transport.pause_reading()
    server.send(b"x" * 8_000_000)
    server.close()
    with pytest.raises(ConnectionLostError):
        await server.flush(5)
    await cut(client, server)


async def test_a_name_that_cannot_be_one(contexts: Contexts) -> None:
    client, server = await pair(contexts)
    with pytest.raises(TlsFailedError):
        await client.start_tls("a..test")
    await cut(client, server)


async def test_short_records_leave_others_their_turn(
    contexts: Contexts, tmp_path: Path
) -> None:
    """Octets of a TLS client as it sends them: one a record, 60,000 of them."""
    theirs, ours = socket.socketpair()
    loop = asyncio.get_running_loop()
    assert contexts[1]
    setup = TlsSetup(contexts[1])
    _, server = await loop.create_connection(lambda: SocketStream(setup), sock=ours)
    session = TlsSession(setup)  # shakes hands where nobody waits for anybody
    client = Records.of(session, tmp_path)
    server._session = session
    count = 60_000
    sent = b"".join(client.record(b"x") for _ in range(count))
    turns, got, done = 0, 0, False

    async def others() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await asyncio.sleep(0)

    async def send() -> None:
        theirs.setblocking(False)
        await loop.sock_sendall(theirs, sent)

    async def receive() -> None:
        nonlocal got, done
        while got < count:
            got += len(await server.receive(5))
        done = True

    await asyncio.gather(others(), send(), receive())
    assert got == count
    # What is read and what waits may have a step each in one turn.
    assert turns > count // RECORDS_AT_ONCE // 2
    server.abort()
    theirs.close()


@pytest.mark.parametrize("closing", [False, True])
async def test_what_waits_to_be_decrypted_is_bounded(
    contexts: Contexts, tmp_path: Path, closing: bool
) -> None:
    theirs, ours = socket.socketpair()
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()
    assert contexts[1]
    setup = TlsSetup(contexts[1])
    _, server = await loop.create_connection(lambda: SocketStream(setup), sock=ours)
    session = TlsSession(setup)
    client = Records.of(session, tmp_path)
    server._session = session
    sent = b"".join(client.record(b"x" * 100) for _ in range(10_000))
    sending = loop.create_task(loop.sock_sendall(theirs, sent))
    await asyncio.sleep(0)
    if closing:
        server.close()
    most = 0
    for _ in range(1_000):
        await asyncio.sleep(0)
        most = max(most, len(session._rest))
    assert most <= READ_HIGH_OCTETS
    if closing:
        await sending  # who does not listen any more takes it all the same
    else:
        assert server._input.full  # nobody takes anything: the rest is the kernel's
        assert not sending.done()
        sending.cancel()
    server.abort()
    theirs.close()
