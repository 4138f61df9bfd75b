from pabal.smtp.outcome import delivered, permanent, temporary


def test_both_codes_come_from_one_permanence() -> None:
    assert str(delivered("Taken")) == "250 2.0.0 Taken"
    assert str(temporary(51, "3.0", "Later")) == "451 4.3.0 Later"
    assert str(permanent(50, "1.1", "")) == "550 5.1.1"
    assert delivered().ok
    assert not temporary(51, "3.0", "").ok
