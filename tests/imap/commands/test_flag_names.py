from pabal.imap.commands.flag_names import FLAG_SETS_MAX, FLAGS_SHOWN_MAX, FlagNames
from pabal.store.flags import Flags, FlagScope

SETS: list[Flags] = [
    frozenset(),
    frozenset(("\\Seen",)),
    frozenset(("\\Seen", "$Work")),
]


def test_sets_are_rendered() -> None:
    names = FlagNames(SETS.__getitem__)
    assert list(map(names.octets, [1, 0, 1])) == [b"\\Seen", b"", b"\\Seen"]
    recent = list(map(names.recent_octets, [1, 0]))
    assert recent == [b"\\Seen \\Recent", b"\\Recent"]
    assert names.news() == b""


def test_new_names_are_told_once() -> None:
    names = FlagNames(SETS.__getitem__)
    names.octets(2)
    told = names.news()
    assert told.startswith(
        b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work)"
    )
    assert b"$Work \\*)" in told
    assert names.news() == b""
    names.octets(1)
    names.octets(2)
    assert names.news() == b""


def test_nothing_is_permanent_where_nothing_can_be_changed() -> None:
    names = FlagNames(SETS.__getitem__, FlagScope(0))
    assert b"[PERMANENTFLAGS ()]" in names.shown()


def test_memory_is_bounded() -> None:
    names = FlagNames(lambda number: frozenset((f"k{number}",)))
    for number in range(3 * FLAG_SETS_MAX):
        names.octets(number)
    assert len(names._rendered) <= FLAG_SETS_MAX
    shown = names.shown().partition(b"\r\n")[0]
    assert len(shown.split()) <= FLAGS_SHOWN_MAX + 10


def test_remembered_names_leave_room_for_news() -> None:
    names = FlagNames(SETS.__getitem__)
    names.octets(2)
    names.remembered = [f"$k{number:03}" for number in range(FLAGS_SHOWN_MAX)]
    shown = names.shown().partition(b"\r\n")[0].split()
    assert b"$k000" in shown
    assert len(shown) < FLAGS_SHOWN_MAX / 2 + 10
    assert b"$Work" in names.shown()
    names.octets(1)
    assert names.news() == b"", "those remembered are not news"
