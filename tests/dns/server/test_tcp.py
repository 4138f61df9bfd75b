import asyncio

import dns.message

from pabal.dns.server.tcp import TcpService
from tests.dns.server.parts import Bench, bench, positive
from tests.support.streams import MemoryStream, stream_pair
from tests.support.zones import question, recursive


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


def start(parts: Bench) -> tuple[MemoryStream, asyncio.Task[None]]:
    client, server = stream_pair()
    service = TcpService(parts.answering, 15.0, parts.clock)
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
