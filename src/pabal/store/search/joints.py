"""Joints: where a blank stands in a text, and what stands on both sides of it.

Sans-IO. Pieces tell which words a text has, joints which stand one behind the other: so
a phrase of two words is found without reading, and what crosses their boundary, too.

A joint is written ``left right``. Rare ones need few letters to be told apart, frequent
ones many: each is cut to the first of ``LEVELS`` at which not many documents of its
segment have it. What is cut is marked, so a joint says of a question that it holds,
that it may, or that it does not: an index is right however its joints are cut.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

LEVELS: Final = (
    (0, 0),
    (1, 1),
    (2, 1),
    (2, 2),
    (3, 2),
    (3, 3),
    (4, 4),
    (6, 6),
    (12, 12),
)
"""Characters kept in front of the blank and behind it; at first, classes of them."""

KEPT: Final = LEVELS[-1][0] + 1
"""Characters worth keeping: one more than the last level tells that there are more."""

RARE_PART: Final = 16
"""A joint in fewer than one of so many documents is not told apart from others."""

CLASSES: Final = 97
"""Classes of characters that are not ASCII: their pairs are as many as needed."""

JOINTS_AT_ONCE: Final = 500
"""Joints looked at before there is a pause: about 1 ms."""

# White space, so never in what stands between white space.
_CUT_LEFT: Final = "\x1c"
_CUT_RIGHT: Final = "\x1d"
_CLASSED: Final = "\x1e"

_CLASS_FIRST: Final = 0x100

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


def joints(text: str) -> set[str]:
    """Return the joints of a folded text, each side with up to ``KEPT`` characters."""
    if " " not in text:
        return set()
    parts = text.split(" ")
    heads, tails = [], []
    for part in parts:
        runs = part.split()
        if len(runs) == 1 and len(runs[0]) == len(part):
            heads.append(part[:KEPT])
            tails.append(part[-KEPT:])
        else:
            # A side is empty where the blank is not the only white space.
            heads.append("" if not runs or part[0].isspace() else runs[0][:KEPT])
            tails.append("" if not runs or part[-1].isspace() else runs[-1][-KEPT:])
    found = set(map("{} {}".format, tails, heads[1:]))
    found.discard(" ")
    return found


def packed(some: Iterable[str]) -> bytes:
    """Return joints as they wait: in few octets."""
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
        documents: The joints of each, as ``packed`` leaves them.
        most: See ``limit``.
        pause: Called now and then.
    """
    found: dict[str, array[int]] = {}
    pending = [*documents]
    for level, size in enumerate(LEVELS):
        cut = partial(_cut, *size) if level else _first_cut
        lists: defaultdict[str, array[int]] = defaultdict(_numbers)
        for number, some in _unpacked(pending, pause):
            for joint in set(map(cut, some)):
                lists[joint].append(number)
        frequent = set()
        for joint, numbers in lists.items():
            if len(numbers) > most and size != LEVELS[-1]:
                frequent.add(joint)
            else:
                found[joint] = numbers
        for number, some in _unpacked(pending, pause):
            pending[number] = packed([one for one in some if cut(one) in frequent])
    return found


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
    for level in range(len(LEVELS)):
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
                # It may be there: a side that is whole is cut alike at several levels.
                several = [lists[joint] for joint in some]
                found[name] = sorted(set(found.get(name, ())).union(*several))
                continue
            if name in lists:  # there is no more of it
                found[name] = lists[name]
            finer += [joint for joint in some if joint != name]
        pending = finer
    return found


def judged(words: bytes, joint: Joint) -> tuple[list[int], list[int]]:
    """Return which words of a page of joints hold what is looked for, which may."""
    sure, unsure = [], []
    for wanted in _patterns(joint):
        for number, octets in _words_with(words, wanted):
            verdict = _holds(octets.decode("utf-8", "surrogatepass"), joint)
            if verdict:
                sure.append(number)
            elif verdict is None:
                unsure.append(number)
    return sure, unsure


