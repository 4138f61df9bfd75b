"""What a zone's keys are waiting for, and until when, in plain words.

Sans-IO, pure. Source: RFC 7583 §3.2 and §3.3 (the waits).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pabal.dns.dnssec.keystate import Cell, KeyState, Place, Ring
from pabal.dns.dnssec.rollover import until


@dataclass(frozen=True, slots=True)
class Wait:
    """One thing that has to happen before the next.

    Attributes:
        tag: Of the key it concerns.
        on: Who moves next: ``signer``, ``caches`` or ``parent``.
        text: What is waited for, a clause.
        until: Seconds since 1970; ``None``: nobody knows.
    """

    tag: int
    on: str
    text: str
    until: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a zone is.

    Attributes:
        state: One word for programs.
        text: The same for people, a sentence.
        waits: What it waits for, the first to end first.
    """

    state: str
    text: str
    waits: tuple[Wait, ...]


def standing(ring: Ring) -> Standing:
    """Return where the zone of ``ring`` is and what it waits for."""
    state = _state(ring)
    waits = sorted(_waits(ring), key=lambda wait: wait.until or 0)
    return Standing(state, _TEXTS[state], tuple(waits))


_TEXTS: Final = {
    "unsigned": "The zone is not signed.",
    "starting": "The zone will be signed as soon as the server runs: within seconds.",
    "signing": "The zone is signed; its DS must not be published yet.",
    "waiting-for-parent": "The zone is signed; the parent has no DS for it yet.",
    "secure": "The zone is signed and the parent vouches for it.",
    "rolling": "The zone is secure; keys are being replaced.",
    "going-insecure": "The zone is secure; it is going to be unsigned.",
}


def _state(ring: Ring) -> str:
    if ring.is_bare:
        return "starting" if ring.policy.enabled else "unsigned"
    if ring.is_going_insecure:
        return "going-insecure"
    places = {key.ds.place for key in ring.keys} - {Place.HIDDEN}
    if not places:
        return "signing"
    if places == {Place.ASKED}:
        return "waiting-for-parent"
    return "rolling" if any(not key.wanted for key in ring.keys) else "secure"


def _waits(ring: Ring) -> Iterator[Wait]:
    for key in ring.keys:
        for what, cell in zip(_WHAT, key.cells, strict=True):
            wait = _wait(ring, key, what, cell)
            if wait is not None:
                yield wait


_WHAT: Final = ("DNSKEY record", "signatures", "DS record")


def _wait(ring: Ring, key: KeyState, what: str, cell: Cell) -> Wait | None:
    if cell.since is None:
        return Wait(key.tag, "signer", "the zone has to be signed", None)
    text = _CLAUSES.get(cell.place)
    if text is None:
        return None
    on = "parent" if cell.place in (Place.ASKED, Place.RECALLED) else "caches"
    clause = text.format(f"the {what} of key {key.tag}")
    return Wait(key.tag, on, clause, until(ring, key, cell))


_CLAUSES: Final = {
    Place.ASKED: "the parent has to publish {}",
    Place.RECALLED: "the parent has to remove {}",
    Place.RUMOURED: "every cache has to have {}",
    Place.UNRETENTIVE: "no cache may have {} any more",
}
