"""A Postfix of its own in a temporary directory; the system's is not touched."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from tests.interop.peer import path_of

START_SECONDS = 15.0
DAEMON_PLACES = ("/usr/lib/postfix/sbin", "/usr/libexec/postfix")

MASTER = """\
{address}:{port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
lmtp      unix - - n - - lmtp
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


def can_run() -> bool:
    """Return whether Postfix is here; its master wants to be root."""
    return bool(path_of("postfix")) and os.geteuid() == 0


class Postfix:
    """One instance; a context manager.

    Attributes:
        directory: Everything it writes is below.
        address: Where it listens, on ``port``.
    """

    def __init__(self, address: str, port: int) -> None:
        # Not pytest's tmp_path: nobody but its owner may pass through there.
        self.directory = Path(tempfile.mkdtemp(prefix="postfix-"))
        self.address = address
        self.port = port
        self.maildirs = self.directory / "mail"

    def configure(self, **settings: str) -> None:
        """Write main.cf and master.cf; ``settings`` come last."""
        for part in ("conf", "queue", "data", "mail"):
            path = self.directory / part
            path.mkdir(parents=True)
        # tempfile's directories are 0700; the daemons are not root.
        self.directory.chmod(0o755)
        shutil.chown(self.directory / "data", "postfix")
        shutil.chown(self.maildirs, "postfix")
        daemons = next(place for place in DAEMON_PLACES if Path(place).is_dir())
        chosen = {
            "compatibility_level": "3.6",
            "queue_directory": f"{self.directory}/queue",
            "data_directory": f"{self.directory}/data",
            "daemon_directory": daemons,
            "mail_owner": "postfix",
            "setgid_group": "postdrop",
            "maillog_file": f"{self.directory}/log",
            "maillog_file_prefixes": str(self.directory),
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "myhostname": "mail.postfix.test",
            "mydestination": "",
            "mynetworks": "127.0.0.0/8",
            "smtp_bind_address": self.address,
            "alias_maps": "",
            "local_recipient_maps": "",
            "smtputf8_enable": "yes",
            **settings,
        }
        lines = [f"{key} = {value}" for key, value in chosen.items()]
        conf = self.directory / "conf"
        (conf / "main.cf").write_text("\n".join(lines) + "\n")
        (conf / "master.cf").write_text(
            MASTER.format(address=self.address, port=self.port)
        )

    def start(self) -> Self:
        done = subprocess.run(
            [path_of("postfix"), "-c", self.directory / "conf", "start"],
            capture_output=True,
            check=False,
            timeout=START_SECONDS,
        )
        assert done.returncode == 0, done.stderr.decode() + self.log()
        return self

    def log(self) -> str:
        path = self.directory / "log"
        return path.read_text() if path.exists() else ""

    def pid(self) -> int:
        path = self.directory / "queue" / "pid" / "master.pid"
        return int(path.read_text()) if path.exists() else 0

    def stop(self) -> None:
        """End the master, by its number; its children follow."""
        pid = self.pid()
        if not pid:
            return
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + START_SECONDS
        while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
            time.sleep(0.05)

    def delivered(self, mailbox: str) -> list[bytes]:
        """Return the messages in a Maildir below ``maildirs``."""
        new = self.maildirs / mailbox / "new"
        return [path.read_bytes() for path in sorted(new.glob("*"))]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
