"""Joints: where a blank stands in a text, and what stands on both sides of it.

Sans-IO. Pieces tell which words a text has, joints which stand one behind the other: so
a phrase of two words is found without reading, and what crosses their boundary, too.

A joint is written ``left right``. Rare ones need few letters to be told apart, frequent
ones many: each is cut to the first of some levels at which not many documents of its
segment have it. What is cut is marked, so a joint says of a question that it holds,
that it may, or that it does not: an index is right however its joints are cut.
"""

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from typing import Final

from pabal.store.search.pages import SEPARATOR, matching

_SPACED: Final = ((1, 1), (2, 2), (3, 2), (3, 3), (4, 4), (6, 6), (12, 12))
_OTHERS: Final = ((0, 0), (1, 1), (2, 2), (3, 2), (4, 4), (6, 6), (12, 12))
"""Characters kept in front of the blank and behind it; 0: classes of them.

First between ASCII, then between others, of which there are many, and words are short.
Both sides grow together: of a question either may be the short one.
"""

LEVELS: Final = len(_OTHERS)
"""Ways to cut a joint."""

KEPT: Final = _OTHERS[-1][0] + 1
"""Characters worth keeping: what is longer than the last level leaves is cut there."""

RARE_PART: Final = 12
"""A joint in fewer than one of so many documents is not told apart from others."""

FEW: Final = 2
"""Documents of a joint that is put together with others, though these are frequent."""

REST_PART: Final = 8
"""Of the documents a joint may have, one in so many may come from such others."""

CLASSES: Final = 89
"""Classes of characters that are not ASCII: their pairs are as many as needed."""

SAMPLE: Final = 512
"""Documents that tell which joints are frequent in a segment, at most."""

STRIDE: Final = 7_919
"""Documents from one of a sample to the next, around and around; a prime."""

JOINTS_AT_ONCE: Final = 500
"""Joints looked at before there is a pause: about 1 ms."""

# White space, so never in what stands between white space.
_CUT_LEFT: Final = "\x1c"
_CUT_RIGHT: Final = "\x1d"
_CLASSED: Final = "\x1e"

_CLASS: Final = "\x1f"
_OTHER: Final = re.compile(r"[^\S ]+")

_CLASS_FIRST: Final = 0x21
_SIZES: Final = sorted({size for level in _SPACED + _OTHERS for size in level} - {0})

PAGE_WORDS: Final = 4_096
"""Joints of a page: most pages have none that could answer, which is seen at once."""

Pause = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Joint:
    """What is looked for around a blank.

    Attributes:
        left: What the text in front of it ends with.
        right: What the text behind it begins with.
        begins: ``left`` is all between this blank and white space in front of it.
        ends: ``right`` is all up to the next white space.
    """

    left: str
    right: str
    begins: bool = False
    ends: bool = False


def lines(text: str) -> list[list[str]]:
    """Return what stands between blanks, of each stretch without other white space."""
    return [line.split(" ") for line in _OTHER.split(text)]


def joints(some: Iterable[Sequence[str]]) -> set[str]:
    """Return the joints of ``lines``, each side with up to ``KEPT`` characters."""
    found: set[str] = set()
    for parts in some:
        if len(parts) > 1:
            tails = [part[-KEPT:] for part in parts]
            heads = [part[:KEPT] for part in parts[1:]]
            found.update(map(" ".join, zip(tails, heads, strict=False)))
    found.discard(" ")
    return found


def waiting(texts: Iterable[str]) -> bytes:
    """Return the folded texts of a document as they wait: in few octets."""
    # No blank: there is no joint of two of them.
    return "\n".join(texts).encode("utf-8", "surrogatepass")


def read(octets: bytes) -> str:
    """Return what waits, as one text."""
    return octets.decode("utf-8", "surrogatepass")


def _packed(some: Iterable[str]) -> bytes:
    return "\n".join(some).encode("utf-8", "surrogatepass")


def asked(needle: str) -> list[Joint]:
    """Return the joints a text that holds ``needle`` (folded) has."""
    parts = needle.split(" ")
    last = len(parts) - 1
    found = []
    for number in range(last):
        front, behind = parts[number], parts[number + 1]
        left = "" if front[-1:].isspace() else (front.split() or [""])[-1]
        right = "" if behind[:1].isspace() else (behind.split() or [""])[0]
        if left or right:
            begins = number > 0 or len(left) < len(front)
            ends = number + 1 < last or len(right) < len(behind)
            found.append(Joint(left, right, begins, ends))
    return found


def is_decided(needle: str) -> bool:
    """Return whether joints alone tell which texts hold ``needle`` (folded).

    But for those that only may, when joints are cut.
    """
    left, blank, right = needle.partition(" ")
    return bool(blank) and (left + right).split() == [left + right]


def limit(size: int) -> int:
    """Return in how many of ``size`` documents a joint may be and stay as it is."""
    return size // RARE_PART


