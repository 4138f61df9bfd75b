"""The short way says what the long way says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.message import plain
from pabal.message.needle import Needle
from pabal.message.plain import PlainTest
from pabal.message.text import contains
from tests.store.search.letters import SPACES, WORDS, messages

HEADS = [
    b"Subject: Weekly report\r\n",
    b"Subject : weekly\r\n",
    b"Subject:no blank\r\n\tfolded here\r\n",
    b"Subject: =?utf-8?B?7ZqM7J2Y66W8?= =?utf-8?B?7KCQ7Ius?=\r\n",
    "Subject: 회의 ﬁn\r\n".encode(),
    b"Content-Type: text/plain; charset=utf-8\r\n",
    b'Content-Type: Text/Plain; charset="US-ASCII"\r\n',
    b"Content-Type: text/plain; charset=utf-8; format=flowed\r\n",
    b"Content-Type: text/plain; charset=utf-8\r\n\t; x=y\r\n",
    b"Content-Type: text/plain; charset=utf-16\r\n",
    b"Content-Type: text/html\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"Content-Type : text/html\r\n",
    b"Content-Transfer-Encoding: 8bit\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding:\r\n quoted-printable\r\n",
    b"no field at all\r\n",
    b"Subject: wee\rkly\r\n",
    b"X: content-type\n",
    b"From: a (b)@example.com\r\n",
]
BODIES = [
    b"",
    b"Weekly report, a <b>bold</b> one\r\n=ED=9A=8C\r\n",
    "회의를 했습니다 ﬁn STRASSE cafe\u0301\r\n".encode(),
    "회의".encode("cp949"),
    b"--b\r\n\r\nweekly\r\n--b--\r\n",
    b"64qY7J2A\r\n",
    "ㅎㅇ 가\u11a8".encode(),
    "가\u11a8 각각 회의 Weekly ﬁn".encode(),
    "\u1112\u116c의 会\u3000議 가 STRA\u00dfE Ω\u0345 회의\u3099".encode(),
    "か\u3099 が 会 議 \uff18".encode(),
]
TEXTS = (
    "weekly report|weekly|subject: weekly|subject:|t: 회의|회의|ㅎㅇ|fin|점심|b|가|각"
    "|no blank\tfolded|strasse|caf\u00e9|report\r\nno|bold|=ed|content-type|64qy| "
    "|각 |か|が|会 議|의|8"
)
NEEDLES = st.one_of(
    st.sampled_from(TEXTS.split("|")),
    st.lists(st.sampled_from(WORDS + SPACES), min_size=1, max_size=3).map("".join),
)


@st.composite
def letters(draw: st.DrawFn) -> bytes:
    heads = draw(st.lists(st.sampled_from(HEADS), max_size=4))
    between = draw(st.sampled_from([b"\r\n", b"\r\n", b"\n", b""]))
    return b"".join(heads) + between + draw(st.sampled_from(BODIES))


@settings(max_examples=400, deadline=None)
@given(st.one_of(letters(), messages(), st.binary(max_size=60)), NEEDLES, st.booleans())
def test_the_short_way_is_right(octets: bytes, text: str, headers: bool) -> None:
    needle = Needle(text)
    expected = contains(octets, needle, headers=headers)
    assert PlainTest(needle, headers=headers)(octets) == expected


@pytest.mark.parametrize("body", [BODIES[1], BODIES[2]])
def test_plain_messages_are_not_taken_apart(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken_apart(*_: object, **__: object) -> bool:
        raise AssertionError("taken apart")

    monkeypatch.setattr(plain, "contains", taken_apart)
    octets = b"".join([HEADS[0], HEADS[3], HEADS[5], HEADS[13], b"\r\n", body])
    assert PlainTest(Needle("회의를"), headers=True)(octets)
    assert PlainTest(Needle("weekly rep"), headers=True)(octets)
    assert not PlainTest(Needle("nothing"), headers=True)(octets)
    assert not PlainTest(Needle("점심"), headers=False)(octets)


@pytest.mark.parametrize("name", ["From", "to", "CC", "Bcc "])
def test_an_address_with_a_comment_inside_is_found(name: str) -> None:
    octets = f"{name}: Alice\r\n <alice (she)@example.com>\r\n\r\nbody\r\n".encode()
    needle = Needle("alice@example.com")
    assert contains(octets, needle) is PlainTest(needle, headers=True)(octets) is True
    assert not PlainTest(needle, headers=False)(octets)
