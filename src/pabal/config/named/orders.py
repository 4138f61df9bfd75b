"""In which order sets of records are said: ``rrset-order`` as pabal has it.

Sans-IO. BIND has an order for each name, type and class, pabal one for all sets.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pabal.config.named.elsewhere import Noting
from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.lexer import Token

_ORDERS: Final[Mapping[str, str]] = MappingProxyType(
    {"cyclic": "rotate", "random": "random", "fixed": "fixed", "none": "fixed"}
)
"""What BIND calls it, and what pabal does; ``none`` is as the records were loaded."""

_ALIKE: Final = "all sets of addresses are treated alike"

_REST: Final = (
    "BIND does not turn sets that no line fits once there is an rrset-order; pabal"
    ' turns all: set round_robin = "fixed" in [dns] if they have to stand still'
)


def order_of(body: Sequence[Statement], note: Noting) -> str:
    """Return ``round_robin`` for what ``options`` says; empty: nothing that is taken.

    The first line that fits every set decides; the others are noted.
    """
    for statement in names_in(body, "rrset-order")[:1]:
        found = ""
        for element in statement.body():
            if element.name == "order":
                found = found or _ORDERS.get(element.option("order").lower(), "")
            else:
                words = [p.text for p in element.parts if isinstance(p, Token)]
                note(element.token, f"rrset-order: {' '.join(words)}", _ALIKE)
        if found:
            said = f'round_robin = "{found}" in [dns]'
            note(statement.token, "rrset-order", said, taken=True)
        elif statement.body():
            note(statement.token, "rrset-order: all other sets", _REST)
        return found
    return ""
