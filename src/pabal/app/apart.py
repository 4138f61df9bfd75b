"""Large zones read by a process of their own, while this one answers.

Once for all processes: what one has read lies ready for the others, who take it over
one after the other, so that the cores are left to those who answer.
"""

import contextlib
import marshal
import os
import subprocess
from functools import partial
from pathlib import Path

from typing_extensions import override

from pabal.app.program import be_helper, helper, read_piece, write_piece
from pabal.base.log import Log
from pabal.dns.zone.load import Loaded, ZoneInput
from pabal.dns.zone.pieces import loaded_of, pieces_of, request, requested
from pabal.dns.zone.reading import Apart, Reader, Stamps, are_current
from pabal.dns.zone.ready import Ready, key_of
from pabal.dns.zone.source import ZoneSource
from pabal.dns.zone.turns import ALONE, places, turn

log = Log("zones")


class ZoneReader(Apart):
    """Starts a process for each zone that is not ready.

    Args (of the constructor):
        directory: Where zones lie ready.
    """

    def __init__(self, directory: Path) -> None:
        self._ready = Ready(directory)

    @override
    def __call__(
        self, given: ZoneInput, source: ZoneSource
    ) -> tuple[Loaded, Stamps] | None:
        """Return the zone of ``given`` and the files read; blocks, for seconds.

        ``None``: the process could not be started, or came to a bad end.
        """
        asked, key = request(given, source), key_of(given, source)
        if asked is None or key is None:
            return None
        with contextlib.suppress(OSError):
            self._ready.make()
        find = partial(self._ready.find, given.name, key, partial(are_current, source))
        if (count := places()) > ALONE:
            with turn(self._ready.directory, count):
                found = find()
            if found is not None:
                return found
        with turn(self._ready.directory, ALONE):
            return find() or self._read(given, asked, key)

    def _read(
        self, given: ZoneInput, asked: bytes, key: bytes
    ) -> tuple[Loaded, Stamps] | None:
        """Let another process read the zone."""
        path = os.fsencode(self._ready.directory)
        try:
            with helper(__name__) as process:
                return _answer(process, marshal.dumps((asked, path, key)))
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
    asked, path, key = marshal.loads(coming.read())  # noqa: S302  our parent's
    given, source = requested(asked)
    reader = Reader(source)
    loaded = reader.load_here(given)
    ready = Ready(Path(os.fsdecode(path)))
    with contextlib.suppress(BrokenPipeError):  # nobody wants it any more
        pieces = pieces_of(loaded, reader.stamps())
        for piece in ready.kept(given.name, key, pieces):
            write_piece(going, piece)
        going.flush()
    os._exit(0)  # without taking the zone apart


if __name__ == "__main__":
    main()
