import asyncio

import pytest

from pabal.net.ports import ConnectionLostError, IdleTimeoutError
from pabal.net.waiting import CHUNK_COST_OCTETS, READ_HIGH_OCTETS, Gate, Input


def has(here: Input) -> bool:
    return here.ready


def stopped(here: Input) -> bool:
    return here.full


def is_open(gate: Gate) -> bool:
    return gate.is_open


async def test_what_came_is_taken_at_once() -> None:
    here = Input()
    assert not has(here)
    assert not here.add(b"a ")
    assert not here.add(b"NOOP\r\n")
    assert has(here)
    assert here.take() == (b"a NOOP\r\n", False)
    assert not has(here)
    here.add(b"last")
    here.end()
    assert here.take() == (b"last", False)
    assert has(here)
    assert here.ended
    assert here.take() == (b"", False)


async def test_reading_stops_once() -> None:
    here = Input()
    assert here.add(bytes(READ_HIGH_OCTETS))
    assert stopped(here)
    assert not here.add(b"more")
    assert here.take() == (bytes(READ_HIGH_OCTETS) + b"more", True)
    assert not stopped(here)
    assert here.add(bytes(READ_HIGH_OCTETS))
    assert here.forget()
    assert not stopped(here)
    assert not here.forget()


async def test_octets_that_come_one_by_one_are_stopped_earlier() -> None:
    here = Input()
    most = READ_HIGH_OCTETS // (CHUNK_COST_OCTETS + 1)
    assert not any(here.add(b"x") for _ in range(most))
    assert here.add(b"x")


async def test_a_wait_ends() -> None:
    loop = asyncio.get_running_loop()
    here = Input()
    loop.call_soon(here.add, b"x")
    await here.wait(loop, 5)
    loop.call_soon(here.wake)
    await here.wait(loop, 5)
    with pytest.raises(IdleTimeoutError):
        await here.wait(loop, 0.001)
    loop.call_soon(here.end)
    await here.wait(loop, 5)


async def test_a_gate() -> None:
    loop = asyncio.get_running_loop()
    gate = Gate()
    assert is_open(gate)
    await gate.wait(loop, 5)
    gate.shut()
    assert not is_open(gate)
    with pytest.raises(IdleTimeoutError):
        await gate.wait(loop, 0.001)
    loop.call_soon(gate.open)
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(gate.wait(loop, 5))
    gate.shut()
    loop.call_soon(gate.fail)
    with pytest.raises(ConnectionLostError):
        await gate.wait(loop, 5)
    gate.open()
    assert not is_open(gate)
