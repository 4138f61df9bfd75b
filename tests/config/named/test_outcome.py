import tomllib

from pabal.config.named.outcome import Outcome, Takeover, ZoneFile
from tests.support.configuration import checked


def test_tables_stand_where_they_can_be_read() -> None:
    """[dns] first; views in their order, for the first that fits counts."""
    settings = (
        ("listen", "dns", ("127.0.0.1:53",)),
        ("dns.view.z", "clients", ("10.0.0.0/8",)),
        ("dns.view.a", "clients", ("any",)),
        ("dns", "tcp_idle", 3),
        ("dns.view.z", "zones", "views/z"),
        ("dns", "tls", True),
    )
    text = Takeover((), settings, (), ()).toml()
    tables = [line for line in text.splitlines() if line.startswith("[")]
    assert tables == ["[dns]", "[dns.view.z]", "[dns.view.a]", "[listen]"]
    assert tomllib.loads(text) == {
        "dns": {
            "tcp_idle": 3,
            "tls": True,
            "view": {
                "z": {"clients": ["10.0.0.0/8"], "zones": "views/z"},
                "a": {"clients": ["any"]},
            },
        },
        "listen": {"dns": ["127.0.0.1:53"]},
    }


def test_where_files_go() -> None:
    assert ZoneFile("a.test", "/x", "c:1").directory == "zones"
    assert ZoneFile("a.test", "/x", "c:1", "in").directory == "views/in"


def test_lists_lose_the_keys_that_were_not_taken() -> None:
    text = "options { allow-transfer { key k; 10/8; }; };"
    outcome = Outcome(checked(text), frozenset())
    (options,) = outcome.statements
    (statement,) = options.body()
    outcome.access(statement, "allow_transfer")
    assert outcome.settings == [("dns", "allow_transfer", ("10.0.0.0/8",))]
    assert [note.taken for note in outcome.notes] == [False, True]
