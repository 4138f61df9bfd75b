"""A cursor over octets for grammars of the ABNF kind.

Sans-IO. Parsers of every protocol use this one scanner: a ``take`` form tries and
returns ``None``, an ``expect`` form raises. Octets are compared as octets; no
``str`` method with a Unicode idea of digits or letters is ever asked.
"""

from dataclasses import dataclass
from typing import Final

from pabal.base.errors import ProtocolError

DIGITS: Final = frozenset(b"0123456789")
"""ASCII digits (RFC 5234 §B.1, DIGIT)."""


class ScanError(ProtocolError):
    """The octets do not follow the grammar.

    Attributes:
        position: Offset of the first octet that does not fit.
        expected: What the grammar wants there, in words.
    """

    def __init__(self, expected: str, position: int) -> None:
        super().__init__(f"expected {expected} at octet {position}")
        self.expected = expected
        self.position = position


@dataclass(slots=True)
class Scanner:
    """Reads ``data`` from ``position`` on.

    Attributes:
        data: The octets; never copied as a whole.
        position: Offset of the next octet.
    """

    data: bytes
    position: int = 0

    @property
    def at_end(self) -> bool:
        """Whether every octet was consumed."""
        return self.position >= len(self.data)

    @property
    def rest(self) -> bytes:
        """The octets not consumed yet."""
        return self.data[self.position :]

    def peek(self) -> int:
        """Return the next octet, or -1 at the end."""
        return self.data[self.position] if self.position < len(self.data) else -1

    def take(self, literal: bytes) -> bool:
        """Consume ``literal`` if it comes next, octet for octet."""
        if self.data.startswith(literal, self.position):
            self.position += len(literal)
            return True
        return False

    def take_word(self, word: bytes) -> bool:
        """Consume ``word`` (given in upper case) if it comes next in any case."""
        end = self.position + len(word)
        if self.data[self.position : end].upper() == word:
            self.position = end
            return True
        return False

    def take_while(self, allowed: frozenset[int]) -> bytes:
        """Consume and return the longest run of octets in ``allowed``; may be empty."""
        data, start = self.data, self.position
        end, size = start, len(data)
        while end < size and data[end] in allowed:
            end += 1
        self.position = end
        return data[start:end]

    def take_number(self, digits_max: int = 20) -> int | None:
        """Consume a run of at most ``digits_max`` digits and return its value."""
        start = self.position
        digits = self.take_while(DIGITS)
        if not digits or len(digits) > digits_max:
            self.position = start
            return None
        return int(digits)

    def expect(self, literal: bytes, name: str = "") -> None:
        """Consume ``literal``.

        Raises:
            ScanError: Something else comes next.
        """
        if not self.take(literal):
            raise ScanError(name or repr(literal.decode("latin-1")), self.position)

    def expect_while(self, allowed: frozenset[int], name: str) -> bytes:
        """Consume a run of at least one octet in ``allowed``.

        Raises:
            ScanError: The next octet is not in ``allowed``.
        """
        run = self.take_while(allowed)
        if not run:
            raise ScanError(name, self.position)
        return run

    def expect_number(self, name: str = "a number", digits_max: int = 20) -> int:
        """Consume digits and return their value.

        Raises:
            ScanError: No digit comes next, or more than ``digits_max``.
        """
        number = self.take_number(digits_max)
        if number is None:
            raise ScanError(name, self.position)
        return number

    def expect_end(self) -> None:
        """Check that everything was consumed.

        Raises:
            ScanError: Octets are left.
        """
        if not self.at_end:
            raise ScanError("the end of the line", self.position)
