"""What is kept of frequent words is what is around them."""

from collections.abc import Sequence

from pabal.store.search.joints import lines
from pabal.store.search.neighbours import (
    BEHIND,
    BESIDE,
    BLANK,
    BOTH,
    FRONT,
    KNOWN,
    NO_BLANK,
    OTHER,
    RARE_PART,
    STRETCH,
    Frequent,
    Neighbours,
    frequent,
    is_kept,
    known_in,
)

OTHERS = frozenset({"other", "ab"})


def kept(texts: Sequence[str], words: Frequent) -> dict[str, list[int]]:
    neighbours = Neighbours(words)
    for number, text in enumerate(texts):
        neighbours.add(number, text, lines(text))
    found = neighbours.lists(len(texts))
    return {one: list(documents) for one, documents in found.items()}


def test_where_frequent_words_have_no_blank() -> None:
    texts = ["ab", "x ab", "ab x", "x ab x", "ab\nx ab", "ab会 x", "x"]
    found = kept(texts, Frequent(frozenset({"ab"})))
    assert found == {
        "ab" + KNOWN + FRONT: [0, 2, 5],
        "ab" + KNOWN + BEHIND: [0, 1, 4, 5],
        "ab" + KNOWN + BOTH: [0, 1, 2, 4, 5],
        "ab" + KNOWN + STRETCH: [5],
    }


def test_what_is_beside_them() -> None:
    texts = ["the other one", "other  x", "x\tother of", " other", "no"]
    found = kept(texts, Frequent(frozenset(), frozenset({"other"})))
    front = "other" + BESIDE
    assert found == {
        f"{front}eo": [0],
        f"{front}{NO_BLANK}{BLANK}": [1],
        f"{front}{NO_BLANK}o": [2],
        f"{front}{BLANK}{NO_BLANK}": [3],
    }


def test_rare_neighbours_are_not_told_apart() -> None:
    size = RARE_PART * 2
    texts = ["a other b", "a other b", "a other c", "d other b", "other b"]
    texts += ["a other b"] * (size - len(texts))
    found = kept(texts, Frequent(frozenset(), frozenset({"other"})))
    front = "other" + BESIDE
    assert found == {
        f"{front}ab": [0, 1, *range(5, size)],
        f"{front}a{OTHER}": [2],
        f"{front}{OTHER}c": [2],
        f"{front}d{OTHER}": [3],
        f"{front}{OTHER}b": [3],
        f"{front}{NO_BLANK}b": [4],
    }


def test_which_words_are_frequent() -> None:
    size = 10_000
    counts = {
        "often": range(3_000),
        "these": range(1_500),
        "the": range(3_000),
        "rare": range(500),
        "회의에서는": range(3_000),
        "会議": range(3_000),
        "x" * 25: range(3_000),
    }
    words = frequent(counts, size)
    assert words.words == {"often", "these", "the", "회의에서는"}
    assert words.beside == {"often"}


def test_what_is_known() -> None:
    words = Frequent(OTHERS, frozenset({"other"}))
    assert (
        known_in([*words.marks(), "no" + KNOWN + BOTH, "no" + BESIDE + "ab"]) == words
    )
    assert words.shared(Frequent(frozenset({"ab"}), frozenset({"other"}))) == Frequent(
        frozenset({"ab"})
    )
    assert is_kept("ab" + KNOWN + BOTH, words)
    assert is_kept("other" + BESIDE + "ab", words)
    for one in (*words.marks(), "no" + KNOWN + BOTH, "ab" + BESIDE + "ab", "e \x0c"):
        assert not is_kept(one, words)
