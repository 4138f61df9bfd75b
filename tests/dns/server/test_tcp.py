import asyncio

import dns.edns
import dns.message

from pabal.dns.server.tcp import TcpService
from pabal.dns.settings import TcpSettings
from tests.dns.server.parts import Bench, bench, positive
from tests.support.streams import MemoryStream, stream_pair
from tests.support.zones import question, recursive

USUAL = TcpSettings()
KEEPALIVE = dns.edns.OptionType.make(11)


def framed(*messages: bytes) -> bytes:
    return b"".join(len(m).to_bytes(2, "big") + m for m in messages)


async def answers(client: MemoryStream, count: int) -> list[dns.message.Message]:
    data = b""
    messages: list[dns.message.Message] = []
    while len(messages) < count:
        data += await client.receive(5)
        while len(data) >= 2 and len(data) >= (end := 2 + int.from_bytes(data[:2])):
            messages.append(dns.message.from_wire(data[2:end]))
            data = data[end:]
    return messages


def start(
    parts: Bench, settings: TcpSettings = USUAL, others: int = 0
) -> tuple[MemoryStream, asyncio.Task[None]]:
    client, server = stream_pair()
    service = TcpService(parts.answering, settings, parts.clock)
    service._open = others
    task = asyncio.get_running_loop().create_task(service.serve(server))
    return client, task


async def test_pieces_do_not_matter() -> None:
    client, task = start(bench())
    data = framed(question("www.example.com"), question("big.example.com"))
    for position in range(len(data)):
        client.send(data[position : position + 1])
        await asyncio.sleep(0)
    first, second = await answers(client, 2)
    assert len(first.answer[0]) == 2
    assert len(second.answer[0]) == 60
    client.close()
    await task


async def test_recursive_answers_come_when_they_are_ready() -> None:
    parts = bench(recursion=("any",))
    parts.resolver.gate = asyncio.Event()
    parts.resolver.answers["a.test. A"] = positive("a.test.", "192.0.2.9")
    client, task = start(parts)
    client.send(framed(recursive("a.test"), question("www.example.com")))
    (early,) = await answers(client, 1)
    assert early.question[0].name.to_text() == "www.example.com."
    parts.resolver.gate.set()
    (late,) = await answers(client, 1)
    assert late.question[0].name.to_text() == "a.test."
    client.close()
    await task


async def test_silence_ends_it() -> None:
    client, task = start(bench())
    await asyncio.sleep(0)
    client.other.expire()
    await task


async def test_a_trickle_ends_it() -> None:
    parts = bench()
    client, task = start(parts)
    client.send(b"\x00")
    await asyncio.sleep(0)
    parts.clock.at += 16
    client.send(b"\x20")
    await task


async def test_what_is_no_query_ends_it() -> None:
    client, task = start(bench())
    client.send(framed(b"junk"))
    await task


def keeping(name: str = "www.example.com") -> bytes:
    """Return a query whose client says that it keeps the connection (RFC 7828)."""
    query = dns.message.make_query(name, "A", use_edns=0)
    query.use_edns(options=[dns.edns.GenericOption(KEEPALIVE, b"")])
    return query.to_wire()


def told(answer: dns.message.Message) -> list[bytes]:
    """Return what is said of keeping the connection."""
    return [option.to_wire() or b"" for option in answer.options if option.otype == 11]


async def waits(
    query: bytes, settings: TcpSettings = USUAL, others: int = 0
) -> tuple[float, list[bytes]]:
    """Return how long silence may last after ``query``, and what the client is told."""
    parts = bench()
    client, task = start(parts, settings, others)
    client.send(framed(query))
    (answer,) = await answers(client, 1)
    while len(client.other.timeouts) < 2:  # noqa: ASYNC110  no event tells
        await asyncio.sleep(0)
    waited_s = client.other.timeouts[-1]
    client.close()
    await task
    return waited_s, told(answer)


async def test_clients_that_ask_again_may_be_silent_longer() -> None:
    settings = TcpSettings(idle_s=15, keepalive_s=40)
    assert await waits(question("www.example.com"), settings) == (15, [])
    assert await waits(keeping(), settings) == (40, [b"\x01\x90"]), "tenths of seconds"
    never = TcpSettings(idle_s=15, keepalive_s=0)
    assert await waits(keeping(), never) == (15, [])
    long = TcpSettings(keepalive_s=10_000)
    assert await waits(keeping(), long) == (10_000, [b"\xff\xff"])


async def test_silence_is_short_where_there_are_many() -> None:
    settings = TcpSettings(connections_max=10)
    assert (await waits(question("www.example.com"), settings, others=3))[0] == 15
    assert (await waits(question("www.example.com"), settings, others=4))[0] == 2
    assert await waits(keeping(), settings, others=4) == (2, [b"\0\x14"])


async def test_resolved_answers_say_it_too() -> None:
    parts = bench(recursion=("any",))
    parts.resolver.answers["a.test. A"] = positive("a.test.", "192.0.2.9")
    client, task = start(parts)
    asking = bytearray(keeping("a.test"))
    asking[2] |= 1
    client.send(framed(bytes(asking)))
    (answer,) = await answers(client, 1)
    assert told(answer) == [b"\x01\x2c"]
    client.close()
    await task


def test_nothing_is_said_without_a_connection() -> None:
    """RFC 7828 §3.3.2: over UDP the option is ignored; DoH says it in HTTP."""
    for udp in (True, False):
        octets = bench().answering.now(keeping(), "192.0.2.1", udp=udp)
        assert isinstance(octets, bytes)
        assert not told(dns.message.from_wire(octets))
