from dataclasses import replace

from typing_extensions import override

from pabal.mta.queue.item import Claim
from pabal.mta.queue.schedule import DESTINATIONS_MAX, Assignment, Schedule
from pabal.mta.settings import ScheduleSettings
from tests.mta.stage import Order

SETTINGS = ScheduleSettings(
    destination_first=2, destination_max=5, deliveries_max=10, waiting_max=8
)


def schedule(**changes: float) -> Schedule:
    return Schedule(replace(SETTINGS, **changes), Order())  # type: ignore[arg-type] # tests name their fields


def claims(destination: str, count: int) -> list[Claim]:
    return [Claim(f"{destination}-{n}", 0, destination) for n in range(count)]


def where(assignments: list[Assignment]) -> list[str]:
    return [one.destination for one in assignments]


def test_destinations_take_turns() -> None:
    s = schedule()
    s.add(claims("a", 5) + claims("b", 5))
    assert where(s.start(0)) == ["a", "b", "a", "b"]
    assert s.start(0) == []


def test_one_destination_does_not_hold_up_others() -> None:
    s = schedule()
    s.add(claims("slow", 8))
    assert where(s.start(0)) == ["slow", "slow"]
    s.add(claims("b", 1))
    assert where(s.start(0)) == ["b"]
    assert s.full() == frozenset()
    s.add(Claim(f"more-{n}", 0, "slow") for n in range(2))
    assert s.full() == {"slow"}


def test_concurrency_grows_with_success() -> None:
    s = schedule(deliveries_max=100)
    s.add(claims("a", 60))
    most = 0
    running = s.start(0)
    while running:
        most = max(most, len(running))
        for one in running:
            s.finished(one, 0, reached=True)
        running = s.start(0)
    assert most == 5
    assert not s.busy


def test_concurrency_doubles_until_something_fails() -> None:
    s = schedule(destination_max=32, deliveries_max=100)

    def round_of(reached: int) -> int:
        running = s.start(0)
        for number, one in enumerate(running):
            s.finished(one, 0, reached=number < reached, reason="down")
        return len(running)

    s.add(claims("a", 200))
    assert [round_of(100) for _ in range(4)] == [2, 4, 8, 16]
    assert round_of(31) == 32  # one fails: half as many
    sizes = [round_of(100) for _ in range(3)]
    assert sizes == [16, 17, 18]


def test_concurrency_shrinks_with_failure() -> None:
    s = schedule(destination_first=4)
    s.add(claims("a", 20))
    [first, *_] = s.start(0)
    s.finished(first, 0, reached=False, reason="down")
    assert s.start(0) == []  # 3 are still out, 2 are allowed


def test_the_total_is_bounded() -> None:
    s = schedule(deliveries_max=3)
    for n in range(10):
        s.add(claims(f"d{n}", 1))
    assert len(s.start(0)) == 3


def test_a_dead_destination_is_left_alone_then_scouted() -> None:
    s = schedule(dead_s=100, failures_dead=3)
    s.add(claims("a", 30))
    failed = 0
    while failed < 3:
        for one in s.start(0):
            assert one.dead == ""
            s.finished(one, 0, reached=False, reason="refused")
            failed += 1
    skipped = s.start(50)
    assert len(skipped) == 10  # as many as there may be at all
    assert {one.dead for one in skipped} == {"refused"}
    for one in skipped:
        s.finished(one, 50, reached=False)
    [scout] = s.start(101)
    assert scout.dead == ""
    s.finished(scout, 101, reached=True)
    assert all(not one.dead for one in s.start(101))


def test_recipients_of_a_message_go_together() -> None:
    s = schedule(recipients_max=3)
    s.add(Claim("m", n, "a") for n in range(5))
    first, second = s.start(0)
    assert [c.number for c in first.claims] == [0, 1, 2]
    assert [c.number for c in second.claims] == [3, 4]


def test_an_operator_may_try_what_is_thought_dead() -> None:
    s = schedule(failures_dead=1, dead_s=100)
    s.add([Claim("m", 0, "a")])
    (first,) = s.start(0)
    s.finished(first, 0, reached=False, reason="refused")
    s.add([Claim("m", 0, "a")])
    (spared,) = s.start(1)
    assert spared.dead == "refused"
    s.finished(spared, 1, reached=False)
    s.add([Claim("m", 0, "a", asked=True)])
    (tried,) = s.start(2)
    assert tried.dead == ""


def test_back_off_doubles_to_a_limit() -> None:
    s = schedule(retry_first_s=300, retry_max_s=4000)
    waits = [s.next_attempt_at(n, 1000) - 1000 for n in range(1, 7)]
    assert waits == [300, 600, 1200, 2400, 4000, 4000]
    assert s.next_attempt_at(5000, 0) == 4000


def test_waits_are_spread() -> None:
    class Low(Order):
        @override
        def uniform(self, low: float, high: float) -> float:
            return low

    assert Schedule(SETTINGS, Low()).next_attempt_at(1, 0) == 240


def test_room_is_bounded() -> None:
    s = schedule(claims_max=6)
    s.add(claims("a", 4))
    assert s.room == 2
    s.start(0)
    assert s.room == 4


def test_memory_is_bounded() -> None:
    s = schedule()
    for n in range(DESTINATIONS_MAX + 500):
        s.add(claims(f"d{n}", 1))
        for one in s.start(0):
            s.finished(one, 0, reached=True)
    assert len(s._destinations) <= DESTINATIONS_MAX
