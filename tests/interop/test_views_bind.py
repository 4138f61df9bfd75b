"""Views taken over from BIND: each client gets from pabal what BIND gave it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

from tests.interop.peer import needs, path_of
from tests.interop.test_transfer_bind import LOOPBACK, free_port
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


def test_each_client_gets_what_bind_gave_it(tmp_path: Path) -> None:
    port = free_port()
    with (
        bind(tmp_path / "bind", port) as conf,
        Server(tmp_path / "s", "mail.our.test", "our.test") as ours,
    ):
        ours.init(accounts=())
        said = ours.run("zone", "import", conf).stdout
        lines = said.partition("For pabal.toml:")[2].partition("[listen]")[0]
        toml = ours.directory / "pabal.toml"
        head, _, tail = toml.read_text().partition("\n[dns]\n")
        rest = tail.partition("\n[")
        toml.write_text(f"{head}\n{lines}\n{rest[1]}{rest[2]}")
        assert "all well" in ours.run("check").stdout
        ours.start()
        for client in (INSIDE, EXCEPT, OUTSIDE):
            for name, rdtype in QUESTIONS:
                theirs = answer(LOOPBACK, port, client, name, rdtype)
                mine = answer(ours.address, PORT_OFFSET + 53, client, name, rdtype)
                assert mine == theirs, (client, name)
        assert "10.0.0." not in " ".join(
            answer(ours.address, PORT_OFFSET + 53, OUTSIDE, *each) for each in QUESTIONS
        )
