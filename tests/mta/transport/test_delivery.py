"""What one delivery does beyond the stories of the runner."""

from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.mta.settings import TransportSettings
from pabal.mta.transport.delivery import Delivered, Delivery
from pabal.smtp.envelope import BodyType, Envelope
from pabal.smtp.outcome import permanent, temporary
from pabal.trace.ports import Stage as TraceStage
from tests.mta.stage import MESSAGE, Stage, recipients, settings


async def deliver(
    stage: Stage, *to: str, domain: str = "far.test", message: bytes = MESSAGE
) -> Delivered:
    sender = Mailbox.parse("you@here.test")
    envelope = Envelope(sender, recipients(*to), BodyType.EIGHT_BIT)
    with Spool() as spool:
        spool.write(message)
        result = await stage.transport.deliver(
            Delivery(stage.station.new_way(), domain, envelope, spool)
        )
    await stage.close()
    return result


async def test_everybody_gets_their_own_outcome() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.test"))
    mx.replies = [permanent(50, "1.1", "no"), temporary(51, "2.2", "full")]
    result = await deliver(stage, "a@far.test", "b@far.test", "c@far.test")
    assert [one.reply_code for one in result.outcomes] == [550, 451, 250]
    assert result.hosts == ["mx.test"] * 3
    assert result.reached


async def test_nobody_answers() -> None:
    stage = Stage()
    first, second = stage.net.domain("far.test", (10, "mx1.test"), (20, "mx2.test"))
    first.down = second.down = True
    result = await deliver(stage, "a@far.test")
    assert not result.reached
    assert str(result.outcomes[0]) == ("451 4.4.1 mx2.test: 192.0.2.2:25: refused")
    failed = [one["failed"] for one in stage.ledger.facts(TraceStage.CONNECTED)]
    assert failed == ["192.0.2.1:25: refused", "192.0.2.2:25: refused"]


async def test_hosts_are_bounded() -> None:
    stage = Stage(settings(transport=TransportSettings(hosts_max=3)))
    hosts = stage.net.domain("far.test", *((n, f"mx{n}.test") for n in range(10)))
    for host in hosts:
        host.greeting = temporary(21, "3.2", "busy")
    await deliver(stage, "a@far.test")
    assert sum(host.opened for host in hosts) == 3


async def test_one_host_without_address_is_passed_over() -> None:
    stage = Stage()
    _, second = stage.net.domain("far.test", (10, "mx1.test"), (20, "mx2.test"))
    stage.net.address_answers["mx1.test"] = ()
    result = await deliver(stage, "a@far.test")
    assert result.outcomes[0].ok
    assert len(second.mails) == 1


async def test_a_family_we_cannot_use() -> None:
    stage = Stage(settings(transport=TransportSettings(source_address="127.0.0.2")))
    stage.net.domain("far.test", (10, "mx.test"))
    stage.net.address_answers["mx.test"] = ("2001:db8::1",)
    result = await deliver(stage, "a@far.test")
    assert str(result.outcomes[0]) == "451 4.4.4 mx.test has no usable address"


KOREAN = MESSAGE + "안녕하세요\r\n".encode()


async def test_a_server_of_seven_bits_gets_seven_bits() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.test"))
    mx.takes_eight_bits = False
    result = await deliver(stage, "a@far.test", message=KOREAN)
    assert result.outcomes[0].ok
    [(envelope, octets)] = mx.mails
    assert envelope.body is BodyType.SEVEN_BIT
    assert octets.isascii()
    [fact] = stage.ledger.facts(TraceStage.SENT)
    assert "in seven bits" in str(fact["detail"])


async def test_a_signed_message_goes_back_rather_than_broken() -> None:
    stage = Stage()
    first, second = stage.net.domain("far.test", (10, "mx.test"), (20, "mx2.test"))
    first.takes_eight_bits = False
    signed = b"DKIM-Signature: v=1; d=x.test; s=s\r\n" + KOREAN
    result = await deliver(stage, "a@far.test", message=signed)
    assert str(result.outcomes[0]).startswith("554 5.6.3 mx.test takes seven bits only")
    assert result.hosts == [""]
    assert result.reached
    assert not first.mails
    assert not second.mails
