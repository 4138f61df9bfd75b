r"""Dialogues of the client: files that show what a server says and what we answer.

One step a line::

    # comment
    FROM: you@client.example         the reverse-path; without it this one
    TO: a@example.com                a recipient; at least one, in order
    BODY: 8BITMIME                   what the message is said to be; SMTPUTF8 too
    M: Subject: x                    a line of the message, sent with CRLF
    S: 250-mx.example                what the server says, sent with CRLF
    C: EHLO client.example           what we must say next, word for word
    C[message]                       the message and its end, in one write
    S[close]                         the server closes
    = 451 4.4.2 mx said              the outcome of the next recipient, * matches all
    = closed | usable                what the connection is afterwards
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.smtp.client import SmtpClient
from pabal.smtp.envelope import BodyType, Envelope, Recipient
from pabal.smtp.wire.data import DataEncoder
from tests.support.streams import MemoryStream

MESSAGE = "Subject: x\r\n\r\nhello\r\n.\r\n"


@dataclass
class ServerDialogue:
    """A file, read."""

    sender: str = "you@client.example"
    to: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    message: str = ""
    steps: list[tuple[int, str, str]] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    @property
    def octets(self) -> bytes:
        return (self.message or MESSAGE).encode()

    def envelope(self) -> Envelope:
        eight = "8BITMIME" in self.words
        return Envelope(
            Mailbox.parse(self.sender),
            [Recipient(Mailbox.parse(one)) for one in self.to],
            BodyType.EIGHT_BIT if eight else BodyType.SEVEN_BIT,
            smtputf8="SMTPUTF8" in self.words,
        )


def read(path: Path) -> ServerDialogue:
    found = ServerDialogue()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        kind, _, rest = line.partition(" ")
        if not kind or kind.startswith("#"):
            continue
        if kind == "FROM:":
            found.sender = rest
        elif kind == "TO:":
            found.to.append(rest)
        elif kind == "BODY:":
            found.words += rest.split()
        elif kind == "M:":
            found.message += f"{rest}\r\n"
        elif kind == "=":
            found.expected.append(rest)
        else:
            assert kind in {"S:", "C:", "C[message]", "S[close]"}, f"line {number}"
            found.steps.append((number, kind, rest))
    return found


async def serve(dialogue: ServerDialogue, stream: MemoryStream) -> None:
    """Play the server's side; fails with the file's line and what came instead."""
    buffered = b""
    encoder = DataEncoder()
    message = encoder.encode(dialogue.octets) + encoder.finish()
    for number, kind, rest in dialogue.steps:
        if kind == "S:":
            stream.send(f"{rest}\r\n".encode())
            continue
        if kind == "S[close]":
            stream.close()
            return
        wanted = message if kind == "C[message]" else f"{rest}\r\n".encode()
        while len(buffered) < len(wanted):
            octets = await stream.receive(5)
            assert octets, f"line {number}: waited for {wanted!r}, got {buffered!r}"
            if kind == "C[message]" and not buffered:
                assert octets == wanted, f"line {number}: in pieces: {octets!r}"
            buffered += octets
        said, buffered = buffered[: len(wanted)], buffered[len(wanted) :]
        assert said == wanted, f"line {number}: waited for {wanted!r}, got {said!r}"
    assert not buffered, f"nobody asked for {buffered!r}"


async def send(dialogue: ServerDialogue, client: SmtpClient) -> list[str]:
    """Play our side; return what the file should say came of it."""
    outcome = await client.start()
    lines = [str(outcome)]
    if outcome.ok:
        with Spool() as spool:
            spool.write(dialogue.octets)
            outcomes = await client.send(dialogue.envelope(), spool)
        lines = [str(one) for one in outcomes]
    return [*lines, "usable" if client.usable else "closed"]


def matches(found: list[str], expected: list[str]) -> bool:
    patterns = (re.escape(one).replace(r"\*", ".*") for one in expected)
    return len(found) == len(expected) and all(
        re.fullmatch(pattern, one) for pattern, one in zip(patterns, found, strict=True)
    )
