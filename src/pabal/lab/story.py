"""The story: what the two users do, and what their programs see.

Each scene says what it did and proves it by what a client reads back. The story knows
nothing of how it is shown.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Final

from pabal.lab.clients import (
    CLIENT_ERRORS,
    ImapDevice,
    Inbox,
    ask,
    page,
    pop3_fetch,
    submit,
)
from pabal.lab.world import WEB_NAME, Host, Person, World

ROUNDS: Final = 4
"""How often the round-robin name is asked: twice around two addresses."""

DEVICES: Final = 2
"""Phone and laptop of one user: the same mailbox."""

DELIVERED: Final = {"sent": 1, "delivered": 1, "fetched": 1}
READ_TWICE: Final = {**DELIVERED, "fetched": DEVICES}
BOUNCED: Final = {"bounced": 1}
"""Stations a letter must have passed, and how often."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message of the story.

    Attributes:
        message_id: Without brackets.
        sender: Reverse-path.
        recipient: Forward-path.
        outcome: ``delivered`` or ``bounced``, as the clients saw it.
        stages: Stations it must have passed for that, and how often.
    """

    message_id: str
    sender: str
    recipient: str
    outcome: str
    stages: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question of the story's clients."""

    question: str
    asked: str
    answer: str


@dataclass(frozen=True, slots=True)
class Beginning:
    """A scene is being played."""

    title: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What happened: one line for people, and what there is to look at.

    Attributes:
        title: What was done.
        proof: What a client read back.
        ok: Whether it was as it should be.
        letter: The message it was about.
        lookups: What its clients asked.
    """

    title: str
    proof: str
    ok: bool
    letter: Letter | None = None
    lookups: tuple[Lookup, ...] = ()


Part = Beginning | Scene


class StoryError(Exception):
    """A scene did not end as it should."""


async def play(world: World) -> AsyncIterator[Part]:
    """Play every scene in order; one that fails is the last."""
    scenes: tuple[Callable[[World], AsyncIterator[Part]], ...] = (
        _names,
        _letter_and_answer,
        _nobody,
    )
    title = ""
    for scene in scenes:
        try:
            async for part in scene(world):
                title = part.title
                yield part
                if isinstance(part, Scene) and not part.ok:
                    return
        except (StoryError, *CLIENT_ERRORS) as error:
            yield Scene(title, str(error) or type(error).__name__, ok=False)
            return


async def _names(world: World) -> AsyncIterator[Part]:
    server = world.server
    title = f"A browser opens {WEB_NAME} {ROUNDS} times"
    yield Beginning(title)
    turns = [await asyncio.to_thread(ask, server, WEB_NAME, "A") for _ in range(ROUNDS)]
    pages = [await asyncio.to_thread(page, server, turn[0], WEB_NAME) for turn in turns]
    firsts = {turn[0] for turn in turns}
    came_from = [
        next((h.label for h in world.hosts if f"{h.label} (" in text), "nobody")
        for text in pages
    ]
    yield Scene(
        title,
        "the pages came from " + ", ".join(came_from),
        ok=len(firsts) == 2 and set(came_from) == {"server", "server-b"},
        lookups=tuple(_lookup(WEB_NAME, "A", server, turn) for turn in turns),
    )


async def _letter_and_answer(world: World) -> AsyncIterator[Part]:
    server, server_b = world.server, world.server_b
    student, teacher = _person(server), _person(server_b)
    title = f"{student.address} writes to {teacher.address}"
    yield Beginning(title)
    devices = [
        await asyncio.to_thread(ImapDevice, server_b, teacher) for _ in range(DEVICES)
    ]
    letter = _compose(
        student, teacher.address, "안녕하세요, 파발입니다", "봉화가 올랐습니다.\n"
    )
    await asyncio.to_thread(submit, server, student, letter)
    uids = set()
    arrived = letter
    for device in devices:
        uid = await asyncio.to_thread(device.find, _id(letter))
        arrived = await asyncio.to_thread(device.fetch, uid)
        _expect(arrived["Subject"] == letter["Subject"], "the subject is another one")
        _expect(_text(arrived) == _text(letter), "the text is another one")
        uids.add(uid)
    yield Scene(
        title,
        f"{len(devices)} IMAP devices read “{arrived['Subject']}”",
        ok=len(uids) == 1,
        letter=Letter(
            _id(letter), student.address, teacher.address, "delivered", READ_TWICE
        ),
    )
    title = "One device flags it"
    yield Beginning(title)
    await asyncio.to_thread(devices[0].mark, min(uids), "\\Flagged")
    seen = await asyncio.to_thread(devices[1].sees, min(uids), "\\Flagged")
    yield Scene(title, "the other one shows the flag: the mailbox is one", ok=seen)
    for device in devices:
        await asyncio.to_thread(device.close)
    title = f"{teacher.address} answers"
    yield Beginning(title)
    yield await _answer(world, arrived, title)


async def _answer(world: World, question: EmailMessage, title: str) -> Scene:
    student, teacher = _person(world.server), _person(world.server_b)
    answer = _compose(
        teacher, student.address, f"Re: {question['Subject']}", "잘 받았습니다.\n"
    )
    answer["In-Reply-To"] = question["Message-ID"]
    await asyncio.to_thread(submit, world.server_b, teacher, answer)
    arrived = await asyncio.to_thread(
        pop3_fetch,
        Inbox(world.server, student),
        lambda message: message["Message-ID"] == answer["Message-ID"],
    )
    _expect(_text(arrived) == _text(answer), "the text is another one")
    return Scene(
        title,
        f"POP3 reads “{arrived['Subject']}”",
        ok=arrived["Subject"] == answer["Subject"],
        letter=Letter(
            _id(answer), teacher.address, student.address, "delivered", DELIVERED
        ),
    )


async def _nobody(world: World) -> AsyncIterator[Part]:
    student = _person(world.server)
    nobody = f"nobody@{world.server_b.domain}"
    title = f"{student.address} writes to {nobody}"
    yield Beginning(title)
    letter = _compose(student, nobody, "Is anybody there?", "Hello?\n")
    await asyncio.to_thread(submit, world.server, student, letter)

    def is_bounce(message: EmailMessage) -> bool:
        return message.get_content_type() == "multipart/report" and (
            _id(letter) in message.as_string()
        )

    bounce = await asyncio.to_thread(
        pop3_fetch, Inbox(world.server, student), is_bounce
    )
    report = next(
        part.as_string()
        for part in bounce.walk()
        if part.get_content_type() == "message/delivery-status"
    )
    yield Scene(
        title,
        f"a bounce came back: “{bounce['Subject']}”",
        ok="Action: failed" in report and "5.1.1" in report,
        letter=Letter(_id(letter), student.address, nobody, "bounced", BOUNCED),
    )


def _compose(person: Person, to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = person.address
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = make_msgid(domain=person.address.partition("@")[2])
    message.set_content(text)
    return message


def _person(host: Host) -> Person:
    if host.person is None:
        raise StoryError(f"nobody lives on {host.label}")
    return host.person


def _id(message: EmailMessage) -> str:
    return str(message["Message-ID"]).strip("<> ")


def _text(message: EmailMessage) -> str:
    return str(message.get_content()).replace("\r\n", "\n").strip()


def _expect(holds: object, otherwise: str) -> None:
    if not holds:
        raise StoryError(otherwise)


def _lookup(name: str, rdtype: str, host: Host, answer: tuple[str, ...]) -> Lookup:
    return Lookup(f"{name} {rdtype}", str(host.endpoint("dns")), ", ".join(answer))
