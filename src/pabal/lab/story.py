"""The story: what the two users do, and what their programs see.

Each scene says what it did and proves it by what a client reads back. The story knows
nothing of how it is shown.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Final

from pabal.lab.clients import ImapDevice, ask, page, pop3_fetch, submit
from pabal.lab.world import WEB_NAME, Host, Person, World

ROUNDS: Final = 4
"""How often the round-robin name is asked: twice around two addresses."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message of the story.

    Attributes:
        message_id: Without brackets.
        sender: Reverse-path.
        recipient: Forward-path.
        outcome: ``delivered`` or ``bounced``, as the clients saw it.
    """

    message_id: str
    sender: str
    recipient: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question of the story's clients."""

    question: str
    asked: str
    answer: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What happened: one line for people, and what there is to look at.

    Attributes:
        title: What was done.
        proof: What a client read back.
        ok: Whether it was as it should be.
    """

    title: str
    proof: str
    ok: bool
    letter: Letter | None = None
    lookups: tuple[Lookup, ...] = ()


class StoryError(Exception):
    """A scene did not end as it should."""


async def play(world: World) -> AsyncIterator[Scene]:
    """Play every scene in order; one that fails is the last."""
    scenes: list[Callable[[World], AsyncIterator[Scene]]] = [
        _names,
        _letter_and_answer,
        _nobody,
    ]
    for scene in scenes:
        try:
            async for part in scene(world):
                yield part
                if not part.ok:
                    return
        except (OSError, LookupError, StoryError, EOFError) as error:
            yield Scene(
                scene.__name__.strip("_").replace("_", " "), str(error), ok=False
            )
            return


async def _names(world: World) -> AsyncIterator[Scene]:
    server = world.server
    turns = [await asyncio.to_thread(ask, server, WEB_NAME, "A") for _ in range(ROUNDS)]
    pages = [await asyncio.to_thread(page, server, turn[0], WEB_NAME) for turn in turns]
    firsts = {turn[0] for turn in turns}
    seen = {host.label for host in (server, world.server_b)}
    both = all(any(label + " (" in text for text in pages) for label in seen)
    yield Scene(
        f"A browser opens {WEB_NAME} {ROUNDS} times",
        "first address " + ", ".join(turn[0] for turn in turns),
        ok=len(firsts) == 2 and both,
        lookups=tuple(_lookup(WEB_NAME, "A", server, turn) for turn in turns),
    )


async def _letter_and_answer(world: World) -> AsyncIterator[Scene]:
    server, server_b = world.server, world.server_b
    student, teacher = _person(server), _person(server_b)
    devices = [await asyncio.to_thread(ImapDevice, server_b, teacher) for _ in range(2)]
    letter = _compose(
        student, teacher.address, "안녕하세요, 파발입니다", "봉화가 올랐습니다.\n"
    )
    await asyncio.to_thread(submit, server, student, letter)
    uid = await asyncio.to_thread(devices[0].find, _id(letter))
    arrived = await asyncio.to_thread(devices[0].fetch, uid)
    _expect(arrived["Subject"] == letter["Subject"], "the subject is another one")
    _expect(_text(arrived) == _text(letter), "the text is another one")
    yield Scene(
        f"{student.address} writes to {teacher.address}",
        f"IMAP device 1 reads “{arrived['Subject']}”",
        ok=True,
        letter=Letter(_id(letter), student.address, teacher.address, "delivered"),
    )
    other = await asyncio.to_thread(devices[1].find, _id(letter))
    await asyncio.to_thread(devices[0].mark, uid, "\\Flagged")
    seen = await asyncio.to_thread(devices[1].sees, other, "\\Flagged")
    yield Scene(
        "Device 1 flags it; the mailbox is one",
        "device 2 shows the flag",
        ok=seen and other == uid,
    )
    for device in devices:
        await asyncio.to_thread(device.close)
    yield await _answer(world, arrived)


async def _answer(world: World, question: EmailMessage) -> Scene:
    student, teacher = _person(world.server), _person(world.server_b)
    answer = _compose(
        teacher, student.address, f"Re: {question['Subject']}", "잘 받았습니다.\n"
    )
    answer["In-Reply-To"] = question["Message-ID"]
    await asyncio.to_thread(submit, world.server_b, teacher, answer)
    arrived = await asyncio.to_thread(
        pop3_fetch,
        world.server,
        student,
        lambda message: message["Message-ID"] == answer["Message-ID"],
    )
    _expect(_text(arrived) == _text(answer), "the text is another one")
    return Scene(
        f"{teacher.address} answers",
        f"POP3 reads “{arrived['Subject']}”",
        ok=arrived["Subject"] == answer["Subject"],
        letter=Letter(_id(answer), teacher.address, student.address, "delivered"),
    )


async def _nobody(world: World) -> AsyncIterator[Scene]:
    student = _person(world.server)
    nobody = f"nobody@{world.server_b.domain}"
    letter = _compose(student, nobody, "Is anybody there?", "Hello?\n")
    await asyncio.to_thread(submit, world.server, student, letter)

    def is_bounce(message: EmailMessage) -> bool:
        return message.get_content_type() == "multipart/report" and (
            _id(letter) in message.as_string()
        )

    bounce = await asyncio.to_thread(pop3_fetch, world.server, student, is_bounce)
    report = next(
        part.as_string()
        for part in bounce.walk()
        if part.get_content_type() == "message/delivery-status"
    )
    yield Scene(
        f"{student.address} writes to {nobody}",
        f"a bounce came back: “{bounce['Subject']}”",
        ok="Action: failed" in report and "5.1.1" in report,
        letter=Letter(_id(letter), student.address, nobody, "bounced"),
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
