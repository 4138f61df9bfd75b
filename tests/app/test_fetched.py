"""A message read by its recipient's program appears on its way."""

from pabal.app.fetched import A_CALL_MAX, FetchTracer
from pabal.message.spool import Spool
from pabal.mta.settings import MtaSettings
from pabal.mta.station import Station
from pabal.store.memory.account import MemoryStore
from pabal.store.ports import EmailId, NewEmail
from pabal.trace.memory import MemoryTrace
from pabal.trace.ports import Stage
from tests.mta.stage import FakeClock


async def email(store: MemoryStore, octets: bytes) -> EmailId:
    account = await store.account(7)
    (inbox, *_) = await account.mailboxes()
    with Spool() as spool:
        spool.write(octets)
        (added,) = await account.append(inbox.id, [NewEmail(spool, 0.0, frozenset())])
    return added.email_id


def rig() -> tuple[MemoryStore, MemoryTrace, FetchTracer]:
    clock, trace = FakeClock(), MemoryTrace()
    store = MemoryStore(clock)
    station = Station(MtaSettings("mail.here.test"), clock, trace)
    return store, trace, FetchTracer(store, station)


async def test_a_read_message_is_found_by_its_message_id() -> None:
    store, trace, tracer = rig()
    one = await email(store, b"Message-ID: <m1@x.test>\r\n\r\nhello\r\n")
    tracer.over("IMAP")(7, [one])
    await tracer.stop()
    (event,) = trace.by_message_id("m1@x.test")
    assert event.stage is Stage.FETCHED
    assert event.facts["detail"] == "read over IMAP"


async def test_a_message_without_message_id_has_no_way_to_join() -> None:
    store, trace, tracer = rig()
    one = await email(store, b"Subject: x\r\n\r\nhello\r\n")
    tracer.over("POP3")(7, [one, 12345])
    await tracer.stop()
    assert trace.last(9) == []


async def test_a_synchronisation_is_not_noted() -> None:
    store, trace, tracer = rig()
    one = await email(store, b"Message-ID: <m1@x.test>\r\n\r\nhello\r\n")
    tracer.over("IMAP")(7, [one] * (A_CALL_MAX + 1))
    await tracer.stop()
    assert trace.last(9) == []
