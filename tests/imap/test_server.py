"""The whole server over streams in memory: dialogues, and what they cannot say."""

from pathlib import Path

import pytest

from pabal.imap.settings import ImapSettings
from pabal.store.flags import FLAGGED, SEEN
from pabal.store.limits import Limits
from tests.imap.rig import FakeAuthenticator, FakePeople, Rig, letter
from tests.support.dialogue import play, read_dialogue

DIALOGUES = Path(__file__).parent.parent / "dialogue" / "imap"

MIXED = (
    b"From: =?euc-kr?B?vtm4rr26?= <alice@example.com>\r\n"
    b"To: user@example.com\r\n"
    b"Subject: =?euc-kr?B?yLjAxyC+yLO7?=\r\n"
    b"Date: Tue, 22 Sep 2026 09:00:00 +0900\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b1\r\n"
    b"\r\n"
    b"prologue\r\n"
    b"--b1\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: base64\r\n"
    b"\r\n"
    b"7ZqM7J2Y66W8IO2VqeuLiOuLpC4K\r\n"
    b"--b1\r\n"
    b"Content-Type: message/rfc822\r\n"
    b"\r\n"
    b"From: bob@example.com\r\n"
    b"Subject: inner\r\n"
    b"\r\n"
    b"inner text\r\n"
    b"--b1--\r\n"
)
"""Three levels, Korean in two charsets; subject 회의 안내, text 회의를 합니다."""


SMALL = ImapSettings(
    hostname="mail.example.com",
    message_max_octets=2000,
    saves_max=3,
    bad_commands_max=5,
    login_failures_max=3,
)
"""Limits a dialogue can reach in a few lines."""


async def world(rig: Rig) -> None:
    """Fill the account every dialogue begins with."""
    await rig.put([letter("one")])
    await rig.put([letter("two")], flags=frozenset((SEEN, FLAGGED)))
    await rig.put([MIXED])


@pytest.mark.parametrize("path", sorted(DIALOGUES.glob("*.dlg")), ids=lambda p: p.stem)
async def test_dialogue(path: Path) -> None:
    rig = Rig(SMALL, FakeAuthenticator(strict="strict" in path.stem))
    if path.stem in {"acl", "quota-set"}:
        rig = Rig(SMALL, people=FakePeople())
    if path.stem.startswith("quota"):
        rig.limits[1] = Limits(4096, 5)
    await world(rig)
    async with rig.connection() as client:
        await play(read_dialogue(path), client)


def test_there_are_dialogues() -> None:
    assert len(list(DIALOGUES.glob("*.dlg"))) >= 25
