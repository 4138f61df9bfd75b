"""Mail that looks like mail to an index: words as rare as in a language, in scripts."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, permutations, product

_PARTICLES = "을 를 이 가 은 는 에서 으로 합니다 했습니다"
_PLANTED = "회의를 점심 東京駅 会議室 ミーティング 会议 天气 invoice quorum"

PLANTED = _PLANTED.split()
"""Words that some of the messages have besides, each one in ``EVERY``."""

EVERY = [10, 100, 50, 200, 100, 20, 500, 10, 1_000]


def _zipf(rng: random.Random, words: Sequence[str]) -> Callable[[int], list[str]]:
    weights = list(accumulate(1 / (rank + 3) for rank in range(len(words))))
    return lambda count: rng.choices(words, cum_weights=weights, k=count)


class Corpus:
    """Messages by number, always the same.

    Args (of the constructor):
        octets: Of a text, about.
    """

    def __init__(self, octets: int = 2_000, seed: int = 1) -> None:
        rng = random.Random(seed)
        self._rng = rng
        self._octets = octets
        syllables = [chr(one) for one in rng.sample(range(0xAC00, 0xD7A4), 900)]
        signs = [chr(one) for one in rng.sample(range(0x4E00, 0x9000), 1_500)]
        kana = [chr(one) for one in range(0x3042, 0x3090)]
        letters = "etaoinshrdlucmfwypvbgkjqxz"
        spread = list(accumulate(1 / (rank + 2) for rank in range(26)))

        def latin() -> str:
            return "".join(
                rng.choices(letters, cum_weights=spread, k=rng.randint(2, 10))
            )

        def korean() -> str:
            return "".join(rng.choices(syllables, k=rng.choice((1, 2, 2, 3))))

        particles = ["", "", *_PARTICLES.split()]
        stems = [korean() for _ in range(12_000)]
        self._latin = _zipf(rng, list(dict.fromkeys(latin() for _ in range(40_000))))
        self._korean = _zipf(
            rng, [stem + one for stem in stems for one in rng.sample(particles, 3)]
        )
        ideographs = ["".join(rng.choices(signs, k=2)) for _ in range(8_000)]
        self._chinese = _zipf(rng, ideographs)
        ends = ["".join(rng.choices(kana, k=rng.randint(0, 2))) for _ in ideographs]
        self._japanese = _zipf(rng, list(map(str.__add__, ideographs, ends)))

    def messages(self, count: int) -> Iterator[bytes]:
        """Yield messages 0 to ``count`` - 1."""
        for number in range(count):
            words = self._words(number)
            lines = "\r\n".join(
                " ".join(words[at : at + 8]) for at in range(0, len(words), 8)
            )
            minute, second = divmod(number, 60)
            head = [
                f"From: =?utf-8?B?7ZmN6ri464+Z?= <sender{number % 211}@else.test>",
                "To: user@a.test",
                f"Subject: weekly report {number}",
                f"Date: Tue, 3 Mar 2026 09:{minute % 60:02}:{second:02} +0900",
                f"Message-ID: <{number}.{self._rng.getrandbits(60):x}@else.test>",
                "MIME-Version: 1.0",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: 8bit",
            ]
            yield "\r\n".join((*head, "", lines, "")).encode()

    def _words(self, number: int) -> list[str]:
        match number % 4:
            case 0 | 1:
                words = self._korean(self._octets // 11)
            case 2:
                words = self._latin(self._octets // 6)
            case _:
                some = self._japanese if number % 8 == 3 else self._chinese
                # Sentences without a space in them.
                words = ["".join(some(8)) + "。" for _ in range(self._octets // 70)]
        for planted, every in zip(PLANTED, EVERY, strict=True):
            if number % every == every - 1:
                words.insert(self._rng.randrange(len(words)), planted)
        return words


def phrases() -> Iterator[str]:
    """Yield what some messages have: two words and three, signs that stand together."""
    signs: Counter[str] = Counter()
    for number, octets in enumerate(Corpus().messages(2_000)):
        lines = octets.partition(b"\r\n\r\n")[2].decode().split("\r\n")
        words = lines[3].split(" ")
        if number % 4 < 3:
            some = [" ".join(words[:2]), " ".join(words[2:5])]
        else:
            for line in lines:
                signs.update(line[at : at + 3] for at in range(len(line) - 2))
            some = [words[0][3:6], words[0][3:7], words[0][1:7]]
        if number % 200 < 4:
            yield from some
    yield from (three for three, _ in signs.most_common(8))


def dear_ones() -> Iterator[str]:
    """Yield phrases of the most frequent words, and what is part of very many."""
    korean: Counter[str] = Counter()
    latin: Counter[str] = Counter()
    for number, octets in enumerate(Corpus().messages(2_000)):
        if number % 4 < 3:
            words = octets.partition(b"\r\n\r\n")[2].decode().split()
            (latin if number % 4 == 2 else korean).update(words)
    for counts in (korean, latin):
        often = [word for word, _ in counts.most_common(3)]
        for one, other in permutations(often, 2):
            yield f"{one} {other}"
            yield f"{one} {other[0]}"
            yield f"{one[-1]} {other[:2]}"
            yield f"{one[-1]} {other[0]}"
        yield from map(" ".join, permutations(often))
    yield from ("e t", "t e", "e ", " t", "합니다 ", "는 ", "ee", "te", "합니", "니다")


def _most(counts: Counter[str], count: int) -> list[str]:
    return [one for one, _ in counts.most_common(count)]


def classes() -> Iterator[tuple[str, list[str]]]:
    """Yield what is made of the most frequent letters and words, by its looks.

    In a name ``l`` stands for a letter, ``w`` for a word, ``_`` for a blank. Many are
    in no message, and many in very many.
    """
    korean: Counter[str] = Counter()
    latin: Counter[str] = Counter()
    for number, octets in enumerate(Corpus().messages(2_000)):
        if number % 4 < 3:
            words = octets.partition(b"\r\n\r\n")[2].decode().split()
            (latin if number % 4 == 2 else korean).update(words)
    for counts in (korean, latin):
        every = Counter("".join(counts.elements()))
        frequent, words = _most(every, 4), _most(counts, 3)
        rare = _most(every, len(every))[-2:]
        letters = [*frequent, *_most(every, 16)[-2:], *rare]
        yield from _of_letters(letters, frequent[:3])
        yield from _of_words(letters, words)
    yield from _of_signs()


def _of_letters(
    letters: Sequence[str], frequent: Sequence[str]
) -> Iterator[tuple[str, list[str]]]:
    pairs = [*map("".join, product(frequent, repeat=2))]
    yield "l", [*letters]
    yield "l_", [f"{one} " for one in letters]
    yield "_l", [f" {one}" for one in letters]
    yield "_l_", [f" {one} " for one in letters]
    yield "l_l", [*map(" ".join, product(letters, repeat=2))]
    yield "l__l", [*map("  ".join, permutations(frequent, 2))]
    yield "l_l_l", [*map(" ".join, product(frequent[:2], repeat=3))]
    yield "ll", pairs + [one * 2 for one in letters]
    yield "lll", [*map("".join, product(frequent, repeat=3))]
    yield "ll_", [f"{one} " for one in pairs]
    yield "_ll", [f" {one}" for one in pairs]
    yield "ll_l", [*map(" ".join, product(pairs, frequent))]
    yield "l_ll", [*map(" ".join, product(frequent, pairs))]
    yield "l_nl", [*map("\r\n".join, product(frequent[:2], repeat=2))]
    yield "ll_ll", [*map(" ".join, product(pairs[:3], repeat=2))]


def _of_words(
    letters: Sequence[str], words: Sequence[str]
) -> Iterator[tuple[str, list[str]]]:
    frequent = letters[:2]
    pairs = [*map(" ".join, permutations(words, 2))]
    yield "w_", [f"{one} " for one in words]
    yield "_w", [f" {one}" for one in words]
    yield "_w_", [f" {one} " for one in words]
    yield "w_l", [*map(" ".join, product(words, letters))]
    yield "l_w", [*map(" ".join, product(letters, words))]
    yield "w_w", pairs
    yield "w_w_", [f"{one} " for one in pairs]
    yield "w_w_w", [*map(" ".join, permutations(words))]
    yield "w_w_l", [*map(" ".join, product(pairs, frequent))]
    yield "_w_l", [f" {one} {two}" for one, two in product(words, frequent)]
    yield "l_w_l", [*map(" ".join, product(frequent, words, frequent))]


def _of_signs() -> Iterator[tuple[str, list[str]]]:
    digits, signs = "0159", ".,-:@(/"
    yield "blanks", [" ", "  ", "   ", "e  ", "  e", "는  ", "  는"]
    yield "digits", [*digits, "00", "1 1", *(f"{one} " for one in digits)]
    yield "digits behind blanks", [f" {one}" for one in digits]
    yield "signs", [*signs, "..", "--", "합니다. ", *(f"{one} " for one in signs)]
    yield "signs behind blanks", [f" {one}" for one in signs]
    yield "scripts", ["e 회", "는 t", "합니다 t", "e 합", "1 e", "e 1", ". 는", "는 。"]
    yield (
        "ideographs",
        ["。", "。 ", " 。", "。。", "東", "東 ", " 東", "東京 ", " 東京"],
    )
    yield "consonants", ["ㅎ", "ㅎㅎ", "ㄱㄴ", "ㅎㅇㄹ", "ㅎ ", " ㅎ", "ㅎ ㅎ"]
