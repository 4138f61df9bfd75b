import dns.name

from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.servers import (
    DEAD_AFTER,
    EDNS_SECONDS,
    FAMILY_SECONDS,
    LAME_SECONDS,
    LAME_ZONES_MAX,
    SILENT_SECONDS,
    TIMEOUT_FIRST_S,
    TIMEOUT_MAX_S,
    TIMEOUT_MIN_S,
    ServerMemory,
)
from tests.scenario.dns.network import FakeChance

ONE, TWO = Server("a.", "192.0.2.1"), Server("b.", "192.0.2.2")
SIX = Server("a.", "2001:db8::1")
ZONE = dns.name.from_text("example.test.")


def chosen(memory: ServerMemory, *servers: Server, now: float = 0.0) -> Server:
    return memory.choose(servers, ZONE, now, FakeChance())


def test_unknown_servers_are_equal() -> None:
    assert chosen(ServerMemory(), TWO, ONE) == ONE  # the fake chance is alphabetical


def test_the_faster_one_is_asked() -> None:
    memory = ServerMemory()
    memory.answered(ONE, 0.4)
    memory.answered(TWO, 0.02)
    assert chosen(memory, ONE, TWO) == TWO


def test_silent_ones_wait_behind_for_a_while() -> None:
    memory = ServerMemory()
    memory.silent(ONE, 0.0)
    assert chosen(memory, ONE, TWO) == TWO
    assert chosen(memory, ONE) == ONE
    assert chosen(memory, ONE, TWO, now=SILENT_SECONDS) == ONE
    memory.silent(ONE, 0.0)
    memory.answered(ONE, 0.01)
    assert chosen(memory, ONE, TWO) == ONE


def test_lame_for_one_zone_only() -> None:
    memory = ServerMemory()
    memory.lame(ONE, ZONE, 0.0)
    assert chosen(memory, ONE, TWO) == TWO
    assert memory.choose([ONE, TWO], dns.name.root, 0.0, FakeChance()) == ONE
    assert chosen(memory, ONE, TWO, now=LAME_SECONDS) == ONE


def test_unreachable_family() -> None:
    memory = ServerMemory()
    other = Server("z.", "2001:db8::2")
    memory.unreachable(SIX, 0.0)
    assert chosen(memory, other, TWO) == TWO
    assert (
        chosen(memory, other, Server("zz.", "192.0.2.3"), now=FAMILY_SECONDS) == other
    )


def test_timeouts_follow_the_round_trip() -> None:
    memory = ServerMemory()
    assert memory.timeout_s(ONE, 0) == TIMEOUT_FIRST_S
    assert memory.timeout_s(ONE, 1) == 2 * TIMEOUT_FIRST_S
    for _ in range(50):
        memory.answered(ONE, 0.01)
    assert memory.timeout_s(ONE, 0) == TIMEOUT_MIN_S
    memory.answered(ONE, 2.0)
    assert TIMEOUT_MIN_S < memory.timeout_s(ONE, 0) <= TIMEOUT_MAX_S
    assert memory.timeout_s(ONE, 9) == TIMEOUT_MAX_S


def test_edns() -> None:
    memory = ServerMemory()
    assert memory.speaks_edns(ONE, 0.0)
    memory.without_edns(ONE, 0.0)
    assert not memory.speaks_edns(ONE, 0.0)
    assert memory.speaks_edns(TWO, 0.0)
    assert memory.speaks_edns(ONE, EDNS_SECONDS)


def test_bounded() -> None:
    memory = ServerMemory(servers_max=10)
    for number in range(100):
        memory.answered(Server("", f"192.0.2.{number}"), 0.1)
    assert len(memory) == 10
    for number in range(100):
        memory.lame(ONE, dns.name.from_text(f"z{number}.test."), 0.0)
    assert len(memory._record(ONE).lame) == LAME_ZONES_MAX


def test_dead_after_several_silences_until_it_answers() -> None:
    memory = ServerMemory()
    for now in range(DEAD_AFTER):
        assert not memory.is_dead(ONE, now)
        for _ in range(100):  # all that were under way at that moment
            memory.silent(ONE, now)
    assert memory.is_dead(ONE, now + SILENT_SECONDS - 1)
    assert not memory.is_dead(ONE, now + SILENT_SECONDS)
    assert not memory.is_dead(TWO, 0.0)
    memory.answered(ONE, 0.1)
    assert not memory.is_dead(ONE, 0.0)


def test_a_server_that_becomes_slow_is_left_for_a_faster_one() -> None:
    memory = ServerMemory()
    memory.answered(ONE, 0.01)
    memory.answered(TWO, 0.15)
    assert chosen(memory, ONE, TWO) == ONE
    for _ in range(30):
        memory.answered(ONE, 0.6)
    assert chosen(memory, ONE, TWO) == TWO
