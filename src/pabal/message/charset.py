"""Octets to text: what a charset label means, and what it means when it lies.

Sans-IO. Nothing here raises on octets from outside.
Source: RFC 2045 §5 (charset parameter); the labels are those of the WHATWG Encoding
Standard, which says how mail and web are written, not only how they should be, and what
else mail programs write. Unknown stay ISO-2022-CN, EUC-TW and VISCII: Python has no
codec for them; what is so labelled is guessed.

Security: labels are looked up in a closed table. Python's own look-up would import
modules by a name a stranger chose, and remember every wrong one for ever.
"""

import re
from functools import lru_cache
from types import MappingProxyType
from typing import Final

_CODECS: Final = MappingProxyType(
    {
        label: codec
        for codec, labels in {
            "ascii": (
                "usascii ascii ansix341968 iso646us us isoir6 iso646irv1991 646 ascii7"
            ),
            "utf-8": "utf8 unicode11utf8 unicode20utf8 utf8mb4 csutf8",
            "utf-7": "utf7 unicode11utf7",
            "utf-16": "utf16 unicode ucs2 iso10646ucs2 csunicode",
            "utf-16-le": "utf16le unicodefeff",
            "utf-16-be": "utf16be unicodefffe",
            "utf-32": "utf32 ucs4 iso10646ucs4",
            "utf-32-le": "utf32le",
            "utf-32-be": "utf32be",
            # What Korean programs call KS X 1001 is its superset UHC, always.
            "cp949": (
                "euckr ksc56011987 ksc56011989 ksc5601 ksx1001 cp949 ms949 949 uhc"
                " windows949 cseuckr csksc56011987 korean isoir149 ksc mackorean"
            ),
            "iso2022_kr": "iso2022kr csiso2022kr",
            "johab": "johab cp1361",
            "gb18030": (
                "gb18030 gb180302000 gb2312 gbk cp936 ms936 936 euccn csgb2312"
                " gb231280 isoir58 csiso58gb231280 chinese windows936"
            ),
            "hz": "hzgb2312 hz",
            "big5hkscs": "big5 big5hkscs cp950 csbig5 cnbig5 bigfive big5eten xbig5",
            "cp932": (
                "shiftjis sjis cp932 ms932 mskanji windows31j csshiftjis sjiswin"
                " macjapanese cswindows31j"
            ),
            "euc_jis_2004": "eucjp cseucpkdfmtjapanese eucjpms eucjpwin cp51932",
            "iso2022_jp_ext": (
                "iso2022jp csiso2022jp iso2022jp1 iso2022jp2 csiso2022jp2 iso2022jpms"
                " cp50220 cp50221 cp50222"
            ),
            "iso2022_jp_3": "iso2022jp3",
            "iso2022_jp_2004": "iso2022jp2004",
            # RFC 1345 Latin-1 has control characters where everybody writes quotes.
            "cp1252": (
                "iso88591 latin1 l1 cp1252 windows1252 isoir100 cp819 ibm819 ansi"
                " csisolatin1 iso885911987 isolatin1 88591 win1252"
            ),
            "cp1250": "cp1250 windows1250 win1250",
            "cp1251": "cp1251 windows1251 win1251",
            "cp1253": "cp1253 windows1253 win1253",
            "cp1254": (
                "cp1254 windows1254 win1254 iso88599 latin5 l5 csisolatin5 isoir148"
                " iso885991989"
            ),
            "cp1255": "cp1255 windows1255 win1255",
            "cp1256": "cp1256 windows1256 win1256",
            "cp1257": "cp1257 windows1257 win1257",
            "cp1258": "cp1258 windows1258 win1258",
            "cp874": "cp874 windows874 dos874 tis620 iso885911",
            "cp437": "cp437 ibm437 437 cspc8codepage437",
            "cp737": "cp737 ibm737",
            "cp775": "cp775 ibm775",
            "cp850": "cp850 ibm850 850",
            "cp852": "cp852 ibm852 852",
            "cp855": "cp855 ibm855 855",
            "cp857": "cp857 ibm857 857",
            "cp858": "cp858 ibm858 ibm00858",
            "cp860": "cp860 ibm860 860",
            "cp861": "cp861 ibm861 861",
            "cp862": "cp862 ibm862 862",
            "cp863": "cp863 ibm863 863",
            "cp865": "cp865 ibm865 865",
            "cp866": "cp866 ibm866 866 csibm866",
            "cp869": "cp869 ibm869 869",
            "cp1125": "cp1125 ibm1125 cp866u",
            "iso8859-2": "iso88592 latin2 l2 csisolatin2 isoir101 iso885921987",
            "iso8859-3": "iso88593 latin3 l3 csisolatin3 isoir109 iso885931988",
            "iso8859-4": "iso88594 latin4 l4 csisolatin4 isoir110 iso885941988",
            "iso8859-5": "iso88595 cyrillic csisolatincyrillic isoir144 iso885951988",
            "iso8859-6": (
                "iso88596 arabic asmo708 csiso88596e csiso88596i csisolatinarabic"
                " ecma114 iso88596e iso88596i isoir127 iso885961987"
            ),
            "iso8859-7": (
                "iso88597 greek greek8 csisolatingreek ecma118 elot928 isoir126"
                " iso885971987 suneugreek"
            ),
            "iso8859-8": (
                "iso88598 iso88598i iso88598e hebrew csiso88598e csiso88598i"
                " csisolatinhebrew isoir138 iso885981988 visual logical"
            ),
            "iso8859-10": "iso885910 latin6 l6 csisolatin6 isoir157",
            "iso8859-13": "iso885913 latin7 l7",
            "iso8859-14": "iso885914 latin8 l8",
            "iso8859-15": "iso885915 latin9 l9 csisolatin9",
            "iso8859-16": "iso885916 latin10 l10",
            "koi8-r": "koi8r koi8 koi cskoi8r",
            "koi8-u": "koi8u koi8ru",
            "koi8-t": "koi8t",
            "kz1048": "kz1048 strk10482002",
            "ptcp154": "ptcp154 pt154 cyrillicasian",
            "hp-roman8": "hproman8 roman8 r8",
            "mac-roman": "macintosh macroman mac csmacintosh cp10000",
            "mac-cyrillic": "maccyrillic macukrainian cp10007",
            "mac-greek": "macgreek",
            "mac-turkish": "macturkish",
            "mac-latin2": "macce maccentraleurope maclatin2",
        }.items()
        for label in labels.split()
    }
)
"""Label (lower case, letters and digits only) to Python codec."""

