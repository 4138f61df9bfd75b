"""Charsets: true labels, wrong labels, no labels."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.message.charset import codec_of, decode

KOREAN = "안녕하세요, 회의는 내일입니다. 뷁"


@pytest.mark.parametrize(
    "label",
    [
        *("euc-kr", "EUC_KR", "ks_c_5601-1987", "KS_C_5601-1989", "ksc5601"),
        *("x-windows-949", "cp949", "uhc", "MS949", "korean", "csEUCKR", "ksc-5601"),
    ],
)
def test_every_korean_label_is_cp949(label: str) -> None:
    assert codec_of(label) == "cp949"
    assert decode(KOREAN.encode("cp949"), label) == KOREAN


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("utf-8", "utf-8", KOREAN),
        ("iso-2022-kr", "iso2022_kr", "안녕하세요"),
        ("johab", "johab", "안녕하세요"),
        ("gb2312", "gb18030", "你好，镕基"),
        ("GBK", "gbk", "你好"),
        ("big5", "big5", "你好"),
        ("shift_jis", "cp932", "こんにちは①"),
        ("x-sjis", "cp932", "こんにちは"),
        ("iso-2022-jp", "iso2022_jp", "こんにちは"),
        ("euc-jp", "euc_jp", "こんにちは"),
        ("iso-8859-1", "cp1252", "café “quoted” €"),
        ("us-ascii", "ascii", "plain"),
        ("koi8-r", "koi8-r", "привет"),
        ("windows-1251", "cp1251", "привет"),
        ("iso-8859-15", "iso8859-15", "10 €"),
        ("utf-16", "utf-16", KOREAN),
        ("utf-7", "utf-7", KOREAN),
    ],
)
def test_true_labels(label: str, codec: str, text: str) -> None:
    assert decode(text.encode(codec), label) == text


@pytest.mark.parametrize(
    "label", ["us-ascii", "iso-8859-1", "euc-kr", "windows-1252", "gb2312", "nonsense"]
)
def test_utf8_under_a_wrong_label(label: str) -> None:
    assert decode(KOREAN.encode(), label) == KOREAN


@pytest.mark.parametrize("label", ["us-ascii", "utf-8", None, "", "no-such-charset"])
def test_cp949_under_a_wrong_label(label: str | None) -> None:
    assert decode(KOREAN.encode("cp949"), label) == KOREAN


def test_latin_text_stays_with_its_label() -> None:
    assert decode("naïve café".encode("cp1252"), "iso-8859-1") == "naïve café"


def test_short_korean_is_not_taken_for_utf8() -> None:
    # Valid UTF-8 by accident: two octets each.
    assert decode(b"\xc4\xa1", "euc-kr") == "치"


def test_what_fits_nothing_is_shown_as_such() -> None:
    assert decode(b"ok \xff\xff\x80", "utf-8").startswith("ok ")
    assert decode(b"\x81", None) == "\ufffd"


@pytest.mark.parametrize(
    "label", ["rot13", "zlib", "base64", "idna", "os.path", "x" * 99]
)
def test_only_charsets_are_codecs(label: str) -> None:
    assert codec_of(label) is None


def test_half_characters_can_be_stored() -> None:
    for octets in (b"+2AA-", b"+2AA-\xff"):
        assert decode(octets, "utf-7").encode()


@given(st.binary(), st.sampled_from(["utf-8", "euc-kr", "hz", "utf-7", "x", "big5"]))
def test_decode_never_raises(octets: bytes, label: str) -> None:
    decode(octets, label)


WHATWG = """
866 cp866 csibm866 csisolatin2 iso-ir-101 iso_8859-2:1987 l2 csisolatin3
iso-ir-109 iso_8859-3:1988 l3 csisolatin4 iso-ir-110 l4 csisolatincyrillic
iso-ir-144 asmo-708 csiso88596e csisolatinarabic ecma-114 iso-8859-6-e
iso-8859-6-i iso-ir-127 ecma-118 csisolatingreek elot_928 greek8 sun_eu_greek
csiso88598e csisolatinhebrew logical visual iso-8859-8-e csisolatin6 iso-ir-157
l6 csisolatin9 l9 koi koi8-ru csmacintosh mac dos-874 csisolatin1 ibm819
iso_8859-1:1987 csisolatin5 iso-ir-148 l5 x-mac-cyrillic x-mac-ukrainian
csiso58gb231280 x-x-big5 unicodefffe csunicode unicodefeff x-unicode20utf8
ks_c_5601-1989 x-gbk x-euc-jp x-sjis ms_kanji x-cp1251 gb_2312-80
"""
MAIL = """
cp50220 cp50221 iso-2022-jp-ms iso-2022-jp-3 iso-2022-jp-2004 sjis-win eucjp-win
cp51932 cp437 cp737 cp852 ibm855 cp857 cp858 cp865 cp869 cp1125 utf-32 win-1251
koi8-t kz1048 x-mac-greek x-mac-ce x-mac-korean hp-roman8 big5-eten gb18030-2000
iso-latin-1 646
"""


@pytest.mark.parametrize("label", f"{WHATWG} {MAIL}".split())
def test_labels_of_the_wild(label: str) -> None:
    codec = codec_of(label.upper())
    assert codec
    codecs.lookup(codec)


def test_every_codec_is_there() -> None:
    for label, text in (
        ("greek8", "Αθήνα"),
        ("logical", "שלום"),
        ("x-mac-cyrillic", "Привет"),
        ("cp852", "Łódź"),
        ("utf-32be", "회의"),
        ("iso-2022-jp-ms", "会議"),
    ):
        codec = codec_of(label)
        assert codec
        assert decode(text.encode(codec), label) == text
