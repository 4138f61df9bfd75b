"""Views taken over from BIND: each client gets from pabal what BIND gave it."""

import itertools
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.update

import dns.zone
from tests.interop.peer import needs, path_of
from tests.interop.test_transfer_bind import LOOPBACK
from tests.support.ports import free_port
from tests.support.server import PORT_OFFSET, Server

pytestmark = needs("named")

INSIDE, EXCEPT, OUTSIDE = "127.88.1.1", "127.88.1.99", "127.88.2.1"

QUESTIONS = [
    ("www.v.test", "A"),
    ("only.v.test", "A"),
    ("v.test", "SOA"),
    ("a.in.test", "A"),
    ("a.out.test", "A"),
    ("same.both.test", "A"),
]

CONF = """
acl office {{ !127.88.1.99; 127.88.1.0/24; }};
options {{
    directory "{directory}"; pid-file none; session-keyfile none;
    listen-on port {port} {{ {LOOPBACK}; }}; listen-on-v6 {{ none; }};
    minimal-responses yes; recursion no; dnssec-validation no;
}};
controls {{ }};
view "in side" {{
    match-clients {{ office; }};
    zone "v.test" {{ type primary; file "v.in"; }};
    zone "in.test" {{ type primary; file "in"; }};
    zone "both.test" {{ type primary; file "both"; }};
    zone "out.test" {{ type primary; file "out"; }};
}};
view "out side" {{
    match-clients {{ any; }};
    zone "v.test" {{ type primary; file "v.out"; }};
    zone "out.test" {{ in-view "in side"; }};
    zone "both.test" {{ type primary; file "both"; }};
}};
"""

FILES = {
    "v.in": "www A 10.0.0.1\nonly A 10.0.0.2\n",
    "v.out": "www A 192.0.2.1\n",
    "in": "a A 10.0.0.3\n",
    "out": "a A 192.0.2.3\n",
    "both": "same A 192.0.2.4\n",
}

HEAD = "$TTL 60\n@ SOA ns.x. hostmaster.x. 7 7200 900 604800 60\n@ NS ns.x.\n"


@contextmanager
def bind(directory: Path, port: int) -> Iterator[Path]:
    """Run BIND with two views until the block ends; yield its configuration."""
    directory.mkdir()
    for name, text in FILES.items():
        (directory / name).write_text(HEAD + text)
    conf = directory / "named.conf"
    conf.write_text(CONF.format(directory=directory, port=port, LOOPBACK=LOOPBACK))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [path_of("named"), "-g", "-n", "1", "-c", str(conf)], stdout=log, stderr=log
        )
        try:
            yield conf
        finally:
            process.terminate()
            process.wait(20)


def answer(at: str, port: int, client: str, name: str, rdtype: str) -> str:
    """Return RCODE and answer section; asked over UDP until somebody is there."""
    query = dns.message.make_query(name, rdtype)
    for _ in range(50):
        try:
            found = dns.query.udp(query, at, 2, port, source=client)
        except (dns.exception.Timeout, OSError):
            continue
        rcode = dns.rcode.to_text(found.rcode())
        return " ".join([rcode, *(rrset.to_text() for rrset in found.answer)])
    return "silence"


def taken_over(ours: Server, conf: Path) -> None:
    """Import ``conf`` and write what is printed into pabal.toml."""
    said = ours.run("zone", "import", conf).stdout
    lines = said.partition("For pabal.toml:")[2].partition("[listen]")[0]
    toml = ours.directory / "pabal.toml"
    head, _, tail = toml.read_text().partition("\n[dns]\n")
    rest = tail.partition("\n[")
    toml.write_text(f"{head}\n{lines}\n{rest[1]}{rest[2]}")
    assert " 0 error(s), 1 warning(s)." in ours.run("check").stdout  # the console's


def test_each_client_gets_what_bind_gave_it(tmp_path: Path) -> None:
    port = free_port()
    with (
        bind(tmp_path / "bind", port) as conf,
        Server(tmp_path / "s", "mail.our.test", "our.test") as ours,
    ):
        ours.init(accounts=())
        taken_over(ours, conf)
        ours.start()
        for client in (INSIDE, EXCEPT, OUTSIDE):
            for name, rdtype in QUESTIONS:
                theirs = answer(LOOPBACK, port, client, name, rdtype)
                mine = answer(ours.address, PORT_OFFSET + 53, client, name, rdtype)
                assert mine == theirs, (client, name)
        assert "10.0.0." not in " ".join(
            answer(ours.address, PORT_OFFSET + 53, OUTSIDE, *each) for each in QUESTIONS
        )


# Views by key, with forwarders and copies of their own.

