from pabal.config.description import Description
from pabal.config.load import options
from pabal.config.settings import SERVICE_PORTS
from pabal.net.endpoint import Endpoint


def test_a_description_knows_what_a_file_may_say() -> None:
    described = Description()
    assert described.size("k", "50MB", "Largest.") == 50_000_000
    assert described.endpoints("e", ("127.0.0.1:25",), "Where.") == (
        Endpoint("127.0.0.1", 25),
    )
    assert described.choice("c", "a", ("a", "b"), "Which.") == "a"
    shown = [(option.key, option.default, option.help) for option in described.options]
    assert shown == [
        ("k", '"50MB"', "Largest."),
        ("e", '["127.0.0.1:25"]', "Where."),
        ("c", '"a"', "Which. (a | b)"),
    ]


def test_every_option_says_what_it_is() -> None:
    found = options()
    assert {option.key for option in found["listen"]} == set(SERVICE_PORTS)
    for option in (option for table in found.values() for option in table):
        assert option.help[0].isupper()
        assert "." in option.help
