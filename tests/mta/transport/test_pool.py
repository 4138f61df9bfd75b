import asyncio

from pabal.mta.settings import TransportSettings
from pabal.mta.transport.pool import Lease, SessionPool
from pabal.net.endpoint import Endpoint
from pabal.smtp.outcome import Outcome, temporary
from tests.mta.stage import FakeClock, Host, Network


class Rig:
    def __init__(self, settings: TransportSettings | None = None) -> None:
        self.net = Network()
        self.host: Host = self.net.host("mx.test")
        self.endpoint = Endpoint("192.0.2.1", 25)
        self.clock = FakeClock()
        self.pool = SessionPool(self.net, settings or TransportSettings(), self.clock)

    async def take(self) -> Lease:
        lease = await self.pool.take("mx.test", self.endpoint)
        assert not isinstance(lease, Outcome)
        return lease


async def test_a_session_is_used_again() -> None:
    rig = Rig()
    lease = await rig.take()
    await rig.pool.give_back(lease, usable=True)
    assert await rig.take() is lease
    assert lease.messages == 1
    other = await rig.take()
    assert other is not lease
    await rig.pool.close()
    assert rig.host.closed == 0  # both are in use


async def test_an_unusable_one_is_closed() -> None:
    rig = Rig()
    await rig.pool.give_back(await rig.take(), usable=False)
    await rig.pool.close()
    assert (rig.host.opened, rig.host.closed) == (1, 1)


async def test_messages_are_counted() -> None:
    rig = Rig(TransportSettings(messages_a_connection_max=2))
    for _ in range(4):
        await rig.pool.give_back(await rig.take(), usable=True)
    assert rig.host.opened == 2
    await rig.pool.close()


async def test_old_ones_are_not_used() -> None:
    rig = Rig()
    await rig.pool.give_back(await rig.take(), usable=True)
    rig.clock.time += 6
    await rig.take()
    assert rig.host.opened == 2
    await rig.pool.close()
    assert rig.host.closed == 1


async def test_idle_ones_are_closed_in_time() -> None:
    rig = Rig(TransportSettings(idle_max_s=0.01))
    await rig.pool.give_back(await rig.take(), usable=True)
    await asyncio.sleep(0.05)
    assert rig.host.closed == 1
    await rig.pool.close()


async def test_idle_ones_are_bounded() -> None:
    rig = Rig(TransportSettings(connections_idle_max=2))
    leases = [await rig.take() for _ in range(5)]
    for lease in leases:
        await rig.pool.give_back(lease, usable=True)
    await rig.pool._closing.wait(1)
    assert rig.host.closed == 3
    await rig.pool.close()
    assert rig.host.closed == 5


async def test_a_refusal_is_handed_on() -> None:
    rig = Rig()
    rig.host.greeting = temporary(21, "3.2", "busy")
    refused = await rig.pool.take("mx.test", rig.endpoint)
    assert refused == rig.host.greeting
    await rig.pool.close()