def built(
    documents: Sequence[bytes], most: int, pause: Pause
) -> dict[str, "array[int]"]:
    """Return the joints of documents, cut, and which documents have each.

    Args:
        documents: The texts of each, as ``waiting`` leaves them.
        most: See ``limit``.
        pause: Called now and then.
    """
    frequent = _frequent(documents, most, pause)
    found: defaultdict[str, array[int]] = defaultdict(_numbers)
    looked_at = 0
    for number, octets in enumerate(documents):
        some = joints(lines(read(octets)))
        for joint in {_settled(one, frequent) for one in some}:
            found[joint].append(number)
        looked_at += len(some)
        if looked_at > JOINTS_AT_ONCE:
            looked_at = 0
            pause()
    return found


def _frequent(documents: Sequence[bytes], most: int, pause: Pause) -> set[str]:
    """Return joints, cut to all levels but the last, that many documents have."""
    # Not every n-th: mail comes in turns.
    sample: list[bytes] = []
    for number in range(min(len(documents), SAMPLE)):
        text = read(documents[number * STRIDE % len(documents)])
        sample.append(_packed(joints(lines(text))))
        pause()
    frequent: set[str] = set()
    pending = [*sample]
    for level in range(LEVELS - 1):
        counts: Counter[str] = Counter()
        for _, some in _unpacked(pending, pause):
            counts.update({_cut(joint, level) for joint in some})
        now = {
            joint
            for joint, count in counts.items()
            if count * len(documents) > most * len(sample)
        }
        frequent |= now
        for number, some in _unpacked(pending, pause):
            pending[number] = _packed([one for one in some if _cut(one, level) in now])
    return frequent


def _settled(joint: str, frequent: Collection[str]) -> str:
    """Return a joint cut to the first level at which it is not frequent."""
    for level in range(LEVELS - 1):
        cut = _cut(joint, level)
        if cut not in frequent:
            return cut
    return _cut(joint, LEVELS - 1)


