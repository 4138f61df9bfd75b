from array import array
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.message.needle import Needle
from pabal.store.flagtable import FlagTable
from pabal.store.matching import (
    FactKind,
    Matcher,
    Snapshot,
    cost,
    field_contains,
    text_test,
)
from pabal.store.predicate import (
    All,
    Any,
    Contains,
    Everything,
    HasFlag,
    HeaderContains,
    LargerThan,
    Not,
    Predicate,
    TextField,
    UidsIn,
)

UIDS = [2, 3, 5, 8, 13, 21]
SIZES = {uid: uid * 100 for uid in UIDS}


class Source:
    """Facts by rule: email id = uid, size = uid × 100, header names its uid."""

    def __init__(self) -> None:
        self.asked = 0

    async def numbers(
        self,
        mailbox_id: int,
        uids: Sequence[int],
        emails: Sequence[int],
        kind: FactKind,
    ) -> Sequence[float | None]:
        self.asked += len(emails)
        return [SIZES[email] for email in emails]

    async def holds(
        self, emails: Sequence[int], predicate: Contains | HeaderContains
    ) -> bytes:
        self.asked += len(emails)
        _, test = text_test(predicate)
        return bytes(test(b"Subject: nr %d\r\n\r\nbody" % one) for one in emails)


def matcher(source: Source) -> Matcher:
    table = FlagTable()
    odd = table.intern(frozenset({"odd"}))
    flags = array("I", [odd if uid % 2 else 0 for uid in UIDS])
    snapshot = Snapshot(1, array("I", UIDS), array("Q", UIDS), flags, array("Q", UIDS))
    return Matcher(snapshot, table, source)


def truth(predicate: Predicate, uid: int) -> bool:
    result = True
    match predicate:
        case Not(inner=inner):
            result = not truth(inner, uid)
        case All(inner=several):
            result = all(truth(one, uid) for one in several)
        case Any(inner=several):
            result = any(truth(one, uid) for one in several)
        case HasFlag():
            result = uid % 2 == 1
        case UidsIn(ranges=ranges):
            result = any(low <= uid <= high for low, high in ranges)
        case LargerThan(octets=octets):
            result = uid * 100 > octets
        case Contains(needle=needle):
            result = needle in f"nr {uid}"
        case _:
            pass
    return result


LEAVES = st.one_of(
    st.just(Everything()),
    st.just(HasFlag("ODD")),
    st.builds(UidsIn, st.lists(st.tuples(st.integers(1, 25), st.integers(1, 25)))),
    st.builds(LargerThan, st.integers(0, 2_500)),
    st.builds(Contains, st.just(TextField.SUBJECT), st.sampled_from("1235n")),
)
PREDICATES: st.SearchStrategy[Predicate] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, max_size=3)),
        st.builds(Any, st.lists(inner, max_size=3)),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(PREDICATES)
async def test_every_combination(predicate: Predicate) -> None:
    found = await matcher(Source()).uids(predicate)
    assert found == [uid for uid in UIDS if truth(predicate, uid)]


async def test_dear_parts_see_few_candidates() -> None:
    source = Source()
    subject = Contains(TextField.SUBJECT, "nr")
    predicate = All([subject, LargerThan(100), UidsIn([(3, 5)])])
    assert await matcher(source).uids(predicate) == [3, 5]
    assert source.asked == 4
    assert cost(predicate) == 2
    assert cost(Not(Any([]))) == 0


def test_field_contains() -> None:
    header = b"X-A: one\r\nX-A: =?utf-8?b?7ZqM7J2Y?=\r\n\r\n"
    assert field_contains(header, b"x-a", Needle(""))
    assert field_contains(header, b"x-a", Needle("회의"))
    assert not field_contains(header, b"x-a", Needle("two"))
    assert not field_contains(header, b"x-b", Needle(""))
    assert cost(HeaderContains("x", "")) == 2
