import os
import struct
import termios
from fcntl import ioctl

import pytest

from pabal.ssh.terminal import Terminal, described, opened, resize


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        ("xterm-256color", "xterm-256color"),
        ("tmux", "tmux"),
        ("", "dumb"),
        ("../../etc/passwd", "dumb"),
        ("x" * 65, "dumb"),
        ("xterm\n", "dumb"),
        ("-x", "dumb"),
    ],
)
def test_the_kind_is_a_name_and_no_path(kind: str, known: str) -> None:
    assert described(kind, 100, 30) == Terminal(known, 100, 30)


def test_sizes_are_believed_within_reason() -> None:
    assert described("vt100", 0, 0) == Terminal("vt100", 80, 24)
    assert described("vt100", 2**32 - 1, 2**31) == Terminal("vt100", 1000, 1000)


def test_a_terminal_has_the_size_of_the_client() -> None:
    ours, theirs = opened(Terminal("vt100", 100, 30))
    try:
        assert os.isatty(theirs)
        assert os.get_terminal_size(theirs) == (100, 30)
        resize(ours, 60, 20)
        assert os.get_terminal_size(theirs) == (60, 20)
        assert struct.unpack("HHHH", ioctl(theirs, termios.TIOCGWINSZ, bytes(8)))[
            :2
        ] == (20, 60)
    finally:
        os.close(ours)
        os.close(theirs)
