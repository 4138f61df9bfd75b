import dns.name
import dns.rdatatype

from pabal.dns.ports import ResolutionError, Resolved, Step, Steps
from pabal.dns.resolver.explanation import explain
from tests.scenario.dns.network import FakeClock
from tests.scenario.dns.player import record

WWW = dns.name.from_text("www.example.test.")
STEP = Step("www.example.test.", "A", "cache", "", "answer", 0.0)


class Slow:
    """A resolver that takes a quarter of a second, and then knows or does not."""

    def __init__(self, clock: FakeClock, *, knows: bool) -> None:
        self._clock = clock
        self._knows = knows

    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        self._clock.pass_(0.25)
        if steps is not None:
            steps.taken.append(STEP)
        if not self._knows:
            raise ResolutionError("nobody answers")
        return Resolved(0, (record("www.example.test. 60 A 192.0.2.80"),))


async def test_success() -> None:
    clock = FakeClock()
    told = await explain(Slow(clock, knows=True), WWW, dns.rdatatype.A, clock)
    assert told.rcode == "NOERROR"
    assert told.answer == ("www.example.test. 60 IN A 192.0.2.80",)
    assert told.steps == (STEP,)
    assert told.elapsed_ms == 250.0
    assert not told.trouble


async def test_failure() -> None:
    clock = FakeClock()
    told = await explain(Slow(clock, knows=False), WWW, dns.rdatatype.A, clock)
    assert (told.rcode, told.trouble) == ("SERVFAIL", "nobody answers")
    assert told.steps == (STEP,)
