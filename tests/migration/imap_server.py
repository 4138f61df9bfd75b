"""The other end of an IMAP conversation, in memory: what a test wants it to say."""

import re
from collections.abc import Callable

from typing_extensions import override

from pabal.net.endpoint import Endpoint
from pabal.net.ports import TlsFailedError
from tests.support.streams import MemoryStream

Message = tuple[int, str, str, bytes]
"""UID, flags, INTERNALDATE, octets."""


def status(words: str) -> str:
    return f"* STATUS {words}\r\n"


class FakeServer(MemoryStream):
    """Answers a client at once.

    Attributes:
        commands: What was said, without tags.
        boxes: Name on the wire → UIDVALIDITY and messages.
        answers: Command → what is said instead, with {tag}.
        whole: Whether messages come in the order asked, each once.
    """

    def __init__(self, capabilities: str = "IMAP4rev1 AUTH=PLAIN SASL-IR") -> None:
        super().__init__(Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 143))
        self.commands: list[str] = []
        self.boxes: dict[str, tuple[int, list[Message]]] = {"INBOX": (7, [])}
        self.answers: dict[str, str] = {}
        self.list = '* LIST () "/" INBOX\r\n'
        self.lsub = '* LSUB () "/" INBOX\r\n'
        self.capabilities = capabilities
        self.selected = "INBOX"
        self.held: list[bytes] = []
        self.hold = 0
        self.server_name = ""
        self.secret = ""
        self.arrive(b"* OK Fake Dovecot ready (:\r\n")

    @override
    def send(self, data: bytes) -> None:
        tag, _, command = (
            data.decode(errors="surrogateescape").rstrip("\r\n").partition(" ")
        )
        if tag == self.secret:
            self.arrive(b"p2 OK\r\n")
            return
        self.commands.append(command)
        for start, answer in self.answers.items():
            if command.startswith(start):
                self.arrive(answer.format(tag=tag).encode("latin-1"))
                return
        reply = self.reply(command) + f"{tag} OK (done\r\n".encode()
        # Commands sent ahead may be answered together, in any order.
        self.held.append(reply)
        if len(self.held) > self.hold:
            self.arrive(b"".join(reversed(self.held)))
            self.held.clear()

    @override
    async def start_tls(self, server_name: str = "") -> None:
        self.server_name = server_name
        if not self.tls_works:
            raise TlsFailedError("certificate verify failed")

    @override
    def close(self, *, linger: bool = True) -> None:
        self.closed = True
        self.end()

    def reply(self, command: str) -> bytes:
        table: dict[str, Callable[[str], bytes]] = {
            "STATUS": self.status,
            "EXAMINE": self.examine,
            "UID": self.uid,
        }
        fixed = {
            "CAPABILITY": f"* CAPABILITY {self.capabilities}\r\n",
            "LIST": self.list,
            "LSUB": self.lsub,
            "NAMESPACE": '* NAMESPACE (("INBOX." ".")) (("other." ".")) NIL\r\n',
        }
        word = command.partition(" ")[0]
        if word in table:
            return table[word](command)
        return fixed.get(word, "").encode("latin-1")

    def status(self, command: str) -> bytes:
        name = command.split('"')[1]
        validity, messages = self.boxes.get(name, (0, []))
        return status(
            f'"{name}" (MESSAGES {len(messages)} UIDVALIDITY {validity})'
        ).encode(errors="surrogateescape")

    def examine(self, command: str) -> bytes:
        self.selected = command.split('"')[1]
        validity, messages = self.boxes.get(self.selected, (0, []))
        return (
            f"* {len(messages)} EXISTS\r\n* OK [UIDVALIDITY {validity}] :)\r\n"
        ).encode()

    def uid(self, command: str) -> bytes:
        messages = self.boxes[self.selected][1]
        if command == "UID SEARCH ALL":
            return f"* SEARCH {' '.join(str(m[0]) for m in messages)}\r\n".encode()
        found = re.fullmatch(r"UID FETCH (\S+) \((.*)\)", command)
        assert found
        said = []
        for number, (uid, flags, date, octets) in enumerate(messages, 1):
            if not within(uid, found[1]):
                continue
            if "BODY.PEEK[]" in found[2]:
                said.append(
                    b'* %d FETCH (UID %d INTERNALDATE "%b" BODY[] {%d}\r\n%b)\r\n'
                    % (number, uid, date.encode(), len(octets), octets)
                )
            else:
                said.append(
                    f"* {number} FETCH (UID {uid} FLAGS ({flags})"
                    f" RFC822.SIZE {len(octets)})\r\n".encode()
                )
        return b"".join(said)


def within(uid: int, spelt: str) -> bool:
    for part in spelt.split(","):
        first, _, last = part.partition(":")
        if int(first) <= uid <= int(last or first):
            return True
    return False