_STATEFUL: Final = frozenset(
    {
        *("iso2022_kr", "iso2022_jp_ext", "iso2022_jp_3", "iso2022_jp_2004", "hz"),
        *("utf-7", "utf-16", "utf-16-le", "utf-16-be"),
        *("utf-32", "utf-32-le", "utf-32-be"),
    }
)
"""Codecs in which seven-bit octets need not mean ASCII."""

_DOUBLE_OCTET: Final = frozenset(
    {"cp949", "johab", "gb18030", "big5hkscs", "cp932", "euc_jis_2004"}
)
"""Codecs in which most text that is valid UTF-8 is an accident, but not all."""

_NOISE: Final = re.compile(r"[^0-9a-z]+")

_THREE_OCTETS_TWICE: Final = re.compile(rb"(?:[\xe0-\xef][\x80-\xbf]{2}){2}")
"""Two characters of UTF-8 in a row that Korean, Chinese and Japanese are made of."""

_LABELS_MAX: Final = 256
"""Labels remembered: a mailbox knows a dozen."""

LABEL_MAX: Final = 40
"""Longest label looked at; registered names are at most 40 (RFC 2978 §2.3)."""


@lru_cache(maxsize=_LABELS_MAX)
def codec_of(label: str) -> str | None:
    """Return Python's name of the charset ``label``, or ``None`` if unknown."""
    if len(label) > LABEL_MAX:
        return None
    key = _NOISE.sub("", label.lower())
    codec = _CODECS.get(key)
    if codec is None and label[:2].lower() == "x-":
        codec = _CODECS.get(key.lstrip("x"))
    return codec


def decode(octets: bytes, label: str | None = None) -> str:
    """Return the text of ``octets``, said to be in ``label``; never raises.

    A label that cannot be true is not believed: octets that are UTF-8 beyond doubt
    are read as UTF-8; octets that do not fit their label are guessed.
    """
    codec = codec_of(label) if label else None
    if octets.isascii() and codec not in _STATEFUL:
        return octets.decode("ascii")
    if codec is None or codec == "ascii" or _lies(octets, codec):
        return _guess(octets)
    try:
        text = octets.decode(codec)
    except UnicodeDecodeError:
        return _guess(octets, codec)
    return _without_surrogates(text) if codec == "utf-7" else text


def _lies(octets: bytes, codec: str) -> bool:
    """Whether ``octets`` (not ASCII) are UTF-8 although labelled ``codec``."""
    if codec == "utf-8" or codec in _STATEFUL:
        return False
    if codec in _DOUBLE_OCTET and not _THREE_OCTETS_TWICE.search(octets):
        return False
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _guess(octets: bytes, codec: str = "cp1252") -> str:
    """Return text of octets with no label or a wrong one; ``codec`` as last resort.

    UTF-8 is nearly impossible by accident; what fails it and comes from Korea is
    CP949; the rest keeps what fits and shows U+FFFD for what does not.
    """
    for guess in ("utf-8", "cp949"):
        if guess != codec:
            try:
                return octets.decode(guess)
            except UnicodeDecodeError:
                continue
    return _without_surrogates(octets.decode(codec, "replace"))


def _without_surrogates(text: str) -> str:
    """Return ``text`` so that it can be stored: UTF-7 spells halves of characters."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
