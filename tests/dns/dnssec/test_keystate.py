from pabal.dns.dnssec.keystate import Cell, KeyState, Place, Policy, Ring, Role


def test_roles_say_what_a_key_signs() -> None:
    assert [role.is_sep for role in Role] == [True, True, False]
    assert [role.signs_zone for role in Role] == [True, False, True]


def test_a_policy_wants_one_key_or_two() -> None:
    assert Policy().roles == (Role.CSK,)
    assert Policy(split=True).roles == (Role.KSK, Role.ZSK)
    assert Policy(sep_lifetime_s=5).lifetime_s(Role.CSK) == 5
    assert Policy(zsk_lifetime_s=6).lifetime_s(Role.ZSK) == 6


def test_a_key_is_gone_when_nobody_knows_of_it() -> None:
    key = KeyState(1, 13, Role.CSK, b"", 0, wanted=False)
    assert key.is_gone
    assert not KeyState(1, 13, Role.CSK, b"", 0).is_gone
    left = KeyState(1, 13, Role.CSK, b"", 0, wanted=False, ds=Cell(Place.UNRETENTIVE))
    assert not left.is_gone
    assert Ring(Policy(), (left,)).is_secure_by_parent
    assert Ring(Policy(), (left,)).is_going_insecure
    assert Ring(Policy(), (key,)).is_bare


def test_what_is_asked_for_is_what_the_parent_should_have() -> None:
    places = [
        place
        for place in Place
        if KeyState(1, 13, Role.CSK, b"", 0, ds=Cell(place)).is_for_parent
    ]
    assert places == [Place.ASKED, Place.RUMOURED, Place.OMNIPRESENT]


def test_waits_follow_from_ttls() -> None:
    ring = Ring(Policy(dnskey_ttl_s=10, propagation_s=2), zone_ttl_s=100)
    assert ring.key_wait_s() == 12
    assert ring.signatures_wait_s() == 102
