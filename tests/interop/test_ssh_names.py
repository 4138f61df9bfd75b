"""The host key of the console is believed because the signed zone says what it is.

The way of a stranger: OpenSSH's client asks its resolver, Unbound, which validates what
pabal signed; nobody is asked whether a fingerprint is right, and nothing is in
known_hosts. For that ``/etc/resolv.conf`` is another file for the client alone.
"""

import os
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import pytest

from tests.interop.peer import needs
from tests.interop.unbound import stub_zone, unbound
from tests.support.server import Server, eventually, own_address

pytestmark = [
    needs("ssh"),
    needs("unbound"),
    needs("unshare"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a resolv.conf of one's own: root"),
    pytest.mark.slow,
]


def validating(
    directory: Path, server: Server, anchor: str
) -> AbstractContextManager[tuple[str, int]]:
    """Run a validating resolver that knows the key of our zone, at port 53."""
    lines = f"""local-zone: "test." nodefault
        trust-anchor: "{anchor}\""""
    zones = stub_zone("a.test.", server.address, server.port(53))
    return unbound(directory, lines, zones, address=own_address(), port=53)


def is_validated(address: str) -> bool:
    query = dns.message.make_query("mail.a.test", "SSHFP", want_dnssec=True)
    try:
        answer = dns.query.udp(query, address, timeout=2)
    except (dns.exception.DNSException, OSError):
        return False
    return bool(answer.answer) and bool(answer.flags & dns.flags.AD)


def test_nobody_is_asked_whether_the_fingerprint_is_right(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init() as server:
        server.configure('administrators = ["alice@a.test"]', table="ssh")
        key = tmp_path / "id"
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
        subprocess.run(words, check=True)
        server.run("account", "key", "add", "alice@a.test", f"{key}.pub")
        server.start()
        server.run("zone", "dnssec", "a.test", "enable")
        eventually(lambda: anchor_of(server))
        with validating(tmp_path / "unbound", server, anchor_of(server)) as (
            address,
            _,
        ):
            eventually(lambda: is_validated(address))
            believed = connect(tmp_path, server, address, key)
            assert believed.returncode == 0, believed.stderr
            assert believed.stdout == "The queue is empty.\n"
            # With another key it is somebody else: the resolver remembers the record.
            assert server.stop() == 0
            (server.directory / "data" / "ssh-host-key").unlink()
            server.start()
            refused = connect(tmp_path, server, address, key)
            assert refused.returncode == 255
            assert "Host key verification failed" in refused.stderr
            assert refused.stdout == ""
            assert server.stop() == 0


def anchor_of(server: Server) -> str:
    """Return the key of our zone as a trust anchor; empty: it is not signed yet."""
    query = dns.message.make_query("a.test", "DNSKEY")
    answer = dns.query.tcp(query, server.address, 5, server.port(53))
    return answer.answer[0].to_text() if answer.answer else ""


def connect(
    directory: Path, server: Server, resolver: str, key: Path
) -> subprocess.CompletedProcess[str]:
    """Log in by name, in a mount name space with another resolver."""
    conf = directory / "resolv.conf"
    conf.write_text(f"nameserver {resolver}\noptions edns0 trust-ad\n")
    ssh = (
        f"ssh -F none -p {server.port(22)} -i {key} -o IdentitiesOnly=yes"
        " -o IdentityAgent=none -o VerifyHostKeyDNS=yes -o StrictHostKeyChecking=yes"
        f" -o UserKnownHostsFile=/dev/null alice@mail.a.test 'queue list'"
    )
    script = f"mount --bind {conf} /etc/resolv.conf && exec {ssh}"
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
