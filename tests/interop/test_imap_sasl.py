"""IMAP log-in with the directory's own mechanisms, a client's side from the RFCs."""

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest

from pabal.directory.authenticator import DirectoryAuthenticator
from pabal.directory.book import Book
from pabal.directory.memory import MemoryTables
from pabal.directory.settings import AuthSettings, Cleartext
from pabal.imap.server import ImapParts, ImapServer
from pabal.message.address import Mailbox
from pabal.store.memory.account import MemoryStore
from tests.directory.contract import CHEAP
from tests.directory.sasl.client import ScramClient
from tests.imap.rig import Client, FakeClock
from tests.support.streams import stream_pair


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    clock = FakeClock()
    book = Book(MemoryTables(), clock, CHEAP)
    book.add_domain("example.com")
    book.add_account(Mailbox.parse("user@example.com"), "sesame")
    settings = AuthSettings(cleartext=Cleartext.ALWAYS)
    authenticator = DirectoryAuthenticator(book, settings, clock, asyncio.sleep)
    server = ImapServer(MemoryStore(clock), ImapParts(authenticator, clock))
    ours, theirs = stream_pair()
    task = asyncio.get_running_loop().create_task(server.serve(theirs))
    one = Client(ours)
    await one.read_line()
    yield one
    ours.close()
    await task
    authenticator.close()


async def say(client: Client, octets: bytes) -> bytes:
    """Send a line, base64, and return what the challenge said."""
    client.stream.send(base64.b64encode(octets) + b"\r\n")
    return await heard(client)


async def heard(client: Client) -> bytes:
    line = await client.read_line()
    return base64.b64decode(line[2:]) if line.startswith(b"+ ") else line


@pytest.mark.parametrize("initial", [True, False])
async def test_scram(client: Client, initial: bool) -> None:
    scram = ScramClient("user@example.com", "sesame")
    if initial:
        first = base64.b64encode(scram.first())
        client.stream.send(b"a AUTHENTICATE SCRAM-SHA-256 " + first + b"\r\n")
        challenge = await heard(client)
    else:
        client.stream.send(b"a AUTHENTICATE SCRAM-SHA-256\r\n")
        assert await heard(client) == b""
        challenge = await say(client, scram.first())
    assert await say(client, scram.last(challenge)) == scram.signature
    assert (await say(client, b"")).startswith(b"a OK [CAPABILITY ")
    await client.ok("SELECT INBOX")


async def test_scram_with_a_wrong_password(client: Client) -> None:
    scram = ScramClient("user@example.com", "wrong")
    client.stream.send(b"a AUTHENTICATE SCRAM-SHA-256\r\n")
    await heard(client)
    challenge = await say(client, scram.first())
    said = await say(client, scram.last(challenge))
    assert said == b"a NO [AUTHENTICATIONFAILED] Log-in failed"


async def test_login_mechanism(client: Client) -> None:
    client.stream.send(b"a AUTHENTICATE LOGIN\r\n")
    assert await heard(client) == b"Username:"
    assert await say(client, b"user@example.com") == b"Password:"
    assert (await say(client, b"sesame")).startswith(b"a OK [CAPABILITY ")


async def test_what_is_offered(client: Client) -> None:
    (line,) = await client.ok("CAPABILITY")
    for name in (b"AUTH=PLAIN", b"AUTH=LOGIN", b"AUTH=SCRAM-SHA-256"):
        assert name in line.split()
