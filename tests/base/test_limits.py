from pabal.base.limits import Concurrency, RateLimit


def test_a_burst_then_a_rate() -> None:
    limit = RateLimit(per_second=1.0, burst=2.0)
    assert [limit.allow("a", 0.0) for _ in range(3)] == [True, True, False]
    assert limit.allow("b", 0.0)
    assert limit.allow("a", 1.0)
    assert not limit.allow("a", 1.0)


def test_memory_is_bounded() -> None:
    limit = RateLimit(per_second=1.0, burst=1.0, keys_max=2)
    for key in "abc":
        limit.allow(key, 0.0)
    assert limit.allow("a", 0.0), "forgotten keys start full"


def test_a_clock_that_jumps_back_gives_nothing() -> None:
    limit = RateLimit(per_second=1.0, burst=1.0)
    assert limit.allow("a", 100.0)
    assert not limit.allow("a", 50.0)


def test_concurrency_a_key_and_in_all() -> None:
    count = Concurrency(per_key=2, total=3)
    assert [count.enter("a") for _ in range(3)] == [True, True, False]
    assert [count.enter("b") for _ in range(2)] == [True, False]
    count.leave("a")
    assert count.enter("b")
    count.leave("nobody")
    assert not count.enter("c")


def test_who_is_trusted_has_the_total_only() -> None:
    count = Concurrency(per_key=1, total=3)
    assert [count.enter("a", trusted=True) for _ in range(4)] == [True] * 3 + [False]
    for _ in range(3):
        count.leave("a")
    assert [count.enter("a") for _ in range(2)] == [True, False]
