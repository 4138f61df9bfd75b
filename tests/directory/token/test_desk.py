import asyncio

import pytest

from pabal.base.errors import UnavailableError
from pabal.directory.sasl.oauth import Hints
from pabal.directory.token import desk
from pabal.directory.token.claims import Bearer, TokenError
from pabal.directory.token.desk import REMEMBERED_S, TokenDesk
from tests.directory.clock import FakeClock


class Check:
    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, token: str, /) -> Bearer:
        self.asked.append(token)
        await self.gate.wait()
        if token.startswith("bad"):
            raise TokenError("bad")
        return Bearer("a@example.com", self.clock.now() + 600)


def site() -> tuple[TokenDesk, Check]:
    clock = FakeClock()
    check = Check(clock)
    return TokenDesk(check, Hints(), clock), check


async def test_good_tokens_are_remembered_a_while() -> None:
    one, check = site()
    assert not one.is_known("t")
    for _ in range(3):
        assert (await one.check("t")).user == "a@example.com"
    assert one.is_known("t")
    check.clock.time += REMEMBERED_S
    assert not one.is_known("t")
    await one.check("t")
    assert check.asked == ["t", "t"]


async def test_bad_tokens_are_not() -> None:
    one, check = site()
    for _ in range(2):
        with pytest.raises(TokenError):
            await one.check("bad")
    assert len(check.asked) == 2
    assert not one.is_known("bad")


async def test_ten_at_once_ask_once() -> None:
    one, check = site()
    check.gate.clear()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.check("t")) for _ in range(10)]
        await asyncio.sleep(0)
        assert one.is_known("t")
        check.gate.set()
    assert {task.result().user for task in tasks} == {"a@example.com"}
    assert check.asked == ["t"]


async def test_who_waits_for_another_s_bad_token() -> None:
    one, check = site()
    check.gate.clear()
    both = asyncio.gather(one.check("bad"), one.check("bad"), return_exceptions=True)
    await asyncio.sleep(0)
    check.gate.set()
    assert [type(found) for found in await both] == [TokenError, TokenError]


async def test_whoever_asked_has_left() -> None:
    one, check = site()
    check.gate.clear()
    first = asyncio.get_running_loop().create_task(one.check("t"))
    await asyncio.sleep(0)
    second = asyncio.get_running_loop().create_task(one.check("t"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(UnavailableError):
        await second
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = site()
    monkeypatch.setattr(desk, "REMEMBERED_MAX", 2)
    for token in "abc":
        await one.check(token)
    assert [one.is_known(token) for token in "abc"] == [False, True, True]
    monkeypatch.setattr(desk, "CHECKS_MAX", 0)
    with pytest.raises(UnavailableError, match="too many"):
        await one.check("d")
    assert (await one.check("c")).user
