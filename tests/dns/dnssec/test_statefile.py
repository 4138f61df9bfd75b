import json

import pytest

from pabal.dns.dnssec.keys import generate
from pabal.dns.dnssec.keystate import Cell, KeyState, Parent, Place, Policy, Ring, Role
from pabal.dns.dnssec.statefile import StateFormatError, from_text, to_text

KEY = KeyState(
    7, 13, Role.ZSK, b"\x01\x02", 99, wanted=False,
    key=Cell(Place.RUMOURED, None), signatures=Cell(Place.UNRETENTIVE, 5),
    ds=Cell(Place.ASKED, 6),
)  # fmt: skip
RING = Ring(Policy(split=True, nsec3=True), (KEY,), Parent(1, 2, (3,)), 4, 5, 6, 7)


def test_what_is_written_is_read() -> None:
    assert from_text(to_text(RING)) == RING
    assert from_text(to_text(Ring(Policy()))) == Ring(Policy())


def test_no_private_key_is_in_it() -> None:
    key = generate()
    assert key.pem().decode().splitlines()[1] not in to_text(RING)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"format": 2}', to_text(RING).replace("zsk", "xsk"),
     to_text(RING).replace('"tag": 7', '"tag": "7"'),
     to_text(RING).replace('"AQI="', '"?"'),
     to_text(RING).replace('"split"', '"splat"')],
)  # fmt: skip
def test_what_is_no_state_is_an_error(text: str) -> None:
    with pytest.raises(StateFormatError):
        from_text(text)


def test_a_missing_place_is_an_error() -> None:
    value = json.loads(to_text(RING))
    value["keys"][0]["ds"] = None
    with pytest.raises(StateFormatError):
        from_text(json.dumps(value))
