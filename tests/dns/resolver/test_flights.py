import asyncio

import dns.name
import dns.rdatatype
import pytest

from pabal.dns.resolver.flights import GIVE_WAY_AFTER_S, Flight, Flights
from pabal.dns.resolver.iterator import Failed
from pabal.dns.resolver.upkeep import Question


def question(number: int) -> Question:
    name = dns.name.from_text(f"{number}.test.")
    return Question(name, dns.rdatatype.A, unchecked=False)


def full(slots: int) -> tuple[Flights, list[Flight]]:
    """Return as many flights as there are slots, one begun each second."""
    flights, begun = Flights(slots), [Flight(float(n)) for n in range(slots)]
    for number, each in enumerate(begun):
        assert flights.make_room(float(number))
        flights.begin(question(number), each)
    return flights, begun


async def test_the_oldest_of_the_younger_half_gives_way() -> None:
    flights, begun = full(6)
    assert len(flights) == 6
    assert flights.make_room(10.0)
    assert [each.landed.done() for each in begun] == [False] * 3 + [True] + [False] * 2
    assert not flights.is_full
    assert len(flights) == 5
    assert flights.get(question(3)) is None
    end = begun[3].landed.result()
    assert isinstance(end, Failed)
    assert "gave way" in end.reason


@pytest.mark.parametrize(("waited_s", "room"), [(0.0, False), (0.001, True)])
async def test_nobody_gives_way_at_once(waited_s: float, *, room: bool) -> None:
    flights, begun = full(4)
    # The oldest of all took longer, but it is to be ended.
    now = begun[2].began_at + GIVE_WAY_AFTER_S - 0.0005 + waited_s
    assert flights.make_room(now) is room
    assert len(flights) == 4 - room


async def test_who_gave_way_is_not_worked_on() -> None:
    flights, begun = full(2)
    never = asyncio.get_running_loop().create_future()
    begun[1].task = asyncio.get_running_loop().create_task(asyncio.wait_for(never, 60))
    assert flights.make_room(9.0)
    await asyncio.wait([begun[1].task], timeout=1)
    assert begun[1].task.cancelled()


async def test_a_late_end_does_not_take_the_slot_of_another() -> None:
    flights, begun = full(1)
    assert flights.make_room(9.0)
    again = Flight(9.0)
    flights.begin(question(0), again)
    flights.end(question(0), begun[0], Failed("late"))
    assert flights.get(question(0)) is again
    flights.end(question(0), again, Failed("now"))
    assert not flights
    assert again.landed.result() == Failed("now")


async def test_no_slots() -> None:
    assert not Flights(0).make_room(0.0)


async def test_stop() -> None:
    flights, begun = full(3)
    flights.stop(Failed("stopped"))
    assert not flights
    assert all(each.landed.result() == Failed("stopped") for each in begun)
