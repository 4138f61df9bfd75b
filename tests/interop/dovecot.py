"""A Dovecot of its own in a temporary directory; the system's is not touched."""

import imaplib
import os
import poplib
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from tests.interop.peer import path_of

START_SECONDS = 15.0
MAIL_UID = 8
"""``mail``, on every Debian."""

PASSWORD = "dovecot-secret"


def can_run() -> bool:
    """Return whether Dovecot is here; its master wants to be root."""
    return bool(path_of("dovecot")) and os.geteuid() == 0


class Dovecot:
    """One instance with Maildirs; a context manager.

    Attributes:
        directory: Everything it writes is below.
        address: Where it listens, on 20143 and 20110.
    """

    imap_port = 20143
    pop3_port = 20110

    def __init__(self, address: str) -> None:
        # Not pytest's tmp_path: nobody but its owner may pass through there.
        self.directory = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.address = address
        self.process: subprocess.Popen[bytes] | None = None

    def maildir(self, user: str) -> Path:
        return self.directory / "home" / user / "Maildir"

    def give(self, user: str) -> None:
        """Let Dovecot have what was put into a user's home."""
        home = self.directory / "home" / user
        for path in (home, *home.rglob("*")):
            os.chown(path, MAIL_UID, MAIL_UID)

    def __enter__(self) -> Self:
        directory = self.directory
        (directory / "home").mkdir()
        shutil.chown(directory / "home", MAIL_UID, MAIL_UID)
        (directory / "dovecot.conf").write_text(f"""
base_dir = {directory}/run
state_dir = {directory}/run
log_path = {directory}/log
protocols = imap pop3
listen = {self.address}
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_max_userip_connections = 0
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={MAIL_UID} gid={MAIL_UID} home={directory}/home/%n
}}
mail_location = maildir:~/Maildir
namespace inbox {{
  inbox = yes
  mailbox Versandt {{
    special_use = \\Sent
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {self.imap_port}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {self.pop3_port}
  }}
}}
""")
        for path in (directory, *directory.parents):
            if path in {Path("/tmp"), Path("/")}:
                break
            path.chmod(path.stat().st_mode | 0o011)
        self.process = subprocess.Popen(
            [path_of("dovecot"), "-F", "-c", str(directory / "dovecot.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(30)
        shutil.rmtree(self.directory, ignore_errors=True)

    def imap(self, user: str) -> imaplib.IMAP4:
        client = imaplib.IMAP4(self.address, self.imap_port, timeout=30)
        client.login(user, PASSWORD)
        return client

    def uidls(self, user: str) -> dict[int, str]:
        """Return message number → unique-id, by POP3."""
        client = poplib.POP3(self.address, self.pop3_port, timeout=30)
        client.user(user)
        client.pass_(PASSWORD)
        _, lines, _ = client.uidl()
        client.quit()
        return {int(n): uidl for n, uidl in (line.decode().split() for line in lines)}

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with socket.socket() as sock:
                if sock.connect_ex((self.address, self.imap_port)) == 0:
                    return
            time.sleep(0.05)
        log = self.directory / "log"
        raise AssertionError(log.read_text() if log.exists() else "Dovecot is silent")
