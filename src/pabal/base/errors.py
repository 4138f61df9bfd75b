"""The exceptions everything else derives from.

Sans-IO: no state, no I/O.
"""


class PabalError(Exception):
    """Root of every error this program raises on purpose."""


class ProtocolError(PabalError):
    """The peer broke a rule: the driver answers it, nobody logs a traceback."""


class LocalProtocolError(PabalError):
    """We broke a rule of a protocol: a bug of ours."""


class LimitExceededError(ProtocolError):
    """The peer passed a named limit."""


class UnavailableError(PabalError):
    """Something outside is missing or broken right now; trying later may help.

    Disk full, a database that cannot be opened, a name server that is away.
    """


class StorageFullError(UnavailableError):
    """There is no room left to write; nothing was half-written."""


class OperatorError(PabalError):
    """An operator asked for something that cannot be done as asked.

    Attributes:
        what: What went wrong, one sentence, naming the thing.
        fix: What to do about it, one sentence; may be empty.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what if not fix else f"{what} {fix}")
        self.what = what
        self.fix = fix


class NotFoundError(OperatorError):
    """What an operator named is not there: asked for rightly, and it fails."""