def merged(
    lists: Mapping[str, Sequence[int]], most: int, pause: Pause
) -> dict[str, Sequence[int]]:
    """Return joints of several segments, cut as those of one are.

    Args:
        lists: Joints that are cut already, and which documents have each.
        most: See ``limit``.
        pause: Called now and then.
    """
    found: dict[str, Sequence[int]] = {}
    pending: Sequence[str] = [*lists]
    for level in range(LEVELS):
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for count, joint in enumerate(pending):
            groups[_cut_again(joint, level)].append(joint)
            if not count % JOINTS_AT_ONCE:
                pause()
        finer: list[str] = []
        for count, (name, some) in enumerate(groups.items()):
            if not count % JOINTS_AT_ONCE:
                pause()
            if sum([len(lists[joint]) for joint in some]) <= most:
                together = some
            else:
                # What next to none has is not worth a word of its own.
                few = [one for one in some if len(lists[one]) <= FEW and one != name]
                together = few[: most // REST_PART // FEW]
                if name in lists:  # there is no more of it
                    together.append(name)
                apart = set(some).difference(together)
                finer += [joint for joint in some if joint in apart]
            # It may be there: a side that is whole is cut alike at several levels.
            several = [lists[joint] for joint in together]
            if several:
                found[name] = sorted(set(found.get(name, ())).union(*several))
        pending = finer
    return found


def octets_of(joint: str) -> bytes:
    """Return a joint as a word of a page: what is in front of the blank backwards.

    So those stand together whose left sides end alike.
    """
    if joint[0] == _CLASSED:
        return _octets(joint)
    left, _, right = joint.partition(" ")
    return _octets(f"{left[::-1]} {right}")


def joint_of(octets: bytes) -> str:
    """Return the joint that is a word of a page."""
    joint = octets.decode("utf-8", "surrogatepass")
    if joint[0] == _CLASSED:
        return joint
    left, _, right = joint.partition(" ")
    return f"{left[::-1]} {right}"


def sides(octets: bytes) -> tuple[str, str]:
    """Return what is in front of the blank of a word of a page, and behind it.

    As far as it is spelt out: nothing for a class.
    """
    joint = joint_of(octets)
    if joint[0] == _CLASSED:
        return "", ""
    left, _, right = joint.partition(" ")
    return left.removeprefix(_CUT_LEFT), right.removesuffix(_CUT_RIGHT)


def judged(words: bytes, joint: Joint) -> tuple[Sequence[int], Sequence[int]]:
    """Return which words of a page of joints hold what is looked for, which may."""
    left, right = joint.left[::-1], joint.right
    sure, unsure = _spelt(words, joint) if left or right else ((), ())
    if (left[:1] + right[:1]).isascii() and left and right:
        return sure, unsure
    # These are the first of a page, if it has any.
    if not words.startswith(SEPARATOR + _octets(_CLASSED)):
        return sure, unsure
    front = f"{_CLASSED}{_class(left[:1])} " if left else _CLASSED
    behind = f"{_class(right[:1])[::-1]}{_CLASSED}" if right else ""
    others = _Stretch(words, 0, len(words)).of(front).with_behind(_octets(behind))
    if others and _is_class(left, joint.begins) and _is_class(right, joint.ends):
        return [*others, *sure], unsure
    return sure, [*unsure, *others]


def _spelt(words: bytes, joint: Joint) -> tuple[Sequence[int], Sequence[int]]:
    """Return the same of words that are no classes."""
    left, right = joint.left[::-1], joint.right
    if _is_beside(words, _octets(left[:1])):
        return (), ()
    alike = _Stretch(words, 0, len(words)).of(left[:1])
    if not alike:
        return (), ()
    whole = _octets(right) + SEPARATOR * joint.ends
    cut = [
        _octets(right[:k] + _CUT_RIGHT) + SEPARATOR for k in _SIZES if k < len(right)
    ]
    exact = alike.of(left + " " * joint.begins)
    unsure: list[int] = []
    for behind in cut:
        unsure += exact.with_behind(behind)
    for kept in _SIZES:
        if kept < len(left) and (some := alike.of(left[:kept] + _CUT_LEFT)):
            for behind in (whole, *cut):
                unsure += some.with_behind(behind)
    return exact.with_behind(whole), unsure


def _is_beside(words: bytes, front: bytes) -> bool:
    """Return whether all words of a page stand in front of these or behind them."""
    last = words.rfind(SEPARATOR, 0, -1) + 1
    size = len(front)
    return words[1 : 1 + size] > front or words[last : last + size] < front


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Words of a page that stand together.

    Attributes:
        words: Of the page.
        start: Where the line end in front of the first one is.
        end: Behind the line end of the last one.
    """

    words: bytes
    start: int
    end: int

    def __bool__(self) -> bool:
        return self.start < self.end

    def of(self, front: str) -> "_Stretch":
        """Return those of them that begin with ``front``."""
        if not front:
            return self
        wanted = SEPARATOR + _octets(front)
        start = self.words.find(wanted, self.start, self.end)
        if start < 0:
            return _Stretch(self.words, 0, 0)
        last = self.words.rindex(wanted, start, self.end)
        return _Stretch(self.words, start, self.words.index(SEPARATOR, last + 1) + 1)

    def with_behind(self, wanted: bytes) -> Sequence[int]:
        """Return the numbers of those with ``wanted`` right behind the blank."""
        count = self.words.count
        if not self:
            return ()
        if not wanted:
            first = count(SEPARATOR, 0, self.start)
            return range(first, first + count(SEPARATOR, self.start, self.end) - 1)
        wanted = b" " + wanted
        if self.words.find(wanted, self.start, self.end) < 0:
            return ()
        first = count(SEPARATOR, 0, self.start)
        found = matching(self.words[self.start : self.end], wanted)
        return [number + first for number in found]


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _is_class(side: str, is_all: bool) -> bool:  # noqa: FBT001
    """Return whether the class of a side tells that it holds this."""
    return not is_all and len(side) < 2 and side.isascii()


def _cut(joint: str, level: int) -> str:
    """Return a whole joint cut to a level."""
    left, _, right = joint.partition(" ")
    if left[-1:].isascii() and right[:1].isascii():
        front, behind = _SPACED[level]
    elif level:
        front, behind = _OTHERS[level]
    else:
        return _classed(left[-1:], right[:1])
    if len(left) > front:
        left = _CUT_LEFT + left[-front:]
    if len(right) > behind:
        right = right[:behind] + _CUT_RIGHT
    return f"{left} {right}"


def _cut_again(joint: str, level: int) -> str:
    """Return a joint, maybe cut before, cut to a level; itself if it is shorter."""
    if joint[0] == _CLASSED:
        return joint
    left, _, right = joint.partition(" ")
    left_cut, right_cut = left[:1] == _CUT_LEFT, right[-1:] == _CUT_RIGHT
    left, right = left.removeprefix(_CUT_LEFT), right.removesuffix(_CUT_RIGHT)
    if left[-1:].isascii() and right[:1].isascii():
        front, behind = _SPACED[level]
    elif level:
        front, behind = _OTHERS[level]
    else:
        return _classed(left[-1:], right[:1])
    if (left_cut and len(left) < front) or (right_cut and len(right) < behind):
        return joint
    if left_cut or len(left) > front:
        left = _CUT_LEFT + left[-front:]
    if right_cut or len(right) > behind:
        right = right[:behind] + _CUT_RIGHT
    return f"{left} {right}"


def _classed(left: str, right: str) -> str:
    front, behind = _class(left), _class(right)[::-1]
    return f"{_CLASSED}{front} {behind}{_CLASSED}"


def _class(character: str) -> str:
    """Return the class of what is in front of a blank, which no text has there."""
    if character.isascii():
        return character
    return f"{chr(_CLASS_FIRST + ord(character) % CLASSES)}{_CLASS}"


def _unpacked(
    documents: Sequence[bytes], pause: Pause
) -> Iterator[tuple[int, list[str]]]:
    """Yield the documents that have joints, and these."""
    looked_at = 0
    for number, octets in enumerate(documents):
        if octets:
            some = octets.decode("utf-8", "surrogatepass").split("\n")
            yield number, some
            looked_at += len(some)
        if looked_at > JOINTS_AT_ONCE:
            looked_at = 0
            pause()


def _numbers() -> "array[int]":
    return array("H")
