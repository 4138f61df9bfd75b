"""The story without servers: what a client cannot read back ends it."""

from email.message import EmailMessage

import pytest

from pabal.lab import story
from pabal.lab.story import Beginning, Part, Scene, play
from pabal.lab.world import Host
from tests.lab.letters import world


async def parts() -> list[Part]:
    return [part async for part in play(world())]


async def test_a_server_that_does_not_answer_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ask(*_: object) -> tuple[str, ...]:
        raise ConnectionRefusedError("connection refused")

    monkeypatch.setattr(story, "ask", ask)
    beginning, scene = await parts()
    assert isinstance(beginning, Beginning)
    assert isinstance(scene, Scene)
    assert (scene.title, scene.proof) == (beginning.title, "connection refused")
    assert not scene.ok


async def test_a_name_that_does_not_rotate_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(story, "ask", lambda *_: ("127.0.1.1", "127.0.2.1"))
    monkeypatch.setattr(story, "page", lambda *_: "from server (127.0.1.1)")
    scene = (await parts())[-1]
    assert isinstance(scene, Scene)
    assert not scene.ok
    assert scene.proof.endswith("server, server, server, server")


async def test_another_text_than_was_sent_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turn = iter(range(99))

    def ask(*_: object) -> tuple[str, ...]:
        return ("127.0.1.1",) if next(turn) % 2 else ("127.0.2.1",)

    def page(_host: Host, address: str, _name: str) -> str:
        return f"from {'server' if address == '127.0.1.1' else 'server-b'} ({address})"

    class Device:
        def __init__(self, *_: object) -> None:
            pass

        def find(self, _message_id: str) -> str:
            return "1"

        def fetch(self, _uid: str) -> EmailMessage:
            message = EmailMessage()
            message["Subject"] = "안녕하세요, 파발입니다"
            message.set_content("something else\n")
            return message

    monkeypatch.setattr(story, "ask", ask)
    monkeypatch.setattr(story, "page", page)
    monkeypatch.setattr(story, "submit", lambda *_: None)
    monkeypatch.setattr(story, "ImapDevice", Device)
    found = await parts()
    first, last = found[1], found[-1]
    assert isinstance(first, Scene)
    assert first.ok
    assert isinstance(last, Scene)
    assert not last.ok
    assert last.proof == "the text is another one"