def _cut(front: int, behind: int, joint: str) -> str:
    """Return a joint cut to so many characters in front of the blank and behind it."""
    left, _, right = joint.partition(" ")
    if len(left) > front:
        left = _CUT_LEFT + left[-front:]
    if len(right) > behind:
        right = right[:behind] + _CUT_RIGHT
    return f"{left} {right}"


def _first_cut(joint: str) -> str:
    at = joint.index(" ")
    left, right = joint[at - 1 : at] if at else "", joint[at + 1 : at + 2]
    if left.isascii() and right.isascii():
        return _cut(1, 1, joint)
    return _classed(left, right)


def _cut_again(joint: str, level: int) -> str:
    """Return a joint, maybe cut before, cut to a level; itself if it is shorter."""
    if joint[0] == _CLASSED:
        return joint
    left, _, right = joint.partition(" ")
    left_cut, right_cut = left[:1] == _CUT_LEFT, right[-1:] == _CUT_RIGHT
    left, right = left.removeprefix(_CUT_LEFT), right.removesuffix(_CUT_RIGHT)
    front, behind = LEVELS[level]
    if not level:
        if not (left[-1:].isascii() and right[:1].isascii()):
            return _classed(left[-1:], right[:1])
        front, behind = LEVELS[1]
    if (left_cut and len(left) < front) or (right_cut and len(right) < behind):
        return joint
    if left_cut or len(left) > front:
        left = _CUT_LEFT + left[-front:]
    if right_cut or len(right) > behind:
        right = right[:behind] + _CUT_RIGHT
    return f"{left} {right}"


def _classed(left: str, right: str) -> str:
    return f"{_CLASSED}{_class(left)} {_class(right)}"


def _class(character: str) -> str:
    if character.isascii():
        return character
    return chr(_CLASS_FIRST + ord(character) % CLASSES)


def _patterns(joint: Joint) -> Iterator[bytes]:
    """Yield what finds every word that may hold a joint."""
    left, right = joint.left[-1:], joint.right[:1]
    yield f"{left} {right}".encode("utf-8", "surrogatepass")
    if not (left.isascii() and right.isascii()):
        front = f"{_CLASSED}{_class(left)}" if left else ""
        behind = f"{_class(right)}\n" if right else ""
        yield f"{front} {behind}".encode()


def _words_with(words: bytes, wanted: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the words of a page that hold ``wanted``, and their numbers."""
    find, count = words.find, words.count
    number, counted = -1, 0
    position = find(wanted)
    while position >= 0:
        start = words.rindex(b"\n", 0, position + 1) + 1
        end = words.index(b"\n", start)
        number += count(b"\n", counted, start)
        counted = start
        yield number, words[start:end]
        position = find(wanted, end)


def _holds(word: str, joint: Joint) -> bool | None:
    """Return whether a stored joint holds one looked for; ``None``: it may."""
    left, _, right = word.partition(" ")
    if left[:1] == _CLASSED:
        same = (not joint.left or left[1:] == _class(joint.left[-1:])) and (
            not joint.right or right == _class(joint.right[:1])
        )
        return None if same else False
    front = _fits(left, joint.left, _CUT_LEFT, is_all=joint.begins)
    if front is False:
        return False
    # The other side is the same, seen in a mirror.
    behind = _fits(right[::-1], joint.right[::-1], _CUT_RIGHT, is_all=joint.ends)
    if behind is False:
        return False
    return True if front and behind else None


def _fits(stored: str, wanted: str, mark: str, *, is_all: bool) -> bool | None:
    """Return whether what is stored ends with what is wanted, or is all of it."""
    if stored[:1] != mark:
        return stored == wanted if is_all else stored.endswith(wanted)
    if len(stored) <= len(wanted):
        return None if wanted.endswith(stored[1:]) else False
    return not is_all and stored.endswith(wanted)


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