SECRETS = {
    "inner": "aW5uZXIgdmlldyBvZiB0aGUgdGVzdHM=",
    "outer": "b3V0ZXIgdmlldyBvZiB0aGUgdGVzdHM=",
}
KEYS = "".join(
    f'key "{name}" {{ algorithm hmac-sha256; secret "{secret}"; }};\n'
    for name, secret in SECRETS.items()
)

HEADER = """
options {{
    directory "{directory}"; pid-file none; session-keyfile none;
    listen-on port {port} {{ {LOOPBACK}; }}; listen-on-v6 {{ none; }};
    minimal-responses yes; dnssec-validation no; notify explicit;
    min-refresh-time 1; min-retry-time 1; qname-minimization off;
}};
controls {{ }};
acl inside {{ !key outer; key inner; 127.88.1.0/24; }};
"""

PRIMARY = """
view inner {{
    match-clients {{ inside; }}; recursion no;
    allow-transfer {{ key inner; }};
    also-notify {{ {ours} port {our_port} key inner; }};
    zone "copy.test" {{ type primary; file "copy.in";
        allow-update {{ key inner; }}; }};
}};
view outer {{
    match-clients {{ any; }}; recursion no;
    allow-transfer {{ key outer; }};
    also-notify {{ {ours} port {our_port} key outer; }};
    zone "copy.test" {{ type primary; file "copy.out";
        allow-update {{ key outer; }}; }};
}};
"""

BOTH = """
view inner {{
    match-clients {{ inside; }};
    recursion yes; allow-recursion {{ any; }};
    forwarders {{ {LOOPBACK} port {inner}; }}; forward only;
    allow-transfer {{ key inner; }};
    zone "copy.test" {{ type secondary;
        primaries {{ {LOOPBACK} port {primary} key inner; }}; file "copy.in"; }};
    zone "own.test" {{ type primary; file "own.in"; allow-update {{ key inner; }}; }};
    zone "routed.test" {{ type forward; forward only;
        forwarders {{ {LOOPBACK} port {routed}; }}; }};
}};
view outer {{
    match-clients {{ key outer; 127.88.2.0/24; }};
    recursion yes; allow-recursion {{ any; }};
    forwarders {{ {LOOPBACK} port {outer}; }}; forward only;
    allow-transfer {{ key outer; }};
    zone "copy.test" {{ type secondary;
        primaries {{ {LOOPBACK} port {primary} key outer; }}; file "copy.out"; }};
    zone "own.test" {{ type primary; file "own.out"; }};
    zone "routed.test" {{ type primary; file "own.out"; }};
}};
view quiet {{
    match-clients {{ any; }}; recursion no; allow-transfer {{ none; }};
    zone "quiet.test" {{ type primary; file "own.out"; }};
}};
"""

VIEWED = {
    "copy.in": "www A 10.0.0.1\n",
    "copy.out": "www A 192.0.2.1\n",
    "own.in": "www A 10.0.0.2\nalias CNAME www.copy.test.\n",
    "own.out": "www A 192.0.2.2\nalias CNAME far.elsewhere.test.\n",
}

ASKED = [
    ("www.copy.test", "A"),
    ("copy.test", "SOA"),
    ("www.own.test", "A"),
    ("alias.own.test", "A"),
    ("www.routed.test", "A"),
    ("far.elsewhere.test", "A"),
    ("www.quiet.test", "A"),
    ("none.own.test", "A"),
]

INNER, OUTER, NEITHER = "127.88.1.1", "127.88.2.1", "127.88.3.1"


