import asyncio

from pabal.net.ringer import APART_S, Ringer


async def test_a_burst_is_two_rings() -> None:
    rings: list[float] = []
    loop = asyncio.get_running_loop()
    ringer = Ringer(lambda: rings.append(loop.time()))
    for _ in range(1000):
        ringer.ring()
    assert len(rings) in {1, 2}  # the first one rings at once
    await asyncio.sleep(APART_S * 5)
    assert 2 <= len(rings) <= 3
    assert rings[1] - rings[0] >= APART_S / 2
    ringer.ring()
    assert len(rings) <= 4
    ringer.ring()
    await asyncio.sleep(APART_S * 2)
    assert rings[-1] - rings[-2] >= APART_S / 2
