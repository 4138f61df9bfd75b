"""The languages the server speaks, and its words in each.

Sans-IO. Words are kept by the English ones, which the code has; a test looks that none
is missing. Clients read codes, people read these.
Source: RFC 5255 §3; RFC 4647 §3.4 (lookup).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

_REPLY: Final = re.compile(rb"((?:OK|NO|BAD) (?:\[[^\]]*\] )?|\[[^\]]*\] )?(.*)")
_EXPECTED: Final = b" expected"


@dataclass(frozen=True, slots=True)
class Language:
    """A language.

    Attributes:
        tag: Its tag.
        words: What is said in it, by what is said in English.
        expected: How a command that cannot be read is answered; has one place.
    """

    tag: bytes
    words: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    expected: bytes = b"%b expected"

    def say(self, text: bytes) -> bytes:
        """Return ``text`` in this language, or as it is if nobody translated it."""
        found = self.words.get(text)
        if found is not None:
            return found
        if text.endswith(_EXPECTED):
            return self.expected % text.removesuffix(_EXPECTED)
        return text

    def reply(self, reply: bytes) -> bytes:
        """Return ``NO [CODE] text`` with its text in this language."""
        match = _REPLY.fullmatch(reply)
        if match is None:
            return reply
        return (match[1] or b"") + self.say(match[2])


_KOREAN: Final = {
    "\\Recent is not for clients to set": "\\Recent는 클라이언트가 정할 수 없습니다",
    "a CR or LF stands alone": "CR이나 LF가 홀로 있습니다",
    "A mailbox cannot be below itself": "편지함은 자기 자신 아래에 있을 수 없습니다",
    "A mailbox cannot have that use": "편지함에 그런 용도를 줄 수 없습니다",
    "A mailbox stays with its owner": "편지함은 주인을 바꿀 수 없습니다",
    "A message has a NUL in it": "편지에 NUL이 들어 있습니다",
    "a tag and a command are expected": "꼬리표와 명령이 와야 합니다",
    "A value is too long": "값이 너무 깁니다",
    "Another mailbox has that use": "다른 편지함이 그 용도로 쓰이고 있습니다",
    "Appended": "추가했습니다",
    "Batches count upwards": "묶음은 위로 셉니다",
    "Batches told": "묶음입니다",
    "Begin TLS now": "이제 TLS를 시작하십시오",
    "Cancelled: a message is empty": "빈 편지가 있어 취소했습니다",
    "Capability completed": "기능 목록입니다",
    "Closed": "닫았습니다",
    "COMPRESS has DEFLATE active": "COMPRESS로 DEFLATE를 이미 쓰고 있습니다",
    "Copied": "복사했습니다",
    "Created": "만들었습니다",
    "DEFLATE active": "DEFLATE를 시작합니다",
    "DEFLATE is the only mechanism": "쓸 수 있는 방식은 DEFLATE뿐입니다",
    "Deleted": "지웠습니다",
    "Done": "했습니다",
    "Enabled": "켰습니다",
    "Expunged": "비웠습니다",
    "Fetch completed": "가져오기를 마쳤습니다",
    "Filters are UTF-8": "거르개는 UTF-8입니다",
    "First unseen": "처음으로 읽지 않은 편지",
    "Flags that are kept": "보관되는 표시",
    "Highest": "가장 높은 값",
    "Id": "식별자",
    "Idle completed": "기다리기를 마쳤습니다",
    "INBOX stays": "INBOX는 지울 수 없습니다",
    "Language changed": "이제 한국어로 말합니다",
    "Languages listed": "쓸 수 있는 언어입니다",
    "Limits are the administrator's to set": "한도는 관리자가 정합니다",
    "List completed": "목록을 마쳤습니다",
    "List told": "목록입니다",
    "Log-in cancelled": "로그인을 그만두었습니다",
    "Log-in failed": "로그인하지 못했습니다",
    "Logged in": "로그인했습니다",
    "Logged out": "로그아웃했습니다",
    "Logging out": "안녕히 가십시오",
    "Lsub completed": "목록을 마쳤습니다",
    "Metadata set": "메타데이터를 적었습니다",
    "Metadata told": "메타데이터입니다",
    "Moved": "옮겼습니다",
    "Namespace completed": "이름 공간입니다",
    "Next UID": "다음 UID",
    "No further updates": "더는 알리지 않습니다",
    "No mailbox can be called that": "편지함에 쓸 수 없는 이름입니다",
    "No mailbox is selected": "고른 편지함이 없습니다",
    "No search of that tag is kept current": "그 꼬리표로 이어지는 찾기가 없습니다",
    "Nobody here is called that": "여기에는 그런 이름을 쓰는 사람이 없습니다",
    "Nobody is logged in": "아무도 로그인하지 않았습니다",
    "Comparator told": "비교 방식입니다",
    "No such comparator": "그런 비교 방식이 없습니다",
    "None of these languages": "그 언어는 쓸 수 없습니다",
    "Nothing came for too long": "너무 오래 아무것도 오지 않았습니다",
    "Nothing to copy": "복사할 것이 없습니다",
    "Nothing to expunge": "비울 것이 없습니다",
    "Nothing to move": "옮길 것이 없습니다",
    "Notified from now on": "이제부터 알립니다",
    "Older messages were left out": "오래된 편지는 빠졌습니다",
    "Only UIDs are meant here": "UID로만 가리킬 수 있습니다",
    "Other Users": "다른 사용자",
    "Passwords need TLS here": "비밀번호는 TLS로만 보낼 수 있습니다",
    "Pleased to meet you": "반갑습니다",
    "Private entries are the owner's alone": "개인 항목은 주인만 쓸 수 있습니다",
    "QRESYNC is not enabled": "QRESYNC를 켜지 않았습니다",
    "Quota set": "할당량을 정했습니다",
    "Quota told": "할당량입니다",
    "RELEVANCY needs FUZZY": "RELEVANCY에는 FUZZY가 있어야 합니다",
    "Renamed": "이름을 바꾸었습니다",
    "Replaced": "바꾸어 놓았습니다",
    "Rights changed": "권한을 바꾸었습니다",
    "Rights told": "권한입니다",
    "Search completed": "찾기를 마쳤습니다",
    "Selected": "골랐습니다",
    "Shared entries of the server are read-only": "공용 항목은 읽을 수만 있습니다",
    "Shutting down": "서버가 멈춥니다",
    "Some are gone": "일부는 이미 없습니다",
    "Sort completed": "정렬을 마쳤습니다",
    "Status completed": "상태입니다",
    "Still at it": "아직 하고 있습니다",
    "Stored": "표시했습니다",
    "Subscribed": "구독합니다",
    "Such a limit cannot be set": "그런 한도는 정할 수 없습니다",
    "That cannot be done": "할 수 없는 일입니다",
    "That is no identifier": "그것은 식별자가 아닙니다",
    "That is no mailbox name": "편지함 이름이 아닙니다",
    "The account is full": "계정이 가득 찼습니다",
    "The batches are what they were": "묶음이 그대로입니다",
    "The batches are too small": "묶음이 너무 작습니다",
    "The charset is unknown": "모르는 문자 집합입니다",
    "the command is not allowed in this state": "지금은 할 수 없는 명령입니다",
    "the command is too long": "명령이 너무 깁니다",
    "The filter is no search": "거르개가 찾기 조건이 아닙니다",
    "the line is too long": "줄이 너무 깁니다",
    "the literal is too large": "리터럴이 너무 큽니다",
    "The mailbox exists": "그런 편지함이 이미 있습니다",
    "The mailbox is closed": "편지함을 닫았습니다",
    "The mailbox is open for reading only": "편지함을 읽기만 하려고 열었습니다",
    "The mechanism is not on offer": "쓸 수 없는 인증 방식입니다",
    "the message is too large": "편지가 너무 큽니다",
    "The messages are there already": "편지가 이미 거기에 있습니다",
    "The owner keeps every right": "주인은 모든 권한을 가집니다",
    "The previous mailbox is closed": "앞의 편지함을 닫았습니다",
    "The replacement is there": "바꿀 편지를 넣었습니다",
    "The results are not kept current": "결과가 바뀌어도 알리지 않습니다",
    "The selected mailbox is not shared any more": "이 편지함은 이제 공유되지 않습니다",
    "The selected mailbox was deleted": "고른 편지함이 지워졌습니다",
    "The tag names another search": "꼬리표가 다른 찾기에 쓰이고 있습니다",
    "The transfer encoding is unknown": "모르는 전송 부호화입니다",
    "The URL names nothing here": "URL이 가리키는 것이 여기 없습니다",
    "There is an INBOX already": "INBOX는 이미 있습니다",
    "There is no message of that number": "그 번호의 편지가 없습니다",
    "There is no room left": "남은 자리가 없습니다",
    "there is no such command": "그런 명령이 없습니다",
    "There is no such event here": "그런 사건은 알릴 수 없습니다",
    "There is no such filter": "그런 거르개가 없습니다",
    "There is no such mailbox": "그런 편지함이 없습니다",
    "There is no such message": "그런 편지가 없습니다",
    "There is no such quota root": "그런 할당량이 없습니다",
    "There is no such right": "그런 권한은 없습니다",
    "Thread completed": "묶기를 마쳤습니다",
    "TLS is not on offer": "TLS를 쓸 수 없습니다",
    "Too many batches at once": "한 번에 묶음이 너무 많습니다",
    "Too many commands without meaning": "뜻 없는 명령이 너무 많습니다",
    "Too many entries": "항목이 너무 많습니다",
    "Too many failed log-ins": "로그인 실패가 너무 많습니다",
    "Too many flags at once": "한 번에 너무 많은 표시입니다",
    "Too many mailboxes at once": "한 번에 너무 많은 편지함입니다",
    "too many messages at once": "한 번에 너무 많은 편지입니다",
    "Too many messages at once": "한 번에 편지가 너무 많습니다",
    "Too much happened at once": "한꺼번에 너무 많은 일이 있었습니다",
    "Try again later": "나중에 다시 하십시오",
    "UIDs are valid": "UID가 유효합니다",
    "Unselected": "편지함에서 나왔습니다",
    "Unsubscribed": "구독을 그만두었습니다",
    "You may not do that here": "여기에서는 그럴 권한이 없습니다",
}

DEFAULT: Final = Language(b"i-default")
ENGLISH: Final = Language(b"en")
KOREAN: Final = Language(
    b"ko",
    MappingProxyType(
        {english.encode(): korean.encode() for english, korean in _KOREAN.items()}
    ),
    "명령을 읽을 수 없습니다 (%b)".encode(),
)
LANGUAGES: Final = (ENGLISH, KOREAN, DEFAULT)


def find(ranges: Sequence[bytes]) -> Language | None:
    """Return the first language one of ``ranges`` means, ``None`` if none does."""
    known = {language.tag.lower(): language for language in LANGUAGES}
    known[b"default"] = DEFAULT
    for asked in ranges:
        tag = asked.lower()
        while tag:
            if tag in known:
                return known[tag]
            # RFC 4647 §3.4: what is more special is cut off.
            tag = tag.rpartition(b"-")[0]
    return None
