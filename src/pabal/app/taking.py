"""Large zone transfers taken by a process of their own, while this one answers.

A thousand messages of a million records keep a thread busy for ten seconds; here they
only pass through.
Security: the process gets the key of the transfer, through a pipe, and no other one.
"""

import contextlib
import marshal
import os
import subprocess
from pathlib import Path
from typing import Final

import dns.name
import dns.tsig
from typing_extensions import override

from pabal.app.program import be_helper, helper, read_piece, write_piece
from pabal.base.clock import SystemClock
from pabal.base.log import Log
from pabal.dns.server.taking import Answer, Asked, Taker
from pabal.dns.wire.rrset import name_of
from pabal.dns.zone.copies import write_copy
from pabal.dns.zone.inbound import Inbound, TransferError
from pabal.dns.zone.load import Loaded
from pabal.dns.zone.pieces import pieces_of
from pabal.dns.zone.ready import Ready, key_of_copy
from pabal.dns.zone.source import COPIED, DirectorySource

MESSAGE: Final = b"m"
STORE: Final = b"s"
"""What a piece for the process begins with: a message, or where to put it all."""

MORE: Final = b"+"
DONE: Final = b"."
WRONG: Final = b"!"
"""What it answers to each; the last is followed by the reason."""

log = Log("zones")


def take_elsewhere(ready: Path, asked: Asked) -> Taker | None:
    """Return a process that takes the messages; ``None``: it cannot be started.

    Args:
        ready: Where large zones lie ready to be read (``app.apart``).
    """
    key = asked.key
    shared = (
        None if key is None else (key.name.labels, key.secret, key.algorithm.labels)
    )
    try:
        process = helper(__name__)
    except OSError as error:
        zone = str(name_of(asked.origin))
        log.warning("transfer taken here", zone=zone, reason=str(error))
        return None
    taker = _Elsewhere(process)
    taker.say(marshal.dumps((asked.origin, asked.ident, shared, asked.mac)))
    taker.ready = ready
    return taker


class _Elsewhere(Taker):
    """The messages of a whole zone, passed on."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._is_done = False
        self.ready = Path(os.devnull)

    @property
    @override
    def is_done(self) -> bool:
        """Whether all have come."""
        return self._is_done

    @property
    @override
    def is_current(self) -> bool:
        """Whether there is nothing new: no, there was something."""
        return False

    @property
    @override
    def is_whole(self) -> bool:
        """Whether all of the zone comes."""
        return True

    def say(self, piece: bytes) -> None:
        """Tell the process something; raises TransferError: it has ended."""
        try:
            if self._process.stdin is not None:
                write_piece(self._process.stdin, piece)
                self._process.stdin.flush()
        except (OSError, ValueError) as error:  # ValueError: its pipe is closed
            raise TransferError("the process that takes it has ended") from error

    def _ask(self, piece: bytes) -> bytes:
        self.say(piece)
        try:
            stdout = self._process.stdout
            answer = b"" if stdout is None else read_piece(stdout)
        except (OSError, EOFError) as error:
            raise TransferError("the process that takes it has ended") from error
        if answer[:1] == WRONG:
            raise TransferError(answer[1:].decode())
        return answer

    @override
    def take(self, message: bytes) -> None:
        """Pass one message on; raises TransferError."""
        self._is_done = self._ask(MESSAGE + message) == DONE

    @override
    def store(self, path: Path) -> None:
        """Put what came at ``path``; raises TransferError."""
        try:
            paths = os.fsencode(path), os.fsencode(self.ready)
            self._ask(STORE + marshal.dumps(paths))
        finally:
            self.break_off()

    @override
    def break_off(self) -> None:
        """End the process."""
        with self._process as process:
            process.kill()


def main() -> None:
    """Be the process."""
    coming, going = be_helper()
    origin, ident, shared, mac = marshal.loads(read_piece(coming))  # noqa: S302  our parent's
    key = None
    if shared is not None:
        name, secret, algorithm = shared
        key = dns.tsig.Key(dns.name.Name(name), secret, dns.name.Name(algorithm))
    asked = Asked(origin, ident, key, mac)
    answer = Answer(asked, Inbound(origin.lower(), None), SystemClock())
    while True:
        try:
            piece = read_piece(coming)
            said = _done(answer, origin.lower(), piece)
        except EOFError:
            os._exit(0)  # nobody wants it any more
        except (TransferError, OSError) as error:
            said = WRONG + str(error).encode()
        write_piece(going, said)
        going.flush()


def _store(answer: Answer, origin: bytes, path: Path, ready: Ready) -> None:
    """Put what came at ``path``, and a large zone where it lies ready.

    Raises TransferError, OSError.
    """
    zone = write_copy(path, origin, answer.nodes())
    if zone is None:
        return
    with contextlib.suppress(OSError):
        ready.make()
        stamps = ((COPIED + path.name, DirectorySource(path.parent).stamp(path.name)),)
        pieces = pieces_of(Loaded(zone, ()), stamps)
        for _ in ready.kept(name_of(origin), key_of_copy(path), pieces):
            pass


def _done(answer: Answer, origin: bytes, piece: bytes) -> bytes:
    """Do what ``piece`` says; raises TransferError, OSError."""
    if piece[:1] == STORE:
        path, ready = map(os.fsdecode, marshal.loads(piece[1:]))  # noqa: S302
        _store(answer, origin, Path(path), Ready(Path(ready)))
        return DONE
    answer.take(piece[1:])
    return DONE if answer.is_done else MORE


if __name__ == "__main__":
    main()
