"""Each kind of option: what it takes, what it says of the rest, what it is called."""

from collections.abc import Callable

import pytest

from pabal.config import toml
from pabal.config.section import BadValueError, FileSection, size_of
from pabal.net.endpoint import Endpoint

FILE = "/somewhere/pabal.toml"


class Read:
    """One line of a file, read as one kind of option."""

    def __init__(self, line: str) -> None:
        self._document = toml.parse(line + "\n", FILE)
        self.section = FileSection(self._document, "", FILE, [line])

    @property
    def complaints(self) -> list[str]:
        return [
            f"{p.span.column}: {p.reason}"
            + (f"; {p.suggestion}" if p.suggestion else "")
            for p in self._document.problems
        ]


def complaint(line: str, read: Callable[[FileSection], object]) -> str:
    given = Read(line)
    read(given.section)
    (found,) = given.complaints
    return found


def test_texts_and_paths() -> None:
    assert Read('k = "v"').section.text("k", "d", "") == "v"
    assert Read("").section.text("k", "d", "") == "d"
    assert complaint("k = 1", lambda s: s.text("k", "d", "")) == (
        "5: this must be text; put it in quotes"
    )
    assert Read('k = "v"').section.path("k", "d", "") == "/somewhere/v"
    assert Read('k = "/v"').section.path("k", "d", "") == "/v"
    assert Read('k = ""').section.path("k", "d", "") == ""
    assert Read("").section.path("k", "d", "") == "/somewhere/d"


@pytest.mark.parametrize("name", ["a", "mail.example.com", "A.b-c.d.", "xn--bj0b.kr"])
def test_host_names(name: str) -> None:
    given = Read(f'k = "{name}"')
    assert given.section.hostname("k", "") == name.rstrip(".").lower()
    assert given.complaints == []


@pytest.mark.parametrize("name", ["a b", "-a.test", "a..b", "a" * 64 + ".test", "한글"])
def test_what_is_no_host_name(name: str) -> None:
    assert "is not a host name" in complaint(
        f'k = "{name}"', lambda s: s.hostname("k", "")
    )


def test_a_host_name_must_be_set() -> None:
    assert "`k` is missing" in complaint("", lambda s: s.hostname("k", ""))


def test_choices() -> None:
    among = ("never", "loopback")
    assert Read('k = "never"').section.choice("k", "loopback", among, "") == "never"
    wrong = complaint('k = "nevr"', lambda s: s.choice("k", "loopback", among, ""))
    assert wrong == "5: 'nevr' is not a choice for `k`; did you mean `never`?"
    far = complaint('k = "x"', lambda s: s.choice("k", "loopback", among, ""))
    assert far.endswith("; one of never, loopback")


def test_workers() -> None:
    assert Read('k = "auto"').section.workers("k", "") == 0
    assert Read("").section.workers("k", "") == 0
    assert Read("k = 64").section.workers("k", "") == 64
    for wrong in ("k = 0", "k = 65", 'k = "some"', "k = true"):
        assert "1 to 64" in complaint(wrong, lambda s: s.workers("k", ""))


def test_numbers_and_truths() -> None:
    assert Read("k = 7").section.integer("k", 1, 0, 9, "") == 7
    assert Read("").section.integer("k", 1, 0, 9, "") == 1
    for wrong in ("k = 10", "k = -1", "k = true", 'k = "7"'):
        assert "from 0 to 9" in complaint(wrong, lambda s: s.integer("k", 1, 0, 9, ""))
    assert Read("k = false").section.boolean("k", default=True, about="") is False
    assert Read("").section.boolean("k", default=True, about="") is True
    assert "true or false" in complaint(
        'k = "no"', lambda s: s.boolean("k", default=True, about="")
    )


@pytest.mark.parametrize(
    ("text", "octets"),
    [("0", 0), ("50MB", 50_000_000), ("1 kb", 1_000), ("2GB", 2_000_000_000)],
)
def test_sizes(text: str, octets: int) -> None:
    assert size_of(text) == octets
    assert Read(f'k = "{text}"').section.size("k", "1B", "") == octets


@pytest.mark.parametrize("text", ["", "MB", "1.5MB", "-1", "1TB", "²MB", "1" * 20])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(BadValueError, match="is not a size"):
        size_of(text)


def test_a_size_may_be_a_number() -> None:
    assert Read("k = 1000").section.size("k", "1B", "") == 1000
    for wrong in ("k = -1", "k = true"):
        assert "like" in complaint(wrong, lambda s: s.size("k", "1B", ""))


def test_endpoints() -> None:
    def read(line: str) -> tuple[Endpoint, ...]:
        return Read(line).section.endpoints("k", ("127.0.0.1:1",), "")

    assert read("") == (Endpoint("127.0.0.1", 1),)
    assert read('k = "[::1]:25"') == (Endpoint("::1", 25),)
    assert read('k = ["0.0.0.0:25", "[::]:25"]') == (
        Endpoint("0.0.0.0", 25),
        Endpoint("::", 25),
    )
    assert read('k = ""') == read("k = []") == ()
    given = Read('k = ["0.0.0.0:25", "1.2.3.4"]')
    given.section.endpoints("k", (), "")
    assert given.complaints[0].startswith("20: "), "the item, not the list"


def test_networks_and_addresses() -> None:
    def networks(line: str) -> tuple[str, ...]:
        return Read(line).section.networks("k", ("any",), "")

    assert networks("") == ("any",)
    assert networks('k = ["!10.0.0.0/8", "::1", "localhost"]') == (
        "!10.0.0.0/8",
        "::1",
        "localhost",
    )
    wrong = complaint('k = "localhots"', lambda s: s.networks("k", (), ""))
    assert wrong.endswith("did you mean `localhost`?")
    assert Read('k = ["9.9.9.9", "[::1]:53"]').section.addresses("k", (), "") == (
        "9.9.9.9",
        "[::1]:53",
    )
    assert "like" in complaint('k = "ns.test"', lambda s: s.addresses("k", (), ""))
    assert "quotes" in complaint("k = [1]", lambda s: s.addresses("k", (), ""))


def test_what_nobody_asked_for() -> None:
    given = Read("workerz = 1")
    given.section.workers("workers", "")
    given.section.close()
    assert given.complaints == [
        "1: unknown key `workerz`; did you mean `workers`?",
    ]
    far = Read("zzz = 1")
    far.section.workers("workers", "")
    far.section.close()
    assert far.complaints == ["1: unknown key `zzz`; known here: workers"]
