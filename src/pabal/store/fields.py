"""What lists of emails are made of, as whoever shows them asks."""

from collections.abc import Collection, Sequence
from typing import Protocol


class HeaderFields(Protocol):
    """Header fields of one account's emails, and how they are built."""

    async def fields(
        self, emails: Sequence[int], names: Collection[bytes]
    ) -> Sequence[bytes | None]:
        """Return the fields called ``names``, in any case, and the empty line.

        In the order of ``emails``, their ids; ``None`` for one that is gone.
        """
        ...

    async def structures(self, emails: Sequence[int]) -> Sequence[bytes | None]:
        """Return the BODYSTRUCTURE of each email; ``None`` for one that is gone."""
        ...
