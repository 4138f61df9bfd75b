"""A ring of keys as text, for a file; no private key is in it.

Sans-IO, pure.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from pabal.base.errors import PabalError
from pabal.dns.dnssec.keystate import Cell, KeyState, Parent, Place, Policy, Ring, Role

FORMAT: Final = 1


class StateFormatError(PabalError):
    """The text is not a state that this version wrote."""


def to_text(ring: Ring) -> str:
    """Return ``ring`` as JSON that a person can read."""
    value = {
        "format": FORMAT,
        "policy": asdict(ring.policy),
        "keys": [_key(key) for key in ring.keys],
        "parent": asdict(ring.parent),
        "serial": ring.serial,
        "zone_ttl_s": ring.zone_ttl_s,
        "zone_ttl_until": ring.zone_ttl_until,
        "published_at": ring.published_at,
    }
    return json.dumps(value, indent=2) + "\n"


def _key(key: KeyState) -> Mapping[str, object]:
    return {
        "tag": key.tag,
        "algorithm": key.algorithm,
        "role": key.role.value,
        "dnskey": base64.b64encode(key.dnskey).decode(),
        "created": key.created,
        "wanted": key.wanted,
        "key": _cell(key.key),
        "signatures": _cell(key.signatures),
        "ds": _cell(key.ds),
    }


def _cell(cell: Cell) -> Mapping[str, object]:
    return {"place": cell.place.value, "since": cell.since}


def from_text(text: str) -> Ring:
    """Return the ring that ``to_text`` wrote.

    Raises:
        StateFormatError: It is none.
    """
    try:
        value = json.loads(text)
        if value["format"] != FORMAT:
            raise StateFormatError(f"format {value['format']} is not known")
        parent = value["parent"]
        return Ring(
            Policy(**value["policy"]),
            tuple(_read_key(each) for each in value["keys"]),
            Parent(
                parent["checked_at"], parent["ds_ttl_s"], tuple(parent["strangers"])
            ),
            value["serial"],
            value["zone_ttl_s"],
            value["zone_ttl_until"],
            value["published_at"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateFormatError(f"not a state of keys: {error!r}") from error


def _read_key(value: Mapping[str, object]) -> KeyState:
    cells = [_read_cell(value[name]) for name in ("key", "signatures", "ds")]
    try:
        dnskey = base64.b64decode(str(value["dnskey"]), validate=True)
    except binascii.Error as error:
        raise StateFormatError("a DNSKEY is not base 64") from error
    return KeyState(
        _number(value["tag"]),
        _number(value["algorithm"]),
        Role(value["role"]),
        dnskey,
        _number(value["created"]),
        bool(value["wanted"]),
        *cells,
    )


def _read_cell(value: object) -> Cell:
    if not isinstance(value, dict):
        raise StateFormatError("a place is missing")
    since = value["since"]
    return Cell(Place(value["place"]), None if since is None else _number(since))


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise StateFormatError(f"{value!r} is no number")
    return value
