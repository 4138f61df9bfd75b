"""Segments merged are as one made at once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.store.predicate import Contains, HeaderContains
from pabal.store.search.joints import limit
from pabal.store.search.merging import merge
from pabal.store.search.segment import Kind, Segment
from tests.store.search.letters import (
    built,
    check,
    messages,
    predicates,
)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(messages(), min_size=1, max_size=4), min_size=1, max_size=3),
    st.sets(st.integers(1, 12)),
    st.lists(predicates, max_size=5),
)
def test_merged_ones_too(
    groups: list[list[bytes]],
    gone: set[int],
    asked: list[Contains | HeaderContains],
) -> None:
    segments: list[Segment] = []
    everything: list[bytes] = []
    for group in groups:
        segments.append(built(group, len(everything) + 1))
        everything += group
    there = {one for one in range(1, len(everything) + 1) if one not in gone}
    merged = merge(segments, there, lambda: None)
    assert list(merged.emails) == sorted(there)
    left = [everything[email - 1] for email in sorted(there)]
    if left:
        again = built(left)
        # Made at once it would be the very same; but for joints that are cut: merging
        # cannot see that two of them come from one document, and leaves them finer.
        # And of a word one of them does not know nothing is kept.
        is_cut = limit(len(left)) > 0
        for kind, pages in again.pages.items():
            assert merged.pages[kind] == pages or (
                kind is Kind.BODY_SUMS or (is_cut and kind.has_joints)
            )
        assert merged.columns == again.columns
    for predicate in asked:
        check(merged, left, predicate)
