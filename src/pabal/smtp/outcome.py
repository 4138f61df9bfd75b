"""What became of an attempt: the one source of 2xx/4xx/5xx and 2./4./5.

Sans-IO. Source: RFC 5321 §4.2 (reply codes), RFC 3463 (enhanced status codes).
"""

import enum
from dataclasses import dataclass

from typing_extensions import override


class Permanence(enum.IntEnum):
    """The class of a reply code and of an enhanced status code: always the same."""

    DELIVERED = 2
    TEMPORARY = 4
    PERMANENT = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a command, a recipient or a whole message.

    Attributes:
        permanence: The class of both codes.
        code: Last two digits of the reply code: 50 of 250.
        status: Subject and detail of the enhanced code: ``1.1`` of 5.1.1.
        text: For the peer, one line of UTF-8 without line ends, may be empty.
        detail: For the log and the trace: everything.
    """

    permanence: Permanence
    code: int = 50
    status: str = "0.0"
    text: str = ""
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether it worked."""
        return self.permanence is Permanence.DELIVERED

    @property
    def reply_code(self) -> int:
        """The three digits: 250."""
        return self.permanence * 100 + self.code

    @property
    def enhanced(self) -> str:
        """The enhanced status code: ``5.1.1``."""
        return f"{int(self.permanence)}.{self.status}"

    @override
    def __str__(self) -> str:
        return f"{self.reply_code} {self.enhanced} {self.text}".rstrip()


def delivered(text: str = "", status: str = "0.0", detail: str = "") -> Outcome:
    """Return 250 2.``status``."""
    return Outcome(Permanence.DELIVERED, 50, status, text, detail)


def temporary(code: int, status: str, text: str, detail: str = "") -> Outcome:
    """Return 4``code`` 4.``status``."""
    return Outcome(Permanence.TEMPORARY, code, status, text, detail)


def permanent(code: int, status: str, text: str, detail: str = "") -> Outcome:
    """Return 5``code`` 5.``status``."""
    return Outcome(Permanence.PERMANENT, code, status, text, detail)
