"""The terminal of a client, and the one that is made for its program here."""

import fcntl
import os
import re
import struct
import termios
from dataclasses import dataclass
from typing import Final

COLUMNS: Final = 80
ROWS: Final = 24
"""Of a client that does not say (every program's own guess)."""

SIDE_MAX: Final = 1_000
"""Most columns or rows believed: what is drawn fills them."""

DUMB: Final = "dumb"

_KIND: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
"""Names of terminals: no slash, since the name becomes that of a file."""

_IUTF8: Final = 0o40000
"""Characters, not octets, are erased (termios(3); Python has no name for it)."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What a client shows things on.

    Attributes:
        kind: Its name, as in ``TERM``.
        columns: How wide.
        rows: How high.
    """

    kind: str
    columns: int
    rows: int


def described(kind: str, columns: int, rows: int) -> Terminal:
    """Return the terminal a client says it has, as far as it is believed."""
    return Terminal(
        kind if _KIND.fullmatch(kind) else DUMB,
        min(columns, SIDE_MAX) if columns > 0 else COLUMNS,
        min(rows, SIDE_MAX) if rows > 0 else ROWS,
    )


def opened(terminal: Terminal) -> tuple[int, int]:
    """Return our end and the program's end of a new terminal of that size.

    Raises:
        OSError: There is none left.
    """
    ours, theirs = os.openpty()
    resize(ours, terminal.columns, terminal.rows)
    modes = termios.tcgetattr(theirs)
    modes[0] |= _IUTF8
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    return ours, theirs


def resize(descriptor: int, columns: int, rows: int) -> None:
    """Say how large a terminal is now; its program is sent SIGWINCH."""
    size = struct.pack("HHHH", rows, columns, 0, 0)
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, size)
