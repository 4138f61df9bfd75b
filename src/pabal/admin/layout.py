"""Where things are in a server's directory: the one place that knows.

``DIR/pabal.toml zones/ www/ tls/`` belong to the owner, ``data/`` to the program.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

DATA_MODE: Final = 0o700
"""Mail and keys are nobody else's business."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below one data directory."""

    data: Path

    @property
    def directory(self) -> Path:
        """Domains, accounts, aliases."""
        return self.data / "directory.db"

    @property
    def queue(self) -> Path:
        """Mail on its way out."""
        return self.data / "queue.db"

    @property
    def trace(self) -> Path:
        """What happened to every message."""
        return self.data / "trace.db"

    @property
    def mail(self) -> Path:
        """One folder an account."""
        return self.data / "mail"

    @property
    def dkim(self) -> Path:
        """Private keys, ``<domain>/<selector>.pem``."""
        return self.data / "dkim"

    @property
    def dnssec(self) -> Path:
        """Keys and signed zones, one folder a zone."""
        return self.data / "dnssec"

    @property
    def spool(self) -> Path:
        """Bodies too large for memory while they come in."""
        return self.data / "spool"

    @property
    def anchors(self) -> Path:
        """What became of the trust anchors of the resolver."""
        return self.data / "trust-anchors"

    @property
    def copies(self) -> Path:
        """Zones copied from other name servers."""
        return self.data / "secondary"

    @property
    def updates(self) -> Path:
        """Journals of what dynamic updates changed in zones, NAME.journal each."""
        return self.data / "updates"

    @property
    def last_good(self) -> Path:
        """The last good version of zones whose files are wrong."""
        return self.data / "last-good"

    @property
    def compiled(self) -> Path:
        """Zones of many files as they were read: the next start need not do it."""
        return self.data / "zones.compiled"

    @property
    def ready(self) -> Path:
        """Large zones as they were read, to be read again in less time."""
        return self.data / "ready"

    def view(self, name: str) -> "Layout":
        """Where the copies, journals and last good versions of a view's zones are."""
        return Layout(self.data / "views" / name)

    @property
    def cookie_secret(self) -> Path:
        """What DNS cookies are made with."""
        return self.data / "cookie-secret"

    @property
    def host_key(self) -> Path:
        """What clients know the console by."""
        return self.data / "ssh-host-key"

    @property
    def run(self) -> Path:
        """Doorbells of the running processes."""
        return self.data / "run"

    def make(self) -> None:
        """Create what is missing.

        Raises:
            OSError: No permission, no room.
        """
        self.data.mkdir(mode=DATA_MODE, parents=True, exist_ok=True)
        for path in (self.mail, self.dkim, self.dnssec, self.spool, self.run):
            path.mkdir(mode=DATA_MODE, exist_ok=True)
