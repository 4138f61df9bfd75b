"""Sessions over the real client, against a scripted server in memory."""

import asyncio
from collections.abc import Sequence

import pytest

from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.mta.transport.session import SmtpSession, SmtpSessions
from pabal.net.endpoint import Endpoint
from pabal.net.ports import ConnectionLostError, Stream
from pabal.smtp.envelope import Envelope
from pabal.smtp.outcome import Outcome
from tests.mta.stage import MESSAGE, recipients
from tests.support.streams import MemoryStream, stream_pair

HELLO = ("220 mx.test", "250-mx.test\r\n250-PIPELINING\r\n250 STARTTLS")
PLAIN = ("220 mx.test", "250-mx.test\r\n250 PIPELINING")
TAKEN = ("250 ok", "250 ok", "354 go", "250 2.0.0 queued")
ENVELOPE = Envelope(Mailbox.parse("you@here.test"), recipients("a@far.test"))
ENDPOINT = Endpoint("192.0.2.25", 25)


class Rig:
    """A server that says its lines whatever it hears."""

    def __init__(self, *scripts: Sequence[str], tls_works: bool = True) -> None:
        self.scripts = list(scripts)
        self.ends: list[MemoryStream] = []
        self.tls_works = tls_works
        self.sessions = SmtpSessions("mail.here.test", self.connect)

    async def connect(self, endpoint: Endpoint) -> Stream:
        assert endpoint == ENDPOINT
        ours, theirs = stream_pair()
        ours.tls_works = self.tls_works
        self.ends.append(theirs)
        for line in self.scripts.pop(0):
            if line == "[close]":
                theirs.close()
            else:
                theirs.send(f"{line}\r\n".encode())
        return ours

    async def open(self) -> SmtpSession:
        session = await self.sessions.open("mx.test", ENDPOINT)
        assert isinstance(session, SmtpSession)
        return session


async def send(session: SmtpSession) -> list[str]:
    with Spool() as spool:
        spool.write(MESSAGE)
        sent = await session.send(ENVELOPE, spool)
    return [str(outcome) for outcome in sent.outcomes]


async def test_a_message_goes() -> None:
    rig = Rig((*PLAIN, *TAKEN, "221 bye"))
    session = await rig.open()
    assert session.tls == ""
    assert session.dialogue == [
        "S: 220 mx.test",
        "C: EHLO mail.here.test",
        "S: 250-mx.test",
        "S: 250 PIPELINING",
    ]
    with Spool() as spool:
        spool.write(MESSAGE)
        sent = await session.send(ENVELOPE, spool)
    assert [str(one) for one in sent.outcomes] == ["250 2.0.0 queued"]
    assert sent.usable
    assert not sent.notifies
    assert sent.dialogue[0].startswith("C: MAIL FROM:<you@here.test>")
    assert sent.dialogue[-1] == "S: 250 2.0.0 queued"
    assert "hello" not in str(sent.dialogue)
    await session.close()


async def test_a_refused_greeting_is_an_outcome() -> None:
    rig = Rig(("554 not you",))
    outcome = await rig.sessions.open("mx.test", ENDPOINT)
    assert isinstance(outcome, Outcome)
    assert outcome.reply_code == 554


@pytest.mark.parametrize("script", [("[close]",), ("nonsense",), ("220 x", "[close]")])
async def test_what_is_no_server_is_lost(script: Sequence[str]) -> None:
    with pytest.raises(ConnectionLostError):
        await Rig(script).sessions.open("mx.test", ENDPOINT)


async def test_tls_that_fails_is_done_without() -> None:
    rig = Rig((*HELLO, "220 go"), (*PLAIN, *TAKEN), tls_works=False)
    session = await rig.open()
    assert session.tls == ""
    assert len(rig.ends) == 2
    assert await send(session) == ["250 2.0.0 queued"]


async def test_a_session_closed_while_idle_says_so() -> None:
    rig = Rig((*PLAIN, *TAKEN))
    session = await rig.open()
    await send(session)
    rig.ends[0].close()
    with pytest.raises(ConnectionLostError):
        await send(session)


async def test_an_idle_session_told_to_go_says_so() -> None:
    rig = Rig((*PLAIN, *TAKEN))
    session = await rig.open()
    await send(session)
    rig.ends[0].send(b"421 idle too long\r\n")
    rig.ends[0].close()
    with pytest.raises(ConnectionLostError):
        await send(session)


async def test_a_first_message_that_breaks_is_an_outcome() -> None:
    rig = Rig((*PLAIN, "[close]"))
    [outcome] = await send(await rig.open())
    assert outcome.startswith("451 4.4.2")


async def test_a_server_that_falls_silent_is_told_from_one_that_says_no() -> None:
    session = await Rig((*PLAIN, "250 ok", "[close]")).open()
    assert (await session.send(ENVELOPE, Spool())).broken
    bye = ["421 4.4.2 not now"] * 3  # for MAIL, RCPT and DATA
    session = await Rig((*PLAIN, *bye, "[close]")).open()
    sent = await session.send(ENVELOPE, Spool())
    assert str(sent.outcomes[0]) == "421 4.4.2 not now"
    assert not sent.usable
    assert not sent.broken


async def test_a_break_after_the_content_is_never_tried_at_once() -> None:
    rig = Rig((*PLAIN, *TAKEN, "250 ok", "250 ok", "354 go"))
    session = await rig.open()
    await send(session)

    async def cut() -> None:
        await asyncio.sleep(0.01)
        rig.ends[0].close()

    outcomes, _ = await asyncio.gather(send(session), cut())
    assert outcomes[0].startswith("451 4.4.2")


async def test_a_server_that_says_why_it_closes_is_quoted() -> None:
    rig = Rig((*PLAIN, "421 4.3.2 going down", "[close]"))
    session = await rig.open()
    assert not session.takes_eight_bits
    with Spool() as spool:
        spool.write(MESSAGE)
        sent = await session.send(ENVELOPE, spool)
    assert [str(one) for one in sent.outcomes] == ["421 4.3.2 going down"]
    assert not sent.broken
    assert not sent.usable
