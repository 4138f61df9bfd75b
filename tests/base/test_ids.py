from pabal.base.ids import ID_LENGTH, SecureChance, new_id


def test_ids_sort_by_time_and_differ() -> None:
    early, late = new_id(1_700_000_000.0), new_id(1_700_000_001.0)
    assert early < late
    assert len(early) == ID_LENGTH
    assert len({new_id(1.0) for _ in range(1000)}) == 1000


def test_chance_keeps_every_item() -> None:
    chance = SecureChance()
    items = list(range(20))
    assert sorted(chance.shuffled(items)) == items
    assert 1.0 <= chance.uniform(1.0, 2.0) <= 2.0
    assert 0 <= chance.bits(16) < 65536
