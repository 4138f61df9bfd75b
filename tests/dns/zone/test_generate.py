import pytest

from pabal.dns.zone.generate import GenerateError, generate


def test_forms_of_the_number() -> None:
    words = ["10-12/2", "a${0,3,d}", "A", "${1,2,X}.$.\\$"]
    assert list(generate(words)) == ["a010 A 0B.10.$", "a012 A 0D.12.$"]


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ("x", "not a range"),
        ("2-1", "empty"),
        ("1-2/0", "empty"),
        ("0-9999999999", "empty"),
        ("0-2000000", "more than"),
    ],
)
def test_ranges_that_are_none(first: str, reason: str) -> None:
    with pytest.raises(GenerateError) as caught:
        list(generate([first, "a$", "A", "$"]))
    assert reason in caught.value.reason


def test_no_negative_numbers() -> None:
    with pytest.raises(GenerateError):
        list(generate(["1-2", "a${-5}", "A", "$"]))
