"""What an operator says about names elsewhere, with dig before and BIND behind."""

import json
from collections.abc import Iterator

import pytest

from tests.interop.peer import needs, run
from tests.interop.test_resolver_bind import NAMED, bind
from tests.support.server import Server

pytestmark = [
    needs("dig"),
    pytest.mark.skipif(NAMED is None, reason="BIND is not installed"),
]

FAR = """@ SOA ns you 1 1 1 1 60
    @ NS ns
    ns A 192.0.2.1
    www A 192.0.2.80
    bad A 192.0.2.81
    empty A 192.0.2.82
    other A 192.0.2.83
    silent A 192.0.2.84
    alias CNAME bad
    big A 192.0.2.85
    inside A 198.51.100.7
    """
POLICY = """$TTL 60
@ SOA ns you 1 1 1 1 60
@ NS ns.a.test.
bad.far.test CNAME .
empty.far.test CNAME *.
other.far.test A 203.0.113.1
silent.far.test CNAME rpz-drop.
big.far.test CNAME rpz-tcp-only.
32.9.77.0.127.rpz-client-ip CNAME *.
24.0.100.51.198.rpz-ip CNAME www.far.test.
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("bind")
    directory = tmp_path_factory.mktemp("pabal") / "s"
    with bind(place, {"far.test.": FAR}) as port, Server(directory).init() as server:
        (directory / "zones" / "rpz.zone").write_text(POLICY)
        server.configure(
            f'stub_zones = ["far.test 127.0.0.1:{port}"]',
            'policy_zones = ["rpz"]',
            'dns64 = "64:ff9b::/96"',
            'trust_anchors = "none"',
            table="dns",
        )
        server.configure(
            'clients = "127.0.78.0/24"',
            'policy_zones = "none"',
            'dns64 = "none"',
            table="dns.view.free",
        )
        yield server.start()


def dig(server: Server, *question: str) -> list[str]:
    where = f"@{server.address}", "-p", str(server.port(53))
    given = "+noall", "+answer", "+comments", "+tries=1", "+time=1"
    said = run("dig", *where, *given, *question, check=False).stdout.decode()
    if "timed out" in said:
        return ["silence"]
    status = said.partition("status: ")[2].partition(",")[0]
    lines = [line.split() for line in said.splitlines() if line[:1] not in ("", ";")]
    return [status, *(" ".join(line[3:]) for line in lines)]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("www.far.test A", ["NOERROR", "A 192.0.2.80"]),
        ("bad.far.test A", ["NXDOMAIN"]),
        ("alias.far.test A", ["NXDOMAIN", "CNAME bad.far.test."]),
        ("empty.far.test A", ["NOERROR"]),
        ("other.far.test A", ["NOERROR", "A 203.0.113.1"]),
        ("inside.far.test A", ["NOERROR", "CNAME www.far.test.", "A 192.0.2.80"]),
        ("www.far.test AAAA", ["NOERROR", "AAAA 64:ff9b::c000:250"]),
    ],
)
def test_answers(server: Server, question: str, answer: list[str]) -> None:
    assert dig(server, *question.split()) == answer
    # Out of the ready answers it is the same.
    assert dig(server, *question.split()) == answer


def test_only_over_tcp(server: Server) -> None:
    # dig comes again over TCP by itself.
    assert dig(server, "big.far.test", "A") == ["NOERROR", "A 192.0.2.85"]
    for _ in range(2):
        assert dig(server, "+ignore", "big.far.test", "A") == ["NOERROR"]


def test_who_asks_decides(server: Server) -> None:
    for _ in range(2):
        assert dig(server, "-b", "127.0.77.9", "www.far.test", "A") == ["NOERROR"]
        assert dig(server, "www.far.test", "A") == ["NOERROR", "A 192.0.2.80"]


def test_a_view_without_policies(server: Server) -> None:
    free = "-b", "127.0.78.1"
    for _ in range(2):
        assert dig(server, *free, "bad.far.test", "A") == ["NOERROR", "A 192.0.2.81"]
        assert dig(server, *free, "www.far.test", "AAAA") == ["NOERROR"]
        assert dig(server, "bad.far.test", "A") == ["NXDOMAIN"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("bad.far.test", "EDE: 15 (Blocked)"),
        ("other.far.test", "EDE: 4 (Forged Answer)"),
    ],
)
def test_clients_are_told_why(server: Server, name: str, told: str) -> None:
    for _ in range(2):
        where = f"@{server.address}", "-p", str(server.port(53))
        assert told in run("dig", *where, name, "A").stdout.decode()
        said = run("dig", *where, "www.far.test", "A").stdout.decode()
        assert "EDE" not in said


def test_signatures_asked_for_where_there_are_none_change_nothing(
    server: Server,
) -> None:
    assert dig(server, "+dnssec", "bad.far.test", "A") == ["NXDOMAIN"]


def test_silence(server: Server) -> None:
    assert dig(server, "silent.far.test", "A") == ["silence"]


def test_the_cache_is_shown_and_flushed(server: Server) -> None:
    dig(server, "www.far.test", "A")

    def names() -> list[str]:
        found = json.loads(server.run("cache", "show", "far.test", "--json").stdout)
        return [item["name"] for item in found["found"]]

    assert "www.far.test." in names()
    server.run("cache", "flush", "www.far.test")
    assert "www.far.test." not in names()
    assert dig(server, "www.far.test", "A") == ["NOERROR", "A 192.0.2.80"]
    assert "www.far.test." in names()


def test_dig_says_who_changed_an_answer(server: Server) -> None:
    said = server.run("dig", "bad.far.test").stdout
    assert "@ policy (zone bad.far.test.rpz.)" in said
    assert "NXDOMAIN" in said
