"""A named.conf as Debian lays it out, with what people put there, taken over.

BIND itself runs on the same files: every client is answered alike.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.interop.peer import needs, path_of
from tests.interop.test_transfer_bind import LOOPBACK
from tests.interop.test_views_bind import answer, taken_over
from tests.support.ports import free_port
from tests.support.server import PORT_OFFSET, Server

pytestmark = [needs("named"), pytest.mark.slow]

TRUSTED, DMZ, WORLD = "127.88.3.1", "127.88.4.1", "127.88.5.1"

FILES = {
    "named.conf": """
include "{etc}/named.conf.options";
include "{etc}/named.conf.local";
""",
    "named.conf.options": """
acl "trusted" {{ {TRUSTED}; 192.168.10.0/24; }};
acl "dmz" {{ !127.88.4.66; 127.88.4.0/24; }};
acl "xfer" {{ key "xfer-key"; 127.88.7.1; }};
key "xfer-key" {{ algorithm hmac-sha256; secret "c2VjcmV0IG9mIHRoZSB0cmFuc2ZlcnM="; }};
key "ddns-key" {{ algorithm hmac-sha512; secret "c2VjcmV0IG9mIHRoZSB1cGRhdGVzIQ=="; }};
controls {{ }};
primaries "upstream" port 53 {{ 127.0.0.1 port 9 key "xfer-key"; }};
dnssec-policy "house" {{
    keys {{ ksk key-directory lifetime unlimited algorithm ecdsap256sha256;
           zsk key-directory lifetime P30D algorithm ecdsap256sha256; }};
    nsec3param iterations 0 optout no salt-length 0;
}};
options {{
    directory "{etc}"; pid-file none; session-keyfile none;
    listen-on port {port} {{ {LOOPBACK}; }}; listen-on-v6 {{ none; }};
    forwarders {{ 127.0.0.1 port 9; }}; forward only;
    dnssec-validation no; auth-nxdomain no; recursion yes;
    allow-query {{ any; }};
    allow-recursion {{ trusted; key "ddns-key"; }};
    allow-transfer {{ xfer; }}; notify no; allow-notify {{ 127.88.9.9; }};
    rrset-order {{ order cyclic; }}; minimal-responses yes;
    rate-limit {{ responses-per-second 500; slip 3; }};
    response-policy {{ zone "rpz.local"; }};
    version "none"; server-id "ns1-house"; max-cache-size 64m; tcp-clients 200;
}};
logging {{ category queries {{ null; }}; }};
""",
    "named.conf.local": """
view "internal" {{
    match-clients {{ trusted; dmz; }};
    include "{etc}/named.conf.default-zones";
    zone "example.com" {{ type primary; file "{etc}/db.inside";
        allow-update {{ key "ddns-key"; }}; }};
    zone "10.168.192.in-addr.arpa" {{ type primary; file "{etc}/db.reverse"; }};
    zone "rpz.local" {{ type primary; file "{etc}/db.rpz"; allow-query {{ none; }}; }};
}};
view "external" {{
    match-clients {{ any; }};
    recursion no;
    zone "rpz.local" {{ type primary; file "{etc}/db.rpz2"; allow-query {{ none; }}; }};
    zone "example.com" {{ type primary; file "{etc}/db.outside"; }};
    zone "example.net" {{ type primary; file "{etc}/db.net";
        update-policy {{ grant ddns-key zonesub A AAAA TXT; }}; }};
    zone "example.org" {{ type secondary; primaries {{ upstream; }}; file "org"; }};
}};
""",
    "named.conf.default-zones": """
zone "localhost" {{ type master; file "{etc}/db.local"; }};
""",
    "db.local": "@ A 127.0.0.1\n",
    "db.inside": "ns1 A 192.168.10.1\nwww A 192.168.10.80\nintranet A 192.168.10.81\n",
    "db.outside": "ns1 A 192.0.2.1\nwww A 192.0.2.80\nftp CNAME www\n"
    "*.apps A 192.0.2.90\nsub NS ns.sub\nns.sub A 192.0.2.100\n"
    "$GENERATE 1-5 host$ A 198.51.100.$\n",
    "db.net": "www A 192.0.2.111\n",
    "db.reverse": "80 PTR www.example.com.\n",
    "db.rpz": "bad.test CNAME .\n",
    "db.rpz2": "bad.test CNAME .\n",
}
HEAD = (
    "$TTL 3600\n@ SOA ns1.example.com. hostmaster.example.com. 7 7200 900 604800 300\n"
    "@ NS ns1.example.com.\n"
)

QUESTIONS = [
    ("example.com", "SOA"), ("www.example.com", "A"), ("ftp.example.com", "A"),
    ("x.apps.example.com", "A"), ("nope.example.com", "A"), ("www.example.com", "TXT"),
    ("intranet.example.com", "A"), ("host3.example.com", "A"), ("rpz.local", "SOA"),
    ("bad.test.rpz.local", "CNAME"), ("1.com", "A"),
]  # fmt: skip
ONLY = {
    TRUSTED: [("localhost", "A"), ("80.10.168.192.in-addr.arpa", "PTR")],
    DMZ: [("localhost", "A"), ("80.10.168.192.in-addr.arpa", "PTR")],
    WORLD: [("www.example.net", "A"), ("new.example.net", "A")],
}


@contextmanager
def bind(etc: Path, port: int) -> Iterator[Path]:
    etc.mkdir()
    places = {"etc": etc, "port": port, "LOOPBACK": LOOPBACK, "TRUSTED": TRUSTED}
    for name, text in FILES.items():
        is_zone = name.startswith("db.")
        (etc / name).write_text(HEAD + text if is_zone else text.format(**places))
    with (etc / "log").open("wb") as log:
        words = [path_of("named"), "-g", "-n", "1", "-c", str(etc / "named.conf")]
        process = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            yield etc / "named.conf"
        finally:
            process.terminate()
            process.wait(20)


def test_what_debian_lays_out_is_served_alike(tmp_path: Path) -> None:
    port = free_port()
    with (
        bind(tmp_path / "etc", port) as conf,
        Server(tmp_path / "s", "mail.our.test", "our.test") as ours,
    ):
        ours.init(accounts=())
        taken_over(ours, conf)
        said = ours.run("zone", "import", conf, "--dry-run").stdout
        assert "pabal has no such setting" not in said
        ours.start()
        time.sleep(1)
        for client, more in ONLY.items():
            for name, rdtype in [*QUESTIONS[:-1], *more]:
                theirs = answer(LOOPBACK, port, client, name, rdtype)
                mine = answer(ours.address, PORT_OFFSET + 53, client, name, rdtype)
                assert mine == theirs, (client, name, rdtype)
        # A key is enough to ask for names elsewhere; nobody is there to say more.
        assert answer(ours.address, PORT_OFFSET + 53, WORLD, "1.com", "A") == "REFUSED"
