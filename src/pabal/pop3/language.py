"""The languages POP3 speaks, and its words in each.

Sans-IO. Programs read codes and numbers, people read these.
Source: RFC 6856 §3 (LANG); RFC 4647 §3.3.1 (basic filtering).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_REPLY: Final = re.compile(rb"(\+OK |-ERR (?:\[[^\]\r\n]*\] )?)([^\r\n]*)\r\n")
_NUMBER: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Language:
    """A language.

    Attributes:
        tag: Its tag.
        name: What it calls itself.
        changed: What is said once it is spoken.
        words: What is said in it, by what is said in English; N stands for a number.
    """

    tag: str
    name: str
    changed: str
    words: Mapping[str, str] = field(default_factory=dict, repr=False)

    def reply(self, octets: bytes) -> bytes:
        """Return a response with the words of its first line in this language."""
        match = _REPLY.match(octets) if self.words else None
        if match is None:
            return octets
        text = match[2].decode("utf-8", "replace")
        told = self.words.get(_NUMBER.sub("N", text))
        if told is None:
            return octets
        for number in _NUMBER.findall(text):
            told = told.replace("N", number, 1)
        return b"%b%b\r\n%b" % (match[1], told.encode("utf-8"), octets[match.end() :])


ENGLISH: Final = Language("en", "English", "English from now on")

_KOREAN: Final = {
    "N messages": "편지 N통",
    "N messages (N octets)": "편지 N통 (N옥텟)",
    "N octets": "N옥텟",
    "TLS is not on offer": "TLS를 쓸 수 없습니다",
    "USER first": "먼저 USER를 보내십시오",
    "a line ends with CRLF": "줄은 CRLF로 끝납니다",
    "a number is made of digits": "수는 숫자로 씁니다",
    "an argument is missing": "인자가 없습니다",
    "another session has the maildrop": "다른 세션이 편지함을 쓰고 있습니다",
    "begin TLS": "TLS를 시작하십시오",
    "bye": "안녕히 가십시오",
    "cancelled": "취소했습니다",
    "line too long": "줄이 너무 깁니다",
    "log-in failed": "로그인하지 못했습니다",
    "mechanism is not on offer": "그런 인증 방식이 없습니다",
    "message is deleted": "지운 편지입니다",
    "message is gone": "편지가 없어졌습니다",
    "messages were not removed": "편지를 지우지 못했습니다",
    "no AUTH in progress": "진행 중인 AUTH가 없습니다",
    "no maildrop": "편지함이 없습니다",
    "no such language": "그런 언어는 하지 못합니다",
    "no such message": "그런 편지가 없습니다",
    "not UTF-8": "UTF-8이 아닙니다",
    "not after log-in": "로그인한 뒤에는 할 수 없습니다",
    "not base64": "base64가 아닙니다",
    "not before log-in": "로그인하기 전에는 할 수 없습니다",
    "passwords need TLS here: use STLS": "암호는 TLS로만 받습니다: STLS를 쓰십시오",
    "takes no argument": "인자가 없는 명령입니다",
    "too many errors": "잘못된 명령이 너무 많습니다",
    "too many failures": "로그인 실패가 너무 많습니다",
    "too soon after the last log-in": "지난 로그인 뒤 너무 이릅니다",
    "try again later": "나중에 다시 하십시오",
    "unknown command": "모르는 명령입니다",
    "which mechanism?": "어느 인증 방식입니까?",
    "wrong number of arguments": "인자의 수가 맞지 않습니다",
}

KOREAN: Final = Language("ko", "한국어", "이제 한국어로 말합니다", _KOREAN)

LANGUAGES: Final = (ENGLISH, KOREAN)
"""Every language, the preferred one first."""


def find(wanted: str) -> Language | None:
    """Return the first language the range ``wanted`` stands for; ``*`` is any."""
    if wanted == "*":
        return LANGUAGES[0]
    folded = wanted.lower()
    for language in LANGUAGES:
        # A range of a region is met by the language as a whole, as people expect.
        if folded == language.tag or folded.startswith(language.tag + "-"):
            return language
    return None


def listing() -> tuple[str, ...]:
    """Return the lines that tell every language."""
    return tuple(f"{language.tag} {language.name}" for language in LANGUAGES)
