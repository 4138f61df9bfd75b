from pabal.dns.server.counting import Group, lasting
from pabal.dns.server.spent import Kept, Spent


def test_what_is_taken_is_counted_and_freed_bit_by_bit() -> None:
    group, spent = Group(), Spent()
    entries = [lasting([b"a"], group) for _ in range(5)]
    for entry in entries:
        next(entry)
    kept: Kept = {b"%d" % number: (entry, 1) for number, entry in enumerate(entries)}
    spent.take(kept)
    spent.take({b"r": iter([b"x"])})
    spent.take({})
    assert len(spent) == 6
    assert len(spent.entries()) == 5
    spent.free(3)
    assert group.ready == 2, "the one that is only ready is not counted here"
    spent.free(100)
    assert not len(spent)
    assert group.ready == 5


def test_what_is_repeated_is_counted_at_the_end() -> None:
    group, spent = Group(), Spent()
    spent.repeated.append(lasting([b"a"], group))
    assert [next(entry) for entry in spent.entries()] == [b"a"]
    spent.settle_repeated()
    assert group.ready == 1
    assert not spent.repeated
