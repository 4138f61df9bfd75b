"""When a process looks for zones that changed, and how it hears of those others saw.

To look at a hundred thousand files takes half a second of a processor. Where there are
so many, one process does it when somebody rings, and tells the others which files they
are to read; all do it themselves, but rarely, so nobody depends on another.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import dns.name

from pabal.app import parts
from pabal.app.certificate import ServerTls
from pabal.app.reading import MANY_FILES
from pabal.app.shared import ASKED_BELL, FILES_BELL, ZONES_BELL, Shared
from pabal.base.errors import PabalError
from pabal.base.log import Log
from pabal.base.tasks import sleep_until_set
from pabal.dns.server.nameserver import NameServer
from pabal.dns.zone.batch import Report
from pabal.dns.zone.source import zone_file
from pabal.net.doorbell import SUBJECT_MAX_OCTETS

log = Log("names")

LOOK_SECONDS: Final = 1.0
"""How often the directory and the zone files are looked at without a ring."""

LOOK_PAUSE_TIMES: Final = 50
"""A look is followed by a pause so many times as long: a hundred thousand files take
some 2 % of a processor, and what is edited there is seen within half a minute."""

LOOK_SCATTER: Final = 0.5
"""A pause is longer or shorter by up to half of this part. All processes begin together
and hear every ring together. Would they then look together, all cores were theirs for
some ten milliseconds of each second, and one answer of a hundred late."""

FILES_TOLD_MAX: Final = 1000
"""Files that are told one by one; of more all are looked at, by everybody."""

ALL_FILES: Final = "/"
"""What is told instead; no file is called so, and it stands between their names."""


class Looking:
    """Reloads the zones of one process when they changed.

    Args (of the constructor):
        shared: Objects of the process.
        server: Has the zones.
        tls: The certificate, for the records that follow.
        leads: Whether this process looks at many files for all; one does.

    Attributes:
        on_loaded: Called when a zone was loaded that another process told of, if set.
    """

    def __init__(
        self, shared: Shared, server: NameServer, tls: ServerTls | None, *, leads: bool
    ) -> None:
        self._shared = shared
        self._server = server
        self._tls = tls
        self._leads = leads
        self._changed = asyncio.Event()
        self._stopping = False
        self._asked = False
        self._files: set[str] = set()
        self._stamp: tuple[object, ...] = ()
        self._is_wanted = False
        self._look_at = 0.0
        self.on_loaded: Callable[[], None] | None = None

    async def start(self) -> None:
        """Load the zones.

        What changes from now on is seen at the first look. If the files were looked at
        before the fork it compares with that; else it has nothing to compare with: a
        look at a hundred thousand files is half of a start.
        """
        shared = self._shared
        state = shared.zones.state
        if state.looked is not None:
            own = state.settled.imprint
            self._stamp = parts.zones_stamp(shared.settings, shared.book, own)
        await self._server.reload()

    def heard(self, subject: str) -> None:
        """Take note of a ring: something may have changed."""
        if subject.startswith(FILES_BELL):
            files = subject.removeprefix(FILES_BELL)
            if files == ALL_FILES:
                self._look_at = 0.0
            else:
                self._files.update(files.split("/"))
        self._asked |= subject == ASKED_BELL
        self._is_wanted |= subject in {ASKED_BELL, ZONES_BELL}
        self._changed.set()

    def stop(self) -> None:
        """Let ``run`` come to its end."""
        self._stopping = True
        self._changed.set()

    async def run(self) -> None:
        """Look, again and again, until ``stop``."""
        self._look_in(LOOK_SECONDS)
        while not self._stopping:
            wait_s = max(0.0, self._look_at - self._shared.clock.monotonic())
            rang = await sleep_until_set(self._changed, wait_s)
            self._changed.clear()
            pause_s: float | None = LOOK_SECONDS
            try:
                pause_s = await self._look(rang=rang)
                await self._server.look()
            except (OSError, PabalError) as error:
                # No descriptor or no memory left, a database away: look again later.
                log.warning("zones not looked at", reason=str(error))
            if pause_s is not None:
                self._look_in(pause_s)

    async def _look(self, *, rang: bool) -> float | None:
        """Look at what may have changed.

        Returns:
            In how many seconds to look at all files; ``None``: as it was.
        """
        many = len(self._shared.zones.by_apex) >= MANY_FILES
        if not many:
            self._files.clear()
        elif rang:
            await self._look_at_some()
        is_due = self._shared.clock.monotonic() >= self._look_at
        wanted, self._is_wanted = self._is_wanted, False
        if many and not is_due and not (self._leads and wanted):
            return None
        # It would take as long to find out whether it has to be done.
        return await self._look_at_all(rang=rang, at_once=many and wanted)

    async def _look_at_some(self) -> None:
        """Reload what we were told of, and what depends on more than its file."""
        if self._tls is not None:
            self._tls.reload()
        files, self._files = self._files, set()
        report = await self._server.reload(files)
        if (report.loaded or report.removed) and self.on_loaded is not None:
            self.on_loaded()

    async def _look_at_all(self, *, rang: bool, at_once: bool) -> float:
        """Look at all files; return in how many seconds to do so again."""
        clock, began = self._shared.clock, self._shared.clock.monotonic()
        before = self._stamp
        stamp, report = before, None
        renewed = self._tls is not None and self._tls.reload()
        if not at_once:
            stamp = await asyncio.to_thread(self._look_at_files)
        took_s = clock.monotonic() - began
        if (rang or at_once or renewed or stamp != before) and not self._stopping:
            asked, self._asked = self._asked, False
            report = await self._server.reload(asked=asked)
            self._stamp = stamp
        if at_once:
            took_s = clock.monotonic() - began
        pause_s = max(LOOK_SECONDS, LOOK_PAUSE_TIMES * took_s)
        if report is not None and before and pause_s > LOOK_SECONDS:
            # The others would see it at another time, long after. They have a first
            # look of their own.
            self._tell(report)
        return pause_s

    def _look_in(self, pause_s: float) -> None:
        """Look at all files in about ``pause_s`` seconds."""
        self._look_at = self._shared.clock.monotonic() + pause_s * _scatter()

    def _look_at_files(self) -> tuple[object, ...]:
        """Return the stamp. On a thread, for there may be thousands of files."""
        return parts.zones_stamp(self._shared.settings, self._shared.book)

    def _tell(self, report: Report) -> None:
        """Tell the other processes which files are to be read."""
        names = (*report.loaded, *report.removed)
        if len(names) > FILES_TOLD_MAX:
            self._shared.bell.ring(FILES_BELL + ALL_FILES)
            return
        files = [zone_file(dns.name.from_text(name)) for name in names]
        for subject in subjects(files):
            self._shared.bell.ring(subject)


def subjects(files: Iterable[str]) -> Iterator[str]:
    """Yield the fewest rings that tell of ``files``."""
    some = ""
    for file in files:
        more = f"{some}/{file}" if some else file
        if len(f"{FILES_BELL}{more}".encode()) > SUBJECT_MAX_OCTETS:
            yield FILES_BELL + some
            more = file
        some = more
    if some:
        yield FILES_BELL + some


def _scatter() -> float:
    return 1 + LOOK_SCATTER * (secrets.randbelow(1000) / 1000 - 0.5)
