import math

import dns.name

from pabal.dns.ports import Security
from pabal.dns.resolver import standing
from pabal.dns.resolver.standing import Standing, TrustPoints
from tests.dns.resolver.signedworld import name

ROOT = name(".")
GOOD = Standing(ROOT, Security.SECURE, 100.0)
BAD = Standing(ROOT, Security.BOGUS, 100.0)


def test_standings_end() -> None:
    points = TrustPoints({})
    points.put(ROOT, GOOD)
    assert points.get(ROOT, 99.0) is GOOD
    assert points.get(name("test."), 99.0) is None
    assert points.get(ROOT, 100.0) is None
    assert len(points) == 0


def test_the_least_recently_used_goes_first() -> None:
    points = TrustPoints({})
    for number in range(standing.STANDINGS_MAX):
        points.put(name(f"n{number}."), GOOD)
    points.get(name("n0."), 1.0)
    points.put(ROOT, GOOD)
    assert len(points) == standing.STANDINGS_MAX
    assert points.get(name("n0."), 1.0) is GOOD
    assert points.get(name("n1."), 1.0) is None


def test_only_what_is_bogus_is_taken_back() -> None:
    points = TrustPoints({})
    points.put(ROOT, GOOD)
    points.put(name("test."), BAD)
    points.put(name("other."), BAD)
    points.retract(name("www.test."))
    assert points.get(ROOT, 1.0) is GOOD
    assert points.get(name("test."), 1.0) is None
    assert points.get(name("other."), 1.0) is BAD
    points.flush()
    assert len(points) == 0


def test_distrust_ends() -> None:
    zone, other = dns.name.from_text("a.test"), dns.name.from_text("b.test")
    trust = TrustPoints({}, {zone: 100.0, other: math.inf})
    assert trust.distrusted_s(zone, 40.0) == 60
    assert trust.distrusted_s(zone, 100.0) == 0
    assert trust.distrusted_s(other, 1e12) == math.inf
    assert trust.distrusted_s(dns.name.root, 0.0) == 0
