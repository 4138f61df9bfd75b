from pabal.dns.server.rates import ACCOUNTS_MAX, RateLimiter, Verdict, network_of
from tests.support.zones import FixedClock

HOST = "203.0.113.9"
ADDRESS = bytes((203, 0, 113, 9))


def flooded(limiter: RateLimiter) -> bool:
    return any(map(limiter.note, [ADDRESS] * 10, [64] * 10))


def test_networks() -> None:
    assert network_of(ADDRESS) == ADDRESS[:3]
    assert network_of(bytes(16)) == bytes(7)


def test_who_keeps_the_rate_is_never_suspect() -> None:
    clock = FixedClock()
    limiter = RateLimiter(100, 2, 0, clock)
    for _ in range(50):
        assert not limiter.note(ADDRESS, 100)
        clock.at += 1
    assert not limiter.has_suspects
    assert not limiter.suspects(HOST)


def test_a_flood_is_noticed_and_forgotten() -> None:
    clock = FixedClock()
    limiter = RateLimiter(100, 2, 0, clock)
    assert flooded(limiter)
    assert limiter.suspects("203.0.113.77")
    assert not limiter.suspects("203.0.114.1")
    clock.at += 11
    assert not limiter.suspects(HOST)
    assert not limiter.has_suspects


def test_equal_answers_are_held_back_with_slips() -> None:
    limiter = RateLimiter(10, 2, 0, FixedClock())
    verdicts = [limiter.judge(HOST, "same") for _ in range(20)]
    assert verdicts[:10] == [Verdict.SEND] * 10
    assert verdicts[10:] == [Verdict.DROP, Verdict.TRUNCATE] * 5
    assert limiter.judge(HOST, "other") is Verdict.SEND
    assert limiter.judge("203.0.113.10", "same") is not Verdict.SEND


def test_different_answers_have_a_limit_too() -> None:
    limiter = RateLimiter(10, 0, 0, FixedClock())
    verdicts = [limiter.judge(HOST, number) for number in range(60)]
    assert verdicts.count(Verdict.SEND) == 50
    assert verdicts[-1] is Verdict.DROP


def test_queries_of_one_client() -> None:
    limiter = RateLimiter(0, 0, 5, FixedClock())
    assert flooded(limiter)
    verdicts = [limiter.judge(HOST, number) for number in range(10)]
    assert verdicts == [Verdict.SEND] * 5 + [Verdict.DROP] * 5
    assert limiter.judge("203.0.113.10", 0) is Verdict.SEND


def test_off() -> None:
    limiter = RateLimiter(0, 2, 0, FixedClock())
    assert not flooded(limiter)
    assert limiter.judge(HOST, "x") is Verdict.SEND


def test_memory_is_bounded() -> None:
    limiter = RateLimiter(1, 0, 0, FixedClock())
    for number in range(ACCOUNTS_MAX + 10):
        limiter.note(number.to_bytes(4, "big")[1:] + b"\x01", 1000)
    assert limiter.suspects("0.0.0.1") or limiter.has_suspects
