from pabal.store.flagtable import FlagTable
from pabal.store.keywords import REMEMBERED_MAX, RememberedKeywords, lost


def test_what_messages_lose() -> None:
    flags = FlagTable()
    both = flags.intern(frozenset(("$A", "$B", "\\Seen")))
    one = flags.intern(frozenset(("$A",)))
    assert lost(flags.__getitem__, [(both, one), (both, one), (one, one)]) == {"$B"}
    assert lost(flags.__getitem__, [(both, 0), (0, one)]) == {"$A", "$B"}
    assert lost(flags.__getitem__, []) == set()


def test_the_longest_unused_are_forgotten() -> None:
    remembered = RememberedKeywords()
    names = [f"$k{number}" for number in range(REMEMBERED_MAX)]
    for name in names:
        remembered.note([name])
    remembered.note([names[0]])
    remembered.note(["$new"])
    assert remembered.latest_first() == ["$new", names[0], *reversed(names[2:])]
