"""Line ends: mail has CRLF, files on Unix mostly LF.

Sans-IO. Nothing else of a message is touched; octets above 127 stay.
"""

from typing import Final

CRLF: Final = b"\r\n"
LF: Final = b"\n"


def to_crlf(octets: bytes) -> bytes:
    """Return ``octets`` with every bare LF turned into CRLF."""
    if octets.count(LF) == octets.count(CRLF):
        return octets
    return octets.replace(CRLF, LF).replace(LF, CRLF)


class CrlfTurner:
    """``to_crlf`` for octets that come in pieces."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """Return what is certain after ``piece``."""
        piece = self._held + piece
        self._held = b""
        if piece.endswith(b"\r"):
            piece, self._held = piece[:-1], b"\r"
        return to_crlf(piece)

    def end(self) -> bytes:
        """Return what is left."""
        held, self._held = self._held, b""
        return held
