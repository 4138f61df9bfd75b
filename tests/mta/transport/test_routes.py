import pytest

from pabal.base.errors import UnavailableError
from pabal.mta.settings import MtaSettings, TransportSettings
from pabal.mta.station import Station
from pabal.mta.transport.routes import REMEMBERED_MAX, REMEMBERED_S, Routes
from pabal.smtp.outcome import Outcome
from tests.mta.stage import FakeClock, Ledger, Network, Order, settings


class Rig:
    def __init__(self, configured: MtaSettings | None = None) -> None:
        self.clock, self.ledger, self.net = FakeClock(), Ledger(), Network()
        station = Station(configured or settings(), self.clock, self.ledger)
        self.way = station.new_way()
        self.routes = Routes(station, self.net, Order())

    async def hosts(self, domain: str = "far.test") -> object:
        found = await self.routes.hosts(domain, self.way)
        return found if isinstance(found, Outcome) else list(found[0])


async def test_an_answer_serves_a_burst() -> None:
    rig = Rig()
    rig.net.domain("far.test", (20, "b.test"), (10, "a.test"))
    for _ in range(5):
        assert await rig.hosts() == ["a.test", "b.test"]
        assert await rig.routes.addresses("a.test", rig.way) == ("192.0.2.2",)
    assert rig.net.asked == ["far.test", "a.test"]
    rig.clock.time += REMEMBERED_S
    await rig.hosts()
    await rig.routes.addresses("a.test", rig.way)
    assert rig.net.asked == ["far.test", "a.test"] * 2


async def test_no_answer_is_not_remembered() -> None:
    rig = Rig()
    rig.net.mx_answers["far.test"] = UnavailableError("SERVFAIL")
    rig.net.address_answers["a.test"] = UnavailableError("SERVFAIL")
    for _ in range(2):
        with pytest.raises(UnavailableError):
            await rig.hosts()
        with pytest.raises(UnavailableError):
            await rig.routes.addresses("a.test", rig.way)
    assert rig.net.asked == ["far.test", "a.test"] * 2
    assert rig.ledger.events[1].facts["detail"] == "far.test MX: SERVFAIL"
    assert await rig.routes.addresses("none.test", rig.way) == ()
    assert await rig.routes.addresses("none.test", rig.way) == ()
    assert rig.net.asked.count("none.test") == 2


async def test_why_there_are_none() -> None:
    rig = Rig()
    assert str(await rig.hosts("nowhere.test")).startswith("550 5.1.2")
    assert "550 5.1.2" in str(rig.ledger.events[-1].facts["detail"])


@pytest.mark.parametrize("host", ["[192.0.2.9]", "192.0.2.9"])
async def test_addresses_need_no_names(host: str) -> None:
    rig = Rig()
    assert await rig.routes.addresses(host, rig.way) == ("192.0.2.9",)
    assert await rig.hosts("[192.0.2.9]") == ["[192.0.2.9]"]
    assert rig.net.asked == []


async def test_a_smarthost_is_the_only_host() -> None:
    rig = Rig(settings(transport=TransportSettings(smarthost="relay.test:587")))
    assert await rig.routes.hosts("far.test", rig.way) == (("relay.test",), 587)


async def test_memory_is_bounded() -> None:
    rig = Rig()
    for n in range(REMEMBERED_MAX + 10):
        await rig.hosts(f"d{n}.test")
    assert len(rig.routes._exchangers) <= REMEMBERED_MAX
