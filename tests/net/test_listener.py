import asyncio
from pathlib import Path

from pabal.net.connect import connect
from pabal.net.endpoint import Endpoint
from pabal.net.listener import Listener, ListenerSettings
from pabal.net.ports import Stream
from pabal.net.sockets import bind
from pabal.net.tls import opportunistic_client_context, server_context
from tests.support.certificate import write_certificate


async def echo(stream: Stream) -> None:
    stream.send(b"hello\r\n")
    while data := await stream.receive(5):
        if data == b"bug":
            raise ValueError("a bug of ours")
        stream.send(data)


async def started(settings: ListenerSettings) -> tuple[Listener, Endpoint]:
    listening = bind(Endpoint("127.0.0.1", 0), "smtp")
    port = listening.getsockname()[1]
    listener = Listener(echo, settings)
    await listener.start(listening)
    return listener, Endpoint("127.0.0.1", port)


async def test_serves_and_stops() -> None:
    listener, endpoint = await started(ListenerSettings())
    stream = await connect(endpoint)
    assert await stream.receive(5) == b"hello\r\n"
    stream.send(b"x")
    assert await stream.receive(5) == b"x"
    await listener.stop(0.01)
    assert await stream.receive(5) == b""
    stream.close()


async def test_one_client_cannot_have_every_connection() -> None:
    listener, endpoint = await started(
        ListenerSettings(connections_a_client_max=1, busy=b"421 busy\r\n")
    )
    first = await connect(endpoint)
    assert await first.receive(5) == b"hello\r\n"
    second = await connect(endpoint)
    assert await second.receive(5) == b"421 busy\r\n"
    assert await second.receive(5) == b""
    first.close()
    await asyncio.sleep(0.05)
    third = await connect(endpoint)
    assert await third.receive(5) == b"hello\r\n"
    third.close()
    second.close()
    await listener.stop(1)


async def test_a_bug_costs_one_connection_and_tells_the_peer_nothing() -> None:
    listener, endpoint = await started(ListenerSettings())
    stream = await connect(endpoint)
    assert await stream.receive(5) == b"hello\r\n"
    stream.send(b"bug")
    assert await stream.receive(5) == b""
    stream.close()
    again = await connect(endpoint)
    assert await again.receive(5) == b"hello\r\n"
    again.close()
    await listener.stop(1)


async def test_who_never_shakes_hands_counts_too(tmp_path: Path) -> None:
    context = server_context(*write_certificate(tmp_path))
    listening = bind(Endpoint("127.0.0.1", 0), "imaps")
    endpoint = Endpoint("127.0.0.1", listening.getsockname()[1])
    settings = ListenerSettings(connections_a_client_max=1)
    listener = Listener(echo, settings, context, implicit_tls=True)
    await listener.start(listening)
    silent = await connect(endpoint)
    refused = await connect(endpoint)
    assert await refused.receive(5) == b""
    silent.send(b"this is no ClientHello\r\n")
    while await silent.receive(5):
        continue  # the alert, then the end
    silent.close()
    refused.close()
    await asyncio.sleep(0.05)
    client = opportunistic_client_context()
    served = await connect(endpoint, tls_context=client)
    await served.start_tls("mail.test")
    assert await served.receive(5) == b"hello\r\n"
    served.close()
    await listener.stop(1)
