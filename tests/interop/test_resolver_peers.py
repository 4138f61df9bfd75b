"""The world of lies, asked by pabal, Unbound and BIND: what each of them believes.

The servers are those of the scenarios, on loopback. Delegations have no port but 53, so
this needs the right to bind that.
"""

import asyncio
import contextlib
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest
from typing_extensions import override

from pabal.base.clock import SystemClock
from pabal.base.ids import SecureChance
from pabal.dns.ports import ResolutionError, Security
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.query import Query
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.resolver.transport import NetworkExchange
from tests.interop.peer import needs
from tests.interop.test_hierarchy import World, ask, bind, may_bind_53, unbound
from tests.scenario.dns.network import FakeServer, truncated
from tests.scenario.dns.player import Player, read
from tests.scenario.dns.signed import ds_text
from tests.support.server import eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not may_bind_53(), reason="port 53 is not for us"),
]

LIES = Path(__file__).parents[1] / "scenario" / "dns" / "lies.inc"
ROOT = "127.83.0.1"


def said_by(server: FakeServer, octets: bytes, *, tcp: bool) -> bytes | None:
    """Return what ``server`` says to ``octets``; ``None``: nothing."""
    message = dns.message.from_wire(octets)
    question = message.question[0]
    query = Query(
        Server("", ""), dns.name.root, question.name, question.rdtype, tcp,
        message.edns >= 0, recursive=False, timeout_s=1.0, wire=octets,
    )  # fmt: skip
    said = next(iter(server.datagrams(query)), None)
    if said is not None and not tcp and len(said) > max(512, message.payload):
        return truncated(said, query)
    return said


class Udp(socketserver.DatagramRequestHandler):
    host: ClassVar[FakeServer]

    @override
    def handle(self) -> None:
        said = said_by(self.host, self.rfile.read(), tcp=False)
        if said is not None:
            self.wfile.write(said)


class Tcp(socketserver.StreamRequestHandler):
    host: ClassVar[FakeServer]

    @override
    def handle(self) -> None:
        while length := self.rfile.read(2):
            octets = self.rfile.read(int.from_bytes(length, "big"))
            said = said_by(self.host, octets, tcp=True) or b""
            self.wfile.write(len(said).to_bytes(2, "big") + said)


class ThreadingTcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextlib.contextmanager
def listening(address: str, server: FakeServer) -> Iterator[None]:
    """Let ``server`` answer at ``address``, port 53."""
    given = {"host": server}
    with (
        socketserver.ThreadingUDPServer((address, 53), type("U", (Udp,), given)) as udp,
        ThreadingTcpServer((address, 53), type("T", (Tcp,), given)) as tcp,
    ):
        for each in (udp, tcp):
            threading.Thread(target=each.serve_forever, args=(0.05,)).start()
        try:
            yield
        finally:
            udp.shutdown()
            tcp.shutdown()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    player = Player()
    for line in read(LIES):
        getattr(player, "_" + line.words[0].lower())(line.words[1:], line.block)
    player.lie()
    with contextlib.ExitStack() as stack:
        for address, server in player.network.servers.items():
            stack.enter_context(listening(address, server))
        anchor = ds_text(".").removeprefix("DS ")
        yield World(ROOT, anchor, tmp_path_factory.mktemp("peers"))


Found = tuple[str, bool, int]
"""The response code, AD, and the TTL of the first record (0: none)."""
Asking = Callable[[str, str], Found]


@contextlib.contextmanager
def pabal(world: World) -> Iterator[Asking]:
    """Yield a resolver that forgets everything between two questions."""

    async def resolve(name: str, rdtype: str) -> Found:
        settings = ResolverSettings(
            root_hints=(Server("ns.", world.root),),
            ipv6=False,
            trust_anchors=f". DS {world.anchor}\n",
        )
        clock, chance = SystemClock(), SecureChance()
        resolver = IterativeResolver(settings, NetworkExchange(), clock, chance)
        try:
            resolved = await resolver.resolve(
                dns.name.from_text(name), dns.rdatatype.from_text(rdtype)
            )
        except ResolutionError:
            return "SERVFAIL", False, 0
        finally:
            await resolver.stop()
        rcode = dns.rcode.to_text(dns.rcode.Rcode(resolved.rcode))
        ttl_s = resolved.answer[0].ttl if resolved.answer else 0
        return rcode, resolved.security is Security.SECURE, ttl_s

    yield lambda name, rdtype: asyncio.run(resolve(name, rdtype))