class Upstream:
    """A resolver that says one address whatever it is asked; a context manager."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((LOOPBACK, 0))
        self._socket.settimeout(0.1)
        self.port: int = self._socket.getsockname()[1]
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while not self._is_over.is_set():
            try:
                data, client = self._socket.recvfrom(4096)
                query = dns.message.from_wire(data, keyring=False)
            except (TimeoutError, dns.exception.DNSException):
                continue
            answer = dns.message.make_response(query, recursion_available=True)
            question = query.question[0]
            if question.rdtype == dns.rdatatype.A:
                rrset = dns.rrset.from_text(
                    question.name, 300, "IN", "A", self._address
                )
                answer.answer.append(rrset)
            self._socket.sendto(answer.to_wire(), client)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._socket.close()


@contextmanager
def server(directory: Path, conf: str, **names: object) -> Iterator[Path]:
    """Run BIND with ``conf`` until the block ends; yield its configuration."""
    directory.mkdir()
    for name, text in VIEWED.items():
        if name.startswith("own") or "also-notify" in conf:
            (directory / name).write_text(HEAD + text)
    text = KEYS + (HEADER + conf).format(
        directory=directory, LOOPBACK=LOOPBACK, **names
    )
    file = directory / "named.conf"
    file.write_text(text)
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [path_of("named"), "-g", "-n", "1", "-c", str(file)], stdout=log, stderr=log
        )
        try:
            yield file
        finally:
            process.terminate()
            process.wait(20)


def ring(name: str) -> dict[dns.name.Name, dns.tsig.Key]:
    key = dns.tsig.Key(name, SECRETS[name])
    return {key.name: key}


def said(place: tuple[str, int], client: str, name: str, rdtype: str, key: str) -> str:
    """Return RCODE and answer section without TTLs; asked until somebody is there."""
    query = dns.message.make_query(name, rdtype)
    if key:
        query.use_tsig(ring(key))
    for _ in range(3):
        try:
            found = dns.query.udp(query, place[0], 3, place[1], source=client)
        except (dns.exception.Timeout, OSError):
            continue
        lines = [f"{r.name} {rdata}" for r in found.answer for rdata in r]
        return " ".join([dns.rcode.to_text(found.rcode()), *lines])
    return "silence"


def transferred(place: tuple[str, int], key: str) -> str:
    """Return what a whole copy.test holds for whoever has ``key``."""
    try:
        messages = dns.query.xfr(
            place[0], "copy.test", port=place[1], keyring=ring(key), lifetime=5
        )
        zone = dns.zone.from_xfr(messages)
    except (dns.exception.DNSException, EOFError) as error:
        return type(error).__name__
    return zone.to_text(sorted=True)


def waits_for(place: tuple[str, int], client: str, name: str, answer: str) -> None:
    for _ in range(100):
        if said(place, client, name, "A", "") == answer:
            return
        time.sleep(0.1)
    raise AssertionError(said(place, client, name, "A", ""))


def update(place: tuple[str, int], zone: str, address: str, key: str) -> str:
    message = dns.update.UpdateMessage(zone)
    message.add("new", 60, "A", address)
    message.use_tsig(ring(key))
    return dns.rcode.to_text(dns.query.tcp(message, place[0], 5, place[1]).rcode())


def test_views_by_key_with_forwarders_and_copies(tmp_path: Path) -> None:
    """The same named.conf before BIND and, imported, before pabal."""
    ports = free_port(), free_port()
    with (
        Upstream("10.9.9.9") as inner,
        Upstream("192.0.2.99") as outer,
        Upstream("10.8.8.8") as routed,
        Server(tmp_path / "s", "mail.our.test", "our.test") as ours,
        server(
            tmp_path / "primary",
            PRIMARY,
            port=ports[0],
            ours=ours.address,
            our_port=PORT_OFFSET + 53,
        ),
        server(
            tmp_path / "bind",
            BOTH,
            port=ports[1],
            primary=ports[0],
            inner=inner.port,
            outer=outer.port,
            routed=routed.port,
        ) as conf,
    ):
        ours.init(accounts=())
        taken_over(ours, conf)
        ours.start()
        theirs, mine = (LOOPBACK, ports[1]), (ours.address, PORT_OFFSET + 53)
        for place in (theirs, mine):
            waits_for(place, INNER, "www.copy.test", "NOERROR www.copy.test. 10.0.0.1")
            waits_for(place, OUTER, "www.copy.test", "NOERROR www.copy.test. 192.0.2.1")
        # Twice, in turn: what one view has heard no other one says.
        for _ in range(2):
            for client, key in itertools.product(
                (INNER, OUTER, NEITHER), ("", "inner", "outer")
            ):
                for name, rdtype in ASKED:
                    expected = said(theirs, client, name, rdtype, key)
                    found = said(mine, client, name, rdtype, key)
                    assert found == expected, (client, key, name)
        assert "10.9.9.9" in said(mine, INNER, "far.elsewhere.test", "A", "")
        assert "192.0.2.99" in said(mine, OUTER, "far.elsewhere.test", "A", "")
        assert "10.8.8.8" in said(mine, INNER, "www.routed.test", "A", "")
        for key in SECRETS:
            assert transferred(mine, key) == transferred(theirs, key) != ""
        # A change at the primary reaches the copy in the view of the key, by NOTIFY.
        assert (
            update((LOOPBACK, ports[0]), "copy.test", "10.0.0.77", "inner") == "NOERROR"
        )
        new = "NOERROR new.copy.test. 10.0.0.77"
        waits_for(mine, INNER, "new.copy.test", new)
        assert said(mine, OUTER, "new.copy.test", "A", "") == "NXDOMAIN"
        # An update changes the zone of the view of its key.
        for place in (theirs, mine):
            assert update(place, "own.test", "10.0.0.78", "inner") == "NOERROR"
            assert update(place, "own.test", "10.0.0.79", "outer") == "REFUSED"
            new = "NOERROR new.own.test. 10.0.0.78"
            assert said(place, INNER, "new.own.test", "A", "") == new
            assert said(place, OUTER, "new.own.test", "A", "") == "NXDOMAIN"
