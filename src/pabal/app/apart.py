"""Large zones read by a process of their own, while this one answers.

The process is started, not forked: what is forked shares memory, and every page of it
that either writes to is copied while answers wait. It gives way to all others.
Security: it has the rights of the process that asks for it, and its directories.
"""

import gc
import os
import signal
import subprocess
import sys
from functools import partial
from typing import IO, Final

from typing_extensions import override

from pabal.app.program import interpreter, modules
from pabal.base.log import Log
from pabal.dns.zone.load import Loaded, ZoneInput, load_zone
from pabal.dns.zone.pieces import loaded_of, pieces_of, request, requested
from pabal.dns.zone.reading import Apart, Reader, Stamps
from pabal.dns.zone.source import ZoneSource

NICE: Final = 5
"""Answers go first, on every core."""

LENGTH_OCTETS: Final = 4

log = Log("zones")


class ZoneReader(Apart):
    """Starts a process for each zone."""

    @override
    def __call__(
        self, given: ZoneInput, source: ZoneSource
    ) -> tuple[Loaded, Stamps] | None:
        """Return the zone of ``given`` and the files read; blocks, for seconds.

        ``None``: the process could not be started, or came to a bad end.
        """
        asked = request(given, source)
        if asked is None:
            return None
        try:
            # No descriptor of ours is inherited as it is (PEP 446), so none need be
            # closed one by one, while nobody else runs.
            process = subprocess.Popen(  # noqa: S603  our own program, no shell
                [*interpreter(), "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                close_fds=False,
                env={"PYTHONPATH": os.pathsep.join(modules()), "LANG": "C.UTF-8"},
            )
        except OSError as error:
            log.warning("zone read here", zone=str(given.name), reason=str(error))
            return None
        with process:
            try:
                return _answer(process, asked)
            except (OSError, EOFError, ValueError, TypeError) as error:
                process.kill()
                reason = str(error) or type(error).__name__
                log.warning("zone read here", zone=str(given.name), reason=reason)
                return None


def _answer(
    process: subprocess.Popen[bytes], asked: bytes
) -> tuple[Loaded, Stamps] | None:
    """Return what ``process`` finds; raises what a bad end looks like."""
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        return None
    with stdin:
        stdin.write(asked)
    return loaded_of(partial(_piece, stdout))


def _piece(stream: IO[bytes]) -> bytes:
    size = int.from_bytes(stream.read(LENGTH_OCTETS), "big")
    piece = stream.read(size)
    if not size or len(piece) != size:
        raise EOFError("the process that reads it has ended")
    return piece


def main() -> None:
    """Be the process: what to read comes in, the zone goes out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the server
    os.nice(NICE)
    gc.disable()
    given, source = requested(sys.stdin.buffer.read())
    reader, out = Reader(source), sys.stdout.buffer
    loaded = load_zone(given, reader.read)
    try:
        for piece in pieces_of(loaded, reader.stamps()):
            out.write(len(piece).to_bytes(LENGTH_OCTETS, "big") + piece)
        out.flush()
    except BrokenPipeError:
        pass  # nobody wants it any more
    os._exit(0)  # without taking the zone apart


if __name__ == "__main__":
    main()