@contextlib.contextmanager
def through(running: AbstractContextManager[tuple[str, int]]) -> Iterator[Asking]:
    """Yield how to ask the resolver that ``running`` starts."""
    with running as (address, port):

        def is_there() -> bool:
            with contextlib.suppress(OSError, dns.exception.DNSException):
                answer = ask(address, port, "test", "SOA", wait_s=1)
                return answer.rcode() == dns.rcode.NOERROR
            return False

        def found(name: str, rdtype: str) -> Found:
            answer = ask(address, port, name, rdtype)
            rcode = dns.rcode.to_text(answer.rcode())
            ttl_s = answer.answer[0].ttl if answer.answer else 0
            return rcode, bool(answer.flags & dns.flags.AD), ttl_s

        eventually(is_there, 20)
        yield found


def through_unbound(world: World) -> AbstractContextManager[Asking]:
    # What was proven before must not answer the next question; test. is asked.
    more = 'aggressive-nsec: no\n  local-zone: "test." nodefault'
    return through(unbound(world, more))


def through_bind(world: World) -> AbstractContextManager[Asking]:
    return through(bind(world, "synth-from-dnssec no;"))


SECURE, INSECURE = ("NOERROR", True, 60), ("NOERROR", False, 60)
DENIED, BOGUS = ("NXDOMAIN", True, 0), ("SERVFAIL", False, 0)
UNSIGNED_DENIAL = ("NXDOMAIN", False, 0)

BELIEVED: dict[Found, str] = {
    SECURE: "www.safe.test www.sub.hash.test y.wild.safe.test y.wild.hash.test"
    " www.half.test www.many.test www.old.safe.test ttl.safe.test",
    DENIED: "nobody.safe.test nobody.hash.test",
    INSECURE: "www.bare.lie www.unknown.test www.digest.test www.below.plain.test"
    " toplain.safe.test www.island.test",
    UNSIGNED_DENIAL: "nobody.many.test nobody.plain.test",
    BOGUS: "ancestor.safe.test safe.test/MX ancestor.sub.hash.test sub.hash.test/MX"
    " under.old.safe.test bare.wild.safe.test other.wild.safe.test x.wild.safe.test"
    " y.tree.wild.safe.test bare.wild.hash.test x.wild.hash.test half.wild.safe.test"
    " second.safe.test third.safe.test alias.safe.test/TXT deep.safe.test"
    " any.gap.safe.test second.hash.test nodata.hash.test x.b.c.deep.hash.test"
    " half.wild.hash.test mixed.hash.test www.child.lie www.other.lie"
    " www.halfbad.test tobad.safe.test www.expired.test www.future.test"
    " www.rogue.test www.unsigned.test",
}
"""What pabal finds, and the names (type A, if none is said)."""

BIND: dict[str, Found] = {
    # It has the DNAME from www.old.safe.test before it, and makes an alias of it.
    "under.old.safe.test": ("NXDOMAIN", True, 60),
}
"""Where BIND 9.18 differs, and why."""

UNBOUND: dict[str, Found] = {
    # It asked for A before, when it minimised, and has the alias from there.
    "alias.safe.test/TXT": SECURE,
    # It takes NXDOMAIN with a proof of "no data" for "no data".
    "deep.safe.test": ("NOERROR", True, 0),
    # It does not see that an empty wildcard is there (RFC 4592 §2.2.2).
    "any.gap.safe.test": DENIED,
    # It wants the CNAME beside a DNAME to be right; others make their own.
    "www.old.safe.test": BOGUS,
    # It tells the TTL as it came, and keeps the records as long as was signed.
    "ttl.safe.test": ("NOERROR", True, 7200),
}
"""Where Unbound 1.17 differs, and why."""


@pytest.mark.parametrize(
    ("through", "otherwise"),
    [
        pytest.param(pabal, {}, id="pabal"),
        pytest.param(through_bind, BIND, id="bind", marks=needs("named")),
        pytest.param(through_unbound, UNBOUND, id="unbound", marks=needs("unbound")),
    ],
)
def test_what_is_believed(
    world: World,
    through: Callable[[World], AbstractContextManager[Asking]],
    otherwise: dict[str, Found],
) -> None:
    wanted = {q: found for found, names in BELIEVED.items() for q in names.split()}
    wanted |= otherwise
    with through(world) as asking:
        found = {}
        for question in wanted:
            name, _, rdtype = question.partition("/")
            found[question] = asking(name, rdtype or "A")
    assert found == wanted
