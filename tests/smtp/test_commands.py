"""Every dialogue of tests/dialogue/smtp against the real server, in memory.

A file's first line may choose the service: ``# service: submission``.
"""

import asyncio
from pathlib import Path

import pytest

from pabal.smtp.commands.conversation import Service
from pabal.smtp.server import SmtpServer
from pabal.smtp.settings import ServerSettings
from tests.smtp.builders import (
    HOSTNAME,
    FakeClock,
    FullSpool,
    MemoryAuthenticator,
    MemoryReceiver,
)
from tests.support.dialogue import play, read_dialogue
from tests.support.streams import stream_pair

DIALOGUES = sorted(Path(__file__).parent.parent.glob("dialogue/smtp/*.dlg"))

SMALL = ServerSettings(message_size_max=1_000_000)


def service_for(name: str, receiver: MemoryReceiver) -> Service:
    return {
        "relay": Service(HOSTNAME, receiver, SMALL),
        "submission": Service(
            HOSTNAME,
            receiver,
            ServerSettings(auth_required=True, message_size_max=1_000_000),
            MemoryAuthenticator(),
        ),
        "cleartext": Service(
            HOSTNAME,
            receiver,
            ServerSettings(auth_required=True, starttls=False),
            MemoryAuthenticator(cleartext=True),
        ),
        "full": Service(HOSTNAME, receiver, SMALL, new_spool=FullSpool),
    }[name]


def service_of(path: Path) -> str:
    first = path.read_text("utf-8").partition("\n")[0]
    return first.partition("# service: ")[2] or "relay"


@pytest.mark.parametrize("path", DIALOGUES, ids=[path.stem for path in DIALOGUES])
async def test_dialogue(path: Path) -> None:
    name = service_of(path)
    client, server = stream_pair()
    smtp = SmtpServer(service_for(name, MemoryReceiver()), FakeClock())
    serving = asyncio.get_running_loop().create_task(smtp.serve(server))
    try:
        await play(read_dialogue(path), client)
    finally:
        client.close()
        await serving


def test_there_are_dialogues() -> None:
    assert len(DIALOGUES) >= 20
