"""Large zones read by a process of their own, while this one answers."""

import contextlib
import os
import subprocess
from functools import partial

from typing_extensions import override

from pabal.app.program import be_helper, helper, read_piece, write_piece
from pabal.base.log import Log
from pabal.dns.zone.load import Loaded, ZoneInput, load_zone
from pabal.dns.zone.pieces import loaded_of, pieces_of, request, requested
from pabal.dns.zone.reading import Apart, Reader, Stamps
from pabal.dns.zone.source import ZoneSource

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
            with helper(__name__) as process:
                return _answer(process, asked)
        except (OSError, EOFError, ValueError, TypeError) as error:
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
    try:
        with stdin:
            stdin.write(asked)
        return loaded_of(partial(read_piece, stdout))
    except BaseException:
        process.kill()
        raise


def main() -> None:
    """Be the process: what to read comes in, the zone goes out."""
    coming, going = be_helper()
    given, source = requested(coming.read())
    reader = Reader(source)
    loaded = load_zone(given, reader.read)
    with contextlib.suppress(BrokenPipeError):  # nobody wants it any more
        for piece in pieces_of(loaded, reader.stamps()):
            write_piece(going, piece)
        going.flush()
    os._exit(0)  # without taking the zone apart


if __name__ == "__main__":
    main()
