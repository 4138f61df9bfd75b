"""Fields of the headers of emails, as whoever lists them asks."""

from collections.abc import Collection, Sequence
from typing import Protocol


class HeaderFields(Protocol):
    """Header fields of one account's emails."""

    async def fields(
        self, emails: Sequence[int], names: Collection[bytes]
    ) -> Sequence[bytes | None]:
        """Return the fields called ``names``, in any case, and the empty line.

        In the order of ``emails``, their ids; ``None`` for one that is gone.
        """
        ...
