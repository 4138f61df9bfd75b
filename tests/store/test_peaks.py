from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.store import peaks as module
from pabal.store.peaks import BLOCK, Peaks

STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "flag", "expunge"]), st.sets(st.integers(0, 30))),
    max_size=12,
)


def newer(modseqs: "array[int]", since: int, start: int, end: int) -> set[int]:
    return {at for at in range(start, end) if modseqs[at] > since}


@given(STEPS, st.integers(0, 12), st.integers(0, 30), st.integers(0, 30))
def test_nothing_newer_is_missed(
    steps: list[tuple[str, set[int]]], since: int, start: int, length: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", 4)
        patch.setattr(module, "TIGHTENED_MAX", 2)
        modseqs = array("Q", [1] * 6)
        peaks = Peaks(modseqs)
        for modseq, (step, numbers) in enumerate(steps, 2):
            there = sorted(at for at in numbers if at < len(modseqs))
            if step == "add":
                before = len(modseqs)
                modseqs.extend([modseq] * (len(numbers) % 7))
                peaks.grown(modseqs, before)
            elif step == "flag":
                for at in there:
                    modseqs[at] = modseq
                peaks.changed(there, modseq)
            else:
                gone = set(there)
                kept = [one for at, one in enumerate(modseqs) if at not in gone]
                modseqs = array("Q", kept)
                peaks.shrunk(there, len(modseqs))
            start, end = min(start, len(modseqs)), min(start + length, len(modseqs))
            found = peaks.newer(modseqs, since, start, end)
            inside = {at for first, last in found for at in range(first, last)}
            assert newer(modseqs, since, start, end) <= inside
            assert inside <= set(range(start, end))
            assert found == sorted(found)


def test_few_changes_are_few_blocks() -> None:
    modseqs = array("Q", [5] * BLOCK * 100)
    peaks = Peaks(modseqs)
    assert peaks.newer(modseqs, 5, 0, len(modseqs)) == []
    modseqs[3 * BLOCK + 7] = 6
    peaks.changed([3 * BLOCK + 7], 6)
    block = (3 * BLOCK, 4 * BLOCK)
    assert peaks.newer(modseqs, 5, 0, len(modseqs)) == [block]
    # What moved into another block is looked for in both, until somebody looks.
    del modseqs[0]
    peaks.shrunk([0], len(modseqs))
    assert peaks.newer(modseqs, 5, 0, len(modseqs)) == [block]


def test_ranges_that_touch_are_one() -> None:
    modseqs = array("Q", [1] * BLOCK * 3)
    assert Peaks(modseqs).newer(modseqs, 0, 10, 2 * BLOCK + 10) == [
        (10, 2 * BLOCK + 10)
    ]
