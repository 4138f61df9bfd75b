"""The resolver walks a hierarchy that BIND serves: root, test., example.test. and more.

Each has a BIND of its own.
"""

import asyncio
import contextlib
import dataclasses
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import pytest

from pabal.base.clock import SystemClock
from pabal.base.ids import SecureChance
from pabal.dns.ports import Resolved, Steps
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.lookup import Lookup, MxKind
from pabal.dns.resolver.query import Query
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.resolver.transport import NetworkExchange
from tests.support.ports import free_port

NAMED = shutil.which("named", path="/usr/sbin:/usr/bin:/sbin")
pytestmark = pytest.mark.skipif(NAMED is None, reason="BIND is not installed")

ROOT, TEST, EXAMPLE, OTHER = (f"192.0.2.{n}" for n in range(1, 5))
ZONES = {
    ROOT: {
        ".": f"""@ SOA a.root. you. 1 1 1 1 60
            @ NS a.root.
            a.root. A {ROOT}
            test. NS ns.test.
            ns.test. A {TEST}
            """
    },
    TEST: {
        "test.": f"""@ SOA ns you 1 1 1 1 60
            @ NS ns
            ns A {TEST}
            example NS ns.example
            ns.example A {EXAMPLE}
            other NS ns.example
            unglued NS far.other
            """
    },
    EXAMPLE: {
        "example.test.": f"""@ SOA ns you 1 1 1 1 60
            @ NS ns
            ns A {EXAMPLE}
            @ MX 20 b
            @ MX 10 a
            a A 192.0.2.25
            b A 192.0.2.26
            www A 192.0.2.80
            alias CNAME www.other.test.
            old DNAME other.test.
            *.wild A 192.0.2.81
            a.very.deep.name A 192.0.2.82
            """
        + "\n".join(f'big TXT "{number:0200d}"' for number in range(20)),
        "other.test.": f"""@ SOA ns.example.test. you 1 1 1 1 60
            @ NS ns.example.test.
            @ MX 0 .
            www AAAA 2001:db8::80
            far A {OTHER}
            """,
    },
    OTHER: {
        "unglued.test.": """@ SOA far.other.test. you 1 1 1 1 60
            @ NS far.other.test.
            www A 192.0.2.90
            """
    },
}


def write_configuration(directory: Path, zones: dict[str, str], port: int) -> Path:
    lines = []
    for origin, text in zones.items():
        file = directory / f"{origin.strip('.') or 'root'}.zone"
        records = "\n".join(line.strip() for line in text.splitlines())
        file.write_text(f"$TTL 300\n$ORIGIN {origin}\n{records}\n")
        lines.append(f'zone "{origin}" {{ type primary; file "{file}"; }};')
    configuration = directory / "named.conf"
    configuration.write_text(
        f'options {{ directory "{directory}"; pid-file none; recursion no;'
        f" listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};"
        " dnssec-validation no; allow-query { any; };"
        f' session-keyfile "{directory}/key"; }};\n'
        "controls { };\n" + "\n".join(lines)
    )
    return configuration


@contextlib.contextmanager
def bind(directory: Path, zones: dict[str, str]) -> Iterator[int]:
    """Run BIND for ``zones`` and yield its port."""
    port = free_port()
    configuration = write_configuration(directory, zones, port)
    assert NAMED is not None
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [NAMED, "-g", "-n", "1", "-c", str(configuration)], stdout=log, stderr=log
        )
    question = dns.message.make_query(next(iter(zones)), "SOA")
    try:
        for _ in range(100):
            with contextlib.suppress(OSError, dns.exception.Timeout):
                dns.query.udp(question, "127.0.0.1", timeout=0.2, port=port)
                break
            time.sleep(0.1)
        else:
            pytest.fail((directory / "log").read_text()[-2000:])
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    with contextlib.ExitStack() as stack:
        yield {
            address: stack.enter_context(bind(tmp_path_factory.mktemp("bind"), zones))
            for address, zones in ZONES.items()
        }


class Mapped:
    """BIND listens on addresses of interfaces only: each address here is a port."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports
        self._network = NetworkExchange()

    async def exchange(self, query: Query) -> bytes:
        place = Server("", "127.0.0.1", self._ports[query.server.address])
        return await self._network.exchange(dataclasses.replace(query, server=place))


@pytest.fixture
def resolver(ports: dict[str, int]) -> IterativeResolver:
    settings = ResolverSettings(root_hints=(Server("a.root.", ROOT),), ipv6=False)
    return IterativeResolver(settings, Mapped(ports), SystemClock(), SecureChance())


async def ask(resolver: IterativeResolver, name: str, rdtype: str) -> Resolved:
    return await resolver.resolve(
        dns.name.from_text(name), dns.rdatatype.from_text(rdtype)
    )


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode", "answer"),
    [
        ("www.example.test.", "A", 0, ["www.example.test. A 192.0.2.80"]),
        ("x.wild.example.test.", "A", 0, ["x.wild.example.test. A 192.0.2.81"]),
        ("www.example.test.", "MX", 0, []),
        ("nobody.example.test.", "A", 3, []),
        ("nobody.nowhere.", "A", 3, []),
        ("a.very.deep.name.example.test.", "A", 0,
         ["a.very.deep.name.example.test. A 192.0.2.82"]),
        ("alias.example.test.", "AAAA", 0,
         ["alias.example.test. CNAME www.other.test.",
          "www.other.test. AAAA 2001:db8::80"]),
        ("www.old.example.test.", "AAAA", 0,
         ["www.old.example.test. CNAME www.other.test.",
          "www.other.test. AAAA 2001:db8::80"]),
        ("www.unglued.test.", "A", 0, ["www.unglued.test. A 192.0.2.90"]),
        ("test.", "NS", 0, ["test. NS ns.test."]),
        ("example.test.", "DS", 0, []),
        (".", "SOA", 0, [". SOA a.root. you. 1 1 1 1 60"]),
    ],
)  # fmt: skip
async def test_answers(
    resolver: IterativeResolver, name: str, rdtype: str, rcode: int, answer: list[str]
) -> None:
    for _ in range(2):  # from the servers, then from the cache
        resolved = await ask(resolver, name, rdtype)
        assert resolved.rcode == rcode
        assert [
            f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}"
            for rrset in resolved.answer
            for rdata in rrset
        ] == answer
        assert answer or resolved.authority


async def test_long_answers_by_tcp(resolver: IterativeResolver) -> None:
    steps = Steps()
    resolved = await resolver.resolve(
        dns.name.from_text("big.example.test."), dns.rdatatype.TXT, steps
    )
    assert len(resolved.answer[0]) == 20
    assert any("TCP" in step.outcome for step in steps.taken)


async def test_mail(resolver: IterativeResolver) -> None:
    lookup = Lookup(resolver)
    answer = await lookup.mx("example.test")
    assert answer.records == ((10, "a.example.test"), (20, "b.example.test"))
    assert (await lookup.mx("other.test")).kind is MxKind.NULL
    assert await lookup.addresses("alias.example.test") == ("2001:db8::80",)


async def test_many_at_once(resolver: IterativeResolver) -> None:
    names = [f"n{number}.wild.example.test." for number in range(200)]
    answers = await asyncio.gather(*(ask(resolver, name, "A") for name in names))
    assert all(answer.answer for answer in answers)
