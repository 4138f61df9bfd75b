"""Records that follow from the certificate, and the pages they speak of."""

import hashlib
import http.client
import socket
import ssl
from pathlib import Path

import dns.exception
import dns.message
import dns.query
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.support.issuer import Issuer
from tests.support.server import Server, eventually

NAMES = ("mail.a.test", "mta-sts.a.test")


def ask(server: Server, name: str, rdtype: str) -> list[str]:
    query = dns.message.make_query(name, rdtype)
    answer = dns.query.udp(query, server.address, 5, server.port(53))
    return [rdata.to_text() for rrset in answer.answer for rdata in rrset]


def shown_digest(server: Server) -> str:
    """Return the digest of the key that port 465 shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    where = (server.address, server.port(465))
    with (
        socket.create_connection(where, 5) as raw,
        context.wrap_socket(raw, server_hostname="mail.a.test") as sock,
    ):
        der = sock.getpeercert(binary_form=True)
    assert der is not None
    key = x509.load_der_x509_certificate(der).public_key()
    octets = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(octets).hexdigest()


def policy(server: Server, authority: Issuer) -> str:
    """Fetch it as RFC 8461 §3.3 has senders do: the certificate is checked."""
    context = ssl.create_default_context(cadata=authority.pem().decode())
    with (
        socket.create_connection((server.address, server.port(443)), 5) as raw,
        context.wrap_socket(raw, server_hostname="mta-sts.a.test") as sock,
    ):
        sock.sendall(
            b"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: mta-sts.a.test\r\n"
            b"Connection: close\r\n\r\n"
        )
        octets = b""
        while part := sock.recv(65536):
            octets += part
    head, _, body = octets.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"content-type: text/plain" in head
    return body.decode()


def test_from_the_certificate_in_use(tmp_path: Path) -> None:
    authority = Issuer()
    with Server(tmp_path / "s").init(workers="2", accounts=("alice",)) as server:
        tls = server.directory / "tls"
        authority.issue(tls / "cert.pem", tls / "key.pem", *NAMES)
        server.configure('mta_sts = "enforce"', table="dns")
        server.start()
        tlsa = ask(server, "_25._tcp.mail.a.test", "TLSA")
        assert tlsa == [f"3 1 1 {shown_digest(server)}"]
        (record,) = ask(server, "_mta-sts.a.test", "TXT")
        assert record.startswith('"v=STSv1; id=')
        assert policy(server, authority) == (
            "version: STSv1\nmode: enforce\nmx: mail.a.test\nmax_age: 604800\n"
        )
        assert ask(server, "_smtp._tls.a.test", "TXT")
        config = http.client.HTTPConnection(server.address, server.port(80), timeout=5)
        config.request(
            "GET", "/mail/config-v1.1.xml", headers={"Host": "autoconfig.a.test"}
        )
        assert b"<clientConfig" in config.getresponse().read()
        config.close()

        authority.issue(tls / "cert.pem", tls / "key.pem", *NAMES)
        renewed = lambda: ask(server, "_25._tcp.mail.a.test", "TLSA") != tlsa  # noqa: E731
        for _ in range(6):
            eventually(renewed)  # by every process
        in_use = lambda: (  # noqa: E731
            ask(server, "_25._tcp.mail.a.test", "TLSA")
            == [f"3 1 1 {shown_digest(server)}"]
        )
        eventually(in_use)  # the two may be asked of different processes

        (server.directory / "zones" / "a.test.zone").write_text(
            '_mta-sts 60 IN TXT "the owner\'s"\n'
        )
        owners = lambda: ask(server, "_mta-sts.a.test", "TXT") == ['"the owner\'s"']  # noqa: E731
        eventually(owners)
        shown = server.run("zone", "show", "a.test").stdout.splitlines()
        origin = {line.split()[0]: line.split()[3] for line in shown[1:]}
        assert origin["_mta-sts.a.test."] == "file"
        assert origin["_smtp._tls.a.test."] == "derived"
        assert origin["mta-sts.a.test."] == "derived"
        assert server.stop() == 0
        assert "Traceback" not in server.log()
