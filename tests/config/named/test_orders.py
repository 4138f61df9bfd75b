from pabal.config.named.takeover import take_over
from tests.support.configuration import checked


def notes(orders: str) -> tuple[str, list[str]]:
    found = take_over(checked(f"options {{ rrset-order {{ {orders} }}; }};"))
    return found.toml(), [
        f"{n.what}: {n.why}" for n in found.notes if n.what.startswith("rrset-order")
    ]


def test_what_holds_for_every_set_is_taken() -> None:
    toml, said = notes("type A order cyclic; order random; order fixed;")
    assert 'round_robin = "random"' in toml
    assert said == [
        "rrset-order: type A order cyclic: all sets of addresses are treated alike",
        'rrset-order: round_robin = "random" in [dns]',
    ]


def test_sets_no_line_fits_stand_still_in_bind() -> None:
    toml, said = notes('name "www.example.com" order cyclic;')
    assert "round_robin" not in toml
    assert len(said) == 2
    assert said[1].startswith("rrset-order: all other sets: BIND does not turn sets")
    assert notes("") == ("", [])
