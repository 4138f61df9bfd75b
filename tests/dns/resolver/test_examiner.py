"""What checking an answer asks for; how it ends is played in scenarios."""

import dataclasses

import dns.rdatatype
import pytest

from pabal.dns.ports import ResolutionError, Resolved, Security, Step
from pabal.dns.resolver import examiner
from pabal.dns.resolver.cache import Cache
from pabal.dns.resolver.examiner import Examiner
from pabal.dns.resolver.iterator import Done, Failed
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.resolver.upkeep import Question
from tests.dns.resolver.signedworld import chain_of, claims, name, zones
from tests.scenario.dns.network import FakeClock

WORLD = zones()
WWW = Done(Resolved(0, ()), claims(WORLD, "www.test.", "A"))
STEP = Step("", "", "", "", "", 0.0)


class Servers:
    """Knows the zones; every question takes ``cost`` steps."""

    def __init__(self, cost: int = 1) -> None:
        self.cost = cost
        self.asked: list[str] = []

    async def find(self, question: Question) -> tuple[Done | Failed, list[Step]]:
        assert question.unchecked
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{question.name} {kind}")
        found = claims(WORLD, str(question.name), kind)
        return Done(Resolved(0, ()), found), [STEP] * self.cost


def checker(servers: Servers) -> Examiner:
    cache, trust = Cache(ResolverSettings(), validating=True), chain_of().trust
    return Examiner(cache, trust, FakeClock(), servers.find)


async def test_each_claim_gets_its_verdict_and_zones_are_remembered() -> None:
    servers, steps = Servers(), list[Step]()
    examine = checker(servers)
    done, blamed = await examine.check(WWW, steps)
    assert [c.verdict.security for c in done.claims if c.verdict] == [Security.SECURE]
    assert not blamed
    assert servers.asked == [". DNSKEY", "test. DS", "test. DNSKEY"]
    assert len(steps) > len(servers.asked)
    await examine.check(WWW, steps)
    assert len(servers.asked) == 3
    # What has its verdict is not looked at again.
    assert await examine.check(done, steps) == (done, [])


async def test_who_lied_is_blamed() -> None:
    (claim,) = WWW.claims
    bare = dataclasses.replace(claim, evidence=())
    done, blamed = await checker(Servers()).check(Done(Resolved(0, ()), (bare,)), [])
    assert blamed == [bare]
    (verdict,) = (each.verdict for each in done.claims)
    assert verdict is not None
    assert verdict.security is Security.BOGUS
    assert name("www.test.") == bare.name


async def test_bounded() -> None:
    servers = Servers(cost=200)
    assert examiner.STEPS_MAX == 400
    with pytest.raises(ResolutionError, match="too many questions"):
        await checker(servers).check(WWW, [])
    assert len(servers.asked) == 2
