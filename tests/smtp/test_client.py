"""The client against the real server, and against servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pabal.base.errors import LocalProtocolError
from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.smtp.client import SmtpClient, TlsWish
from pabal.smtp.commands.conversation import Service
from pabal.smtp.envelope import BodyType, Envelope, Recipient
from pabal.smtp.outcome import Outcome
from pabal.smtp.server import SmtpServer
from pabal.smtp.settings import ClientSettings, ServerSettings
from tests.smtp.builders import (
    HOSTNAME,
    FakeClock,
    MemoryAuthenticator,
    MemoryReceiver,
)
from tests.support import server_dialogue
from tests.support.streams import MemoryStream, stream_pair

TEXT = b"Subject: hello\r\n\r\n.dots\r\n..more\r\nlast\r\n"


def spool(octets: bytes = TEXT) -> Spool:
    body = Spool()
    body.write(octets)
    return body


def envelope(*to: str, sender: str | None = "you@client.example") -> Envelope:
    recipients = [Recipient(Mailbox.parse(one)) for one in to or ["user@example.com"]]
    return Envelope(Mailbox.parse(sender) if sender else None, recipients)


def codes(outcomes: Sequence[Outcome]) -> list[str]:
    return [f"{one.reply_code} {one.enhanced}" for one in outcomes]


@dataclass
class Setting:
    client: SmtpClient
    receiver: MemoryReceiver
    near: MemoryStream
    shown: list[str]


@asynccontextmanager
async def server(service: Service | None = None) -> AsyncIterator[Setting]:
    receiver = MemoryReceiver()
    near, far = stream_pair()
    smtp = SmtpServer(service or Service(HOSTNAME, receiver), FakeClock())
    if service is not None and isinstance(service.receiver, MemoryReceiver):
        receiver = service.receiver
    shown: list[str] = []
    client = SmtpClient(
        near, "client.example", on_line=lambda who, line: shown.append(f"{who}: {line}")
    )
    serving = asyncio.get_running_loop().create_task(smtp.serve(far))
    try:
        yield Setting(client, receiver, near, shown)
    finally:
        near.close()
        await serving


Script = Sequence[tuple[str, str]]


@asynccontextmanager
async def scripted(
    script: Script, *, then: Callable[[MemoryStream], None] = MemoryStream.close
) -> AsyncIterator[tuple[SmtpClient, MemoryStream, list[str]]]:
    """A server that says ``reply`` once it has received ``octets``, in order."""
    near, far = stream_pair()
    heard: list[str] = []

    async def serve() -> None:
        buffered = ""
        for wanted, reply in script:
            while wanted not in buffered:
                data = await far.receive(1)
                if not data:
                    return
                heard.append(data.decode())
                buffered += data.decode()
            buffered = buffered[buffered.index(wanted) + len(wanted) :]
            far.send(reply.encode("utf-8", "surrogateescape"))
        then(far)

    serving = asyncio.get_running_loop().create_task(serve())
    try:
        yield SmtpClient(near, "client.example"), near, heard
    finally:
        near.close()
        await serving


DIALOGUES = sorted((Path(__file__).parents[1] / "dialogue/smtp_client").glob("*.dlg"))


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
async def test_dialogue(path: Path) -> None:
    dialogue = server_dialogue.read(path)
    near, far = stream_pair()
    client = SmtpClient(near, "client.example")
    sending = server_dialogue.send(dialogue, client)
    serving = server_dialogue.serve(dialogue, far)
    found, _ = await asyncio.gather(sending, serving)
    assert server_dialogue.matches(found, dialogue.expected), found
    near.close()


EHLO = ("EHLO", "250-mx.example\r\n250-SIZE 1000\r\n250 PIPELINING\r\n")
GREETING = ("", "220 mx.example\r\n")


async def test_a_message_with_tls() -> None:
    async with server() as s:
        outcome = await s.client.start()
        assert outcome.ok
        assert s.near.tls
        outcomes = await s.client.send(
            envelope("user@example.com", "nobody@example.com", "busy@example.com"),
            spool(),
        )
        assert codes(outcomes) == ["250 2.0.0", "550 5.1.1", "450 4.2.1"]
        assert outcomes[0].text == "Taken as 1"
        assert "RCPT: 550" in outcomes[1].detail
        await s.client.quit()
        assert s.near.closed
    (taken,) = s.receiver.taken
    assert taken.octets == TEXT
    assert taken.client.helo == "client.example"
    assert taken.client.protocol == "ESMTPS"
    assert [str(one.address) for one in taken.envelope.recipients] == [
        "user@example.com"
    ]


async def test_pipelined_commands_are_one_write() -> None:
    async with server() as s:
        await s.client.start(TlsWish.NEVER)
        before = len(s.near.writes)
        await s.client.send(envelope("a@example.com", "b@example.com"), spool())
        assert s.near.writes[before].count(b"\r\n") == 4


async def test_many_messages_on_one_connection() -> None:
    async with server() as s:
        await s.client.start(TlsWish.NEVER)
        assert codes(await s.client.send(envelope("nobody@example.com"), spool())) == [
            "550 5.1.1"
        ]
        assert codes(await s.client.send(envelope(), spool(b"spam\r\n"))) == [
            "554 5.7.1"
        ]
        assert codes(await s.client.send(envelope(sender=None), spool())) == [
            "250 2.0.0"
        ]
        refused = await s.client.send(envelope(sender="nobody@x.example"), spool())
        assert codes(refused) == ["550 5.1.1"]
        assert codes(await s.client.send(envelope(), spool())) == ["250 2.0.0"]
        assert s.client.usable
    assert len(s.receiver.taken) == 2


async def test_the_transcript_has_no_body_and_no_secret() -> None:
    service = Service(
        HOSTNAME,
        MemoryReceiver(),
        ServerSettings(auth_required=True),
        MemoryAuthenticator(),
    )
    async with server(service) as s:
        await s.client.start()
        assert (await s.client.authenticate("user", "secret")).ok
        assert (await s.client.send(envelope(), spool()))[0].ok
    text = "\n".join(s.shown)
    assert "C: AUTH PLAIN ***" in text
    assert "AHVzZXIAc2VjcmV0" not in text
    assert "dots" not in text
    assert "C: MAIL FROM:<you@client.example> SIZE=39" in text
    assert "S: 250-PIPELINING" in text
    assert f"C: ({len(TEXT)} octets)" in text


async def test_a_wrong_password() -> None:
    service = Service(
        HOSTNAME, MemoryReceiver(), ServerSettings(), MemoryAuthenticator()
    )
    async with server(service) as s:
        await s.client.start(TlsWish.NEVER)
        assert not (await s.client.authenticate("user", "secret")).ok
    async with server(service) as s:
        await s.client.start()
        assert (await s.client.authenticate("user", "wrong")).reply_code == 535


async def test_auth_login_where_plain_is_not_offered() -> None:
    script = [
        GREETING,
        ("EHLO", "250-mx.example\r\n250 AUTH LOGIN\r\n"),
        ("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n"),
        ("dXNlcg==\r\n", "334 UGFzc3dvcmQ6\r\n"),
        ("c2VjcmV0\r\n", "235 ok\r\n"),
    ]
    async with scripted(script) as (client, _, _):
        await client.start()
        assert (await client.authenticate("user", "secret", cleartext=True)).ok


async def test_large_bodies_are_streamed() -> None:
    octets = (b"." * 70 + b"\r\n") * 60_000
    async with server() as s:
        await s.client.start(TlsWish.NEVER)
        assert (await s.client.send(envelope(), spool(octets)))[0].ok
        assert max(map(len, s.near.writes)) < 600_000
    assert s.receiver.taken[0].octets == octets


async def test_smtputf8_where_it_is_offered() -> None:
    async with server() as s:
        await s.client.start()
        to = Recipient(
            Mailbox("받는이", "보기.example"),
            frozenset({"NEVER"}),
            "utf-8;받는이@보기.example",
        )
        sent = Envelope(
            Mailbox.parse("you@client.example"),
            [to],
            BodyType.EIGHT_BIT,
            smtputf8=True,
            envelope_id="a+b",
            ret="HDRS",
        )
        assert (await s.client.send(sent, spool()))[0].ok
    assert s.receiver.taken[0].envelope == Envelope(
        sent.reverse_path,
        (to,),
        BodyType.EIGHT_BIT,
        smtputf8=True,
        envelope_id="a+b",
        ret="HDRS",
    )


async def test_smtputf8_where_it_is_not_offered() -> None:
    script = [
        GREETING,
        EHLO,
        ("DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"),
        ("\r\n.\r\n", "250 taken\r\n"),
    ]
    async with scripted(script) as (client, _, heard):
        await client.start()
        sent = Envelope(
            Mailbox.parse("you@client.example"),
            [
                Recipient(Mailbox("받는이", "example.com")),
                Recipient(Mailbox("user", "보기.example")),
            ],
            smtputf8=True,
        )
        outcomes = await client.send(sent, spool())
        assert codes(outcomes) == ["553 5.6.7", "250 2.0.0"]
        everything = "".join(heard)
        assert "RCPT TO:<user@xn--ok0b03z.example>\r\n" in everything
        assert "SMTPUTF8" not in everything
        assert "BODY" not in everything
        korean = spool("Subject: 안녕\r\n\r\n".encode())
        assert codes(await client.send(sent, korean)) == ["553 5.6.7"] * 2


async def test_too_large_for_the_server() -> None:
    async with scripted([GREETING, EHLO]) as (client, near, _):
        await client.start()
        before = len(near.writes)
        outcomes = await client.send(envelope(), spool(b"x" * 1001))
        assert codes(outcomes) == ["552 5.3.4"]
        assert len(near.writes) == before


async def test_a_server_without_ehlo() -> None:
    script = [
        GREETING,
        ("EHLO", "502 what\r\n"),
        ("HELO client.example\r\n", "250 mx.example\r\n"),
        ("MAIL FROM:<you@client.example>\r\n", "250 ok\r\n"),
        ("RCPT TO:<a@example.com>\r\n", "550 no\r\n"),
        ("RCPT TO:<b@example.com>\r\n", "250 ok\r\n"),
        ("DATA\r\n", "354 go\r\n"),
        (".\r\n", "250 taken\r\n"),
        ("MAIL", "250 ok\r\n"),
        ("RCPT", "550 no\r\n"),
        ("RSET", "250 ok\r\n"),
        ("MAIL", "550 no\r\n"),
    ]
    async with scripted(script) as (client, _, _):
        assert (await client.start()).ok
        to = envelope("a@example.com", "b@example.com")
        assert codes(await client.send(to, spool())) == ["550 5.0.0", "250 2.0.0"]
        assert codes(await client.send(envelope(), spool())) == ["550 5.0.0"]
        assert codes(await client.send(envelope(), spool())) == ["550 5.0.0"]


async def test_354_although_all_recipients_were_refused() -> None:
    script = [
        GREETING,
        EHLO,
        ("DATA\r\n", "250 ok\r\n550 no\r\n354 go\r\n"),
        (".\r\n", "554 no recipients\r\n"),
        ("DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"),
        ("\r\n.\r\n", "250 ok\r\n"),
    ]
    async with scripted(script) as (client, _, _):
        await client.start()
        assert codes(await client.send(envelope(), spool())) == ["550 5.0.0"]
        assert codes(await client.send(envelope(), spool())) == ["250 2.0.0"]


MISBEHAVIOUR: dict[str, tuple[Script, str]] = {
    "greeting refused": ([("", "554 no mail here\r\n")], "554 5.0.0"),
    "greeting busy": ([("", "421 4.7.0 busy\r\n")], "421 4.7.0"),
    "closes at once": ([], "451 4.4.2"),
    "not a reply": ([("", "SSH-2.0-OpenSSH\r\n")], "451 4.4.2"),
    "endless line": ([("", "220 " + "x" * 5000)], "451 4.4.2"),
    "endless reply": ([("", "220-hello\r\n" * 200)], "451 4.4.2"),
    "bare newline": ([("", "220 mx\n")], "451 4.4.2"),
    "mixed codes": ([("", "220-mx\r\n250 mx\r\n")], "451 4.4.2"),
    "closes at EHLO": ([GREETING], "451 4.4.2"),
    "strange EHLO reply": ([GREETING, ("EHLO", "354 go\r\n")], "451 4.5.0"),
    "refuses EHLO and HELO": (
        [GREETING, ("EHLO", "502 no\r\n"), ("HELO", "502 no\r\n")],
        "502 5.0.0",
    ),
}


@pytest.mark.parametrize("what", MISBEHAVIOUR)
async def test_servers_that_do_not_start(what: str) -> None:
    script, expected = MISBEHAVIOUR[what]
    async with scripted(script) as (client, _, _):
        outcome = await client.start()
        assert codes([outcome]) == [expected]
        assert outcome.detail
        assert not client.usable
        with pytest.raises(LocalProtocolError):
            await client.send(envelope(), spool())


LOST: dict[str, tuple[Script, list[str]]] = {
    "closes at MAIL": ([], ["451 4.4.2", "451 4.4.2"]),
    "closes after one recipient": (
        [("DATA\r\n", "250 ok\r\n550 no\r\n")],
        ["550 5.0.0", "451 4.4.2"],
    ),
    "421 at the second recipient": (
        [("DATA\r\n", "250 ok\r\n550 no\r\n421 bye\r\n")],
        ["550 5.0.0", "421 4.0.0"],
    ),
    "closes after the message": (
        [("DATA\r\n", "250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n"), ("\r\n.\r\n", "")],
        ["550 5.0.0", "451 4.4.2"],
    ),
    "no 354": (
        [("DATA\r\n", "250 ok\r\n550 no\r\n250 ok\r\n451 4.3.0 no\r\n")],
        ["550 5.0.0", "451 4.3.0"],
    ),
    "too many recipients, said by an old server": (
        [("DATA\r\n", "250 ok\r\n552 too many\r\n550 no\r\n554 none\r\n")],
        ["452 4.0.0", "550 5.0.0"],
    ),
    "refuses the sender": (
        [("DATA\r\n", "550 5.7.1 no\r\n503 no\r\n503 no\r\n503 no\r\n")],
        ["550 5.7.1", "550 5.7.1"],
    ),
}


@pytest.mark.parametrize("what", LOST)
async def test_servers_that_fail_midway(what: str) -> None:
    script, expected = LOST[what]
    async with scripted([GREETING, EHLO, *script]) as (client, _, _):
        assert (await client.start()).ok
        to = envelope("a@example.com", "b@example.com")
        assert codes(await client.send(to, spool())) == expected


@pytest.mark.parametrize("replies", range(5))
async def test_servers_that_hang(replies: int) -> None:
    script = [
        GREETING,
        EHLO,
        ("DATA\r\n", "250 ok\r\n"),
        ("", "250 ok\r\n"),
        ("", "354 go\r\n"),
    ][:replies]

    def fall_silent(far: MemoryStream) -> None:
        far.other.expire()

    async with scripted(script, then=fall_silent) as (client, _, _):
        outcome = await client.start()
        if replies >= 2:
            assert outcome.ok
            (outcome,) = await client.send(envelope(), spool())
        assert codes([outcome]) == ["451 4.4.2"]
        assert "nothing came" in outcome.detail
        assert not client.usable


async def test_replies_have_a_deadline() -> None:
    near, _ = stream_pair()
    client = SmtpClient(near, "x", ClientSettings(greeting_timeout_s=0.01))
    outcome = await client.start()
    assert codes([outcome]) == ["451 4.4.2"]
    assert outcome.detail == "no reply in time"


async def test_a_server_that_takes_nothing() -> None:
    script = [GREETING, EHLO, ("DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n")]
    async with scripted(script, then=lambda _: None) as (client, near, _):
        await client.start()
        near.stuck = True
        (outcome,) = await client.send(envelope(), spool())
        assert codes([outcome]) == ["451 4.4.2"]


async def test_last_words_of_a_server_that_closes_in_the_middle() -> None:
    class Endless:
        size = 900

        def chunks(self) -> Iterator[bytes]:
            while True:
                yield b"x" * 10

    script = [
        GREETING,
        EHLO,
        ("DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"),
        ("xxx", "552 5.2.3 enough\r\n"),
    ]
    async with scripted(script) as (client, _, _):
        await client.start()
        (outcome,) = await client.send(envelope(), Endless())
        assert codes([outcome]) == ["552 5.2.3"]
        assert not client.usable


async def test_tls_wishes() -> None:
    plain = Service(HOSTNAME, MemoryReceiver(), ServerSettings(starttls=False))
    async with server(plain) as s:
        assert (await s.client.start(TlsWish.IF_OFFERED)).ok
    async with server(plain) as s:
        assert codes([await s.client.start(TlsWish.REQUIRED)]) == ["454 4.7.10"]
    async with server() as s:
        s.near.tls_works = False
        outcome = await s.client.start()
        assert codes([outcome]) == ["454 4.7.5"]
        assert s.client.tls_failed
    refused = [
        GREETING,
        ("EHLO", "250-mx\r\n250 STARTTLS\r\n"),
        ("STARTTLS", "454 no\r\n"),
    ]
    async with scripted(refused) as (client, _, _):
        assert (await client.start()).ok


async def test_replies_injected_before_tls_are_forgotten() -> None:
    script = [
        GREETING,
        ("EHLO", "250-mx\r\n250 STARTTLS\r\n"),
        ("STARTTLS", "220 go\r\n250-injected\r\n250 AUTH PLAIN\r\n"),
        ("EHLO", "250 mx\r\n"),
    ]
    async with scripted(script) as (client, _, _):
        assert (await client.start()).ok
        assert client.extensions.mechanisms == ()
