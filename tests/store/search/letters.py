"""Messages in every script and wrapping, and an index of them in memory."""

import base64
import quopri
from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import strategies as st

from pabal.store.matching import TextPart, text_test
from pabal.store.predicate import Contains, HeaderContains, TextField
from pabal.store.search.lists import Found
from pabal.store.search.question import answer, question_of
from pabal.store.search.segment import HEADER_END, Builder, Kind, Segment

KOREAN = "회의 회의를 회 의 회의실에서 하의 ㅎㅇ ㅋㅋㅋ 값 한글날"
UNSPACED = (
    "会議 会議室 会 議 東京都 京都 です ミーティング 第3回 Tシャツ 会议 开会 สวัสดี"
)
KANA = "は ば ぱ か\u3099くせい がく か でず です ｶﾞｽ \u3099く"
LATIN = (
    "straße STRASSE cafe\u0301 café cafe ﬁn İi ı Σας e re report report-7 a@b.example"
    " 7 ３"
)
SIGNS = "\U0001f600 ， 。 don't 1,000.50"
WORDS = [*f"{KOREAN} {UNSPACED} {KANA} {LATIN} {SIGNS}".split(), "x" * 60, "abcde" * 13]
SPACES = [" ", "  ", "\r\n", "\t", "\u3000", "\u00a0", "", ""]

texts = st.lists(
    st.tuples(st.sampled_from(WORDS), st.sampled_from(SPACES)), max_size=12
).map(lambda pairs: "".join(word + space for word, space in pairs))


def _body(text: str, codec: str, encoding: str) -> tuple[bytes, bytes]:
    label = {"cp949": "euc-kr", "iso2022_jp_ext": "iso-2022-jp"}.get(codec, codec)
    octets = text.encode(codec, "replace")
    if encoding == "base64":
        octets = base64.encodebytes(octets)
    elif encoding == "quoted-printable":
        octets = quopri.encodestring(octets)
    head = f"; charset={label}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    return head.encode(), octets


CODECS = st.sampled_from(["utf-8", "cp949", "iso2022_jp_ext"])
ENCODINGS = st.sampled_from(["8bit", "base64", "quoted-printable"])


@st.composite
def parts(draw: st.DrawFn) -> bytes:
    text = draw(texts)
    kind = draw(st.sampled_from([b"plain", b"html"]))
    if kind == b"html":
        text = f"<p>{text[:5]}<b>{text[5:8]}</b>{text[8:]}<br>{text[:3]}</p>"
    head, body = _body(text, draw(CODECS), draw(ENCODINGS))
    return b"Content-Type: text/%b%b\r\n%b\r\n" % (kind, head, body)


def _field(name: str, text: str) -> bytes:
    text = "".join(" " if ord(one) < 32 else one for one in text)
    if len(text) % 2:
        word = base64.b64encode(text.encode())
        return f"{name}: ".encode() + b"=?utf-8?B?" + word + b"?=\r\n"
    return f"{name}: {text}\r\n".encode()


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    fields = b"".join(
        _field(name, draw(texts))
        for name in draw(
            st.lists(
                st.sampled_from(["Subject", "From", "To", "Cc", "Bcc", "X-Loop"]),
                max_size=5,
            )
        )
    )
    some = draw(st.lists(parts(), min_size=1, max_size=3))
    if len(some) == 1:
        return fields + some[0]
    if draw(st.booleans()):
        inner = fields + some[0]
        some[0] = b"Content-Type: message/rfc822\r\n\r\n" + inner
    body = b"".join(b"--=b=\r\n" + part + b"\r\n" for part in some)
    return (
        fields
        + b"Content-Type: multipart/mixed; boundary==b=\r\n\r\n"
        + body
        + b"--=b=--\r\n"
    )


needles = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(["ㅎ", "ㅎㅇ", "ㅎㅇㄹ", "ㅋㅋ", " ", "", "의 회", "report "]),
    texts.flatmap(
        lambda text: st.tuples(st.integers(0, 60), st.integers(1, 40)).map(
            lambda span: text[span[0] : span[0] + span[1]]
        )
    ),
)

predicates = st.one_of(
    st.builds(Contains, st.sampled_from(TextField), needles),
    st.builds(
        HeaderContains, st.sampled_from(["x-loop", "Subject", "content-type"]), needles
    ),
)


@dataclass
class MemoryReader:
    """A segment that was never stored."""

    segment: Segment

    @property
    def size(self) -> int:
        return len(self.segment.emails)

    def words(self, kind: Kind) -> Iterator[tuple[int, int, bytes]]:
        for number, page in enumerate(self.segment.pages[kind]):
            yield number * len(Kind) + kind, page.length, page.words

    def lists(self, page: int, start: int, end: int) -> bytes:
        number, kind = divmod(page, len(Kind))
        return self.segment.pages[Kind(kind)][number].lists[start:end]

    def column(self, name: bytes) -> bytes:
        return self.segment.columns[name]

    def plain(self) -> Found:
        return self.segment.plain


def members(found: Found) -> set[int]:
    return {at for at in range(found.bit_length()) if found >> at & 1}


def built(octets: list[bytes], first: int = 1) -> Segment:
    builder = Builder()
    for email, one in enumerate(octets, first):
        builder.add(email, one)
    assert len(builder) == len(octets)
    return builder.finish(lambda: None)


def truth(octets: list[bytes], predicate: Contains | HeaderContains) -> set[int]:
    part, test = text_test(predicate)
    found = set()
    for number, one in enumerate(octets):
        header = one.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        if test(header if part is TextPart.HEADER else one):
            found.add(number)
    return found


def check(
    segment: Segment, octets: list[bytes], predicate: Contains | HeaderContains
) -> None:
    question = question_of(predicate)
    if question is None:
        return
    known = answer(question, MemoryReader(segment))
    found, unsure = members(known.found), members(known.unsure)
    expected = truth(octets, predicate)
    assert not found & unsure
    assert found <= expected <= found | unsure
    plain = members(known.plain)
    assert plain <= unsure
    for number in plain:
        body = octets[number].partition(HEADER_END)[2].lower()
        assert any(one in body for one in question.octets) == (number in expected)
