"""Zones that are away: told at once, found out by one, bounded."""

import dns.name

from pabal.dns.resolver.away import AWAY_MAX, AWAY_SECONDS, PROBE_SECONDS, AwayZones

ZONE = dns.name.from_text("example.test.")


def test_it_is_told_at_once() -> None:
    away = AwayZones()
    assert away.reason(ZONE, 0.0) is None
    away.put(ZONE, "nobody", 0.0)
    assert away.reason(ZONE, AWAY_SECONDS - 1) == "nobody"
    assert away.reason(dns.name.root, 0.0) is None


def test_one_finds_out() -> None:
    away = AwayZones()
    away.put(ZONE, "nobody", 0.0)
    assert away.reason(ZONE, AWAY_SECONDS) is None
    assert away.reason(ZONE, AWAY_SECONDS) == "nobody"
    # It got lost: the next one finds out.
    assert away.reason(ZONE, AWAY_SECONDS + PROBE_SECONDS) is None
    away.back(ZONE)
    assert [away.reason(ZONE, AWAY_SECONDS) for _ in range(2)] == [None, None]


def test_the_oldest_is_forgotten_first() -> None:
    away = AwayZones()
    for number in range(AWAY_MAX + 1):
        away.put(dns.name.from_text(f"{number}.test."), "nobody", 0.0)
    assert len(away) == AWAY_MAX
    assert away.reason(dns.name.from_text("0.test."), 0.0) is None
    away.flush()
    assert not len(away)
