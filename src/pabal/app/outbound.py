"""The role ``queue``: mail on its way out; and housekeeping, as there is one."""

from pabal.app.caretaker import Caretaker
from pabal.app.counted import QueueDepth
from pabal.app.shared import QUEUE_BELL, Shared
from pabal.base.ids import SecureChance
from pabal.base.tasks import Tasks
from pabal.dns.resolver.lookup import Lookup
from pabal.mta.names import ResolverNames
from pabal.mta.queue.schedule import Schedule
from pabal.mta.runner import Exits, QueueRunner
from pabal.mta.signing import DkimSigner
from pabal.mta.transport.conversion import Converter
from pabal.mta.transport.delivery import SmtpTransport
from pabal.mta.transport.pool import SessionPool
from pabal.mta.transport.session import SmtpSessions, connector
from pabal.net.tls import opportunistic_client_context


class QueueRole:
    """Runs the queue of this server; one process does."""

    def __init__(self, shared: Shared) -> None:
        station, chance = shared.station, SecureChance()
        transport = station.settings.transport
        self._pool = SessionPool(
            SmtpSessions(
                station.settings.hostname,
                connector(transport, opportunistic_client_context()),
            ),
            transport,
            shared.clock,
        )
        names = ResolverNames(Lookup(shared.resolver))
        self._runner = QueueRunner(
            station,
            shared.queue,
            Schedule(station.settings.queue.schedule, chance),
            Exits(
                SmtpTransport(
                    station,
                    names,
                    self._pool,
                    chance,
                    Converter(DkimSigner(shared.layout.dkim, shared.clock)),
                ),
                shared.delivery,
                shared.desk.bouncer,
            ),
        )
        shared.registry.add(QueueDepth(shared.queue, shared.clock).families)
        self._caretaker = Caretaker(shared)
        self._tasks = Tasks()

    def start(self) -> None:
        """Deliver from now on."""
        self._tasks.start(self._runner.run(), "queue")
        self._tasks.start(self._caretaker.run(), "housekeeping")

    def wake(self) -> None:
        """Look at the queue now."""
        self._runner.wake()

    def heard(self, subject: str) -> None:
        """Take note of a ring."""
        if subject == QUEUE_BELL:
            self._runner.wake()

    async def stop(self) -> None:
        """Finish or give back what is under way."""
        await self._runner.stop()
        await self._tasks.stop()
        await self._pool.close()
