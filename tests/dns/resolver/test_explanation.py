import dns.name
import dns.rdatatype

from pabal.dns.ports import ResolutionError, Resolved, Step, Steps
from pabal.dns.resolver.cache import Cache, Trust
from pabal.dns.resolver.explanation import KEPT_MAX, explain, kept
from pabal.dns.resolver.settings import ResolverSettings
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


def test_what_is_kept_is_told_from_the_root_down() -> None:
    cache = Cache(ResolverSettings())
    for text in (
        "b.test. 60 A 192.0.2.1",
        "test. 300 NS ns.test.",
        "old.test. 1 A 192.0.2.2",
    ):
        cache.put(record(text), Trust.GLUE, 0.0)
    told = kept(cache, 30.0)
    assert [(each.name, each.ttl_s, each.trust) for each in told] == [
        ("test.", 270, "glue"),
        ("b.test.", 30, "glue"),
    ]
    assert told[0].what == "ns.test."
    many = Cache(ResolverSettings())
    for number in range(KEPT_MAX + 5):
        many.put(record(f"h{number}.test. 60 A 192.0.2.1"), Trust.GLUE, 0.0)
    assert len(kept(many, 0.0)) == KEPT_MAX
