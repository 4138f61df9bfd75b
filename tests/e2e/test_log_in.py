"""Log-ins of a real server: certificates, proofs bound to TLS, tokens."""

import base64
import hashlib
import imaplib
import poplib
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from tests.directory.sasl.client import ScramClient
from tests.directory.token.issuer import AUDIENCE, ISSUER, Issuer, claims_of
from tests.support.authority import Authority
from tests.support.server import PASSWORD, Server, unverified


@pytest.fixture(scope="module")
def issuer() -> Iterator[tuple[Issuer, str]]:
    """Return somebody who makes tokens, and where its keys are."""
    one = Issuer()
    one.add_ec("k")

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(one.jwks())

        @override
        def log_message(self, *arguments: object) -> None:
            pass

    web = HTTPServer(("127.0.0.1", 0), Keys)
    thread = threading.Thread(target=web.serve_forever, args=(0.02,))
    thread.start()
    yield one, f"http://127.0.0.1:{web.server_port}/keys"
    web.shutdown()
    thread.join()
    web.server_close()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory,
    issuer: tuple[Issuer, str],
    authority: Authority,
) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("log-in")
    with Server(directory / "s").init() as one:
        one.configure(
            f'client_ca = "{authority.write(directory)}"',
            f'oauth_jwks = "{issuer[1]}"',
            f'oauth_issuer = "{ISSUER}"',
            f'oauth_audience = "{AUDIENCE}"',
            table="auth",
        )
        yield one.start()
        assert one.stop() == 0
        assert "Traceback" not in one.log()


def imap(server: Server, context: ssl.SSLContext | None = None) -> imaplib.IMAP4_SSL:
    return imaplib.IMAP4_SSL(
        server.address,
        server.port(993),
        ssl_context=context or unverified(),
        timeout=15,
    )


def owner(path: Path) -> ssl.SSLContext:
    context = unverified()
    context.load_cert_chain(path)
    return context


def bound(client: imaplib.IMAP4_SSL, binding: bytes | None = None) -> None:
    """Log in with SCRAM-SHA-256-PLUS."""
    sock = client.sock
    assert isinstance(sock, ssl.SSLSocket)
    der = sock.getpeercert(binary_form=True)
    assert der
    scram = ScramClient(
        *("alice@a.test", PASSWORD, "p=tls-server-end-point,,"),
        hashlib.sha256(der).digest() if binding is None else binding,
    )
    said: list[bytes] = []

    def answer(challenge: bytes) -> bytes:
        said.append(challenge)
        if len(said) == 1:
            return scram.first()
        if len(said) == 2:
            return scram.last(challenge)
        assert challenge == scram.signature
        return b""

    client.authenticate("SCRAM-SHA-256-PLUS", answer)


def test_a_proof_for_this_connection_alone(server: Server) -> None:
    with imap(server) as client:
        assert "AUTH=SCRAM-SHA-256-PLUS" in client.capabilities
        assert "AUTH=EXTERNAL" not in client.capabilities
        bound(client)
        assert client.select()[0] == "OK"
    with (
        imap(server) as client,
        pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"),
    ):
        bound(client, b"of another certificate")


def test_a_certificate_is_enough(
    server: Server, authority: Authority, tmp_path: Path
) -> None:
    alice = owner(authority.issue(tmp_path, "alice@a.test"))
    with imap(server, alice) as client:
        assert "AUTH=EXTERNAL" in client.capabilities
        client.authenticate("EXTERNAL", lambda _: b"")
        assert client.select()[0] == "OK"
    pop = poplib.POP3_SSL(server.address, server.port(995), context=alice, timeout=15)
    assert "EXTERNAL" in pop.capa()["SASL"]
    pop.sock.sendall(b"AUTH EXTERNAL =\r\n")
    assert pop.file.readline().startswith(b"+OK")
    pop.quit()
    with server.smtp(587) as submission:
        submission.starttls(context=alice)
        submission.ehlo()
        assert submission.docmd("AUTH", "EXTERNAL =")[0] == 235


def test_a_certificate_of_nobody_here(
    server: Server, authority: Authority, tmp_path: Path
) -> None:
    nobody = owner(authority.issue(tmp_path, "nobody@a.test"))
    with imap(server, nobody) as client, pytest.raises(imaplib.IMAP4.error):
        client.authenticate("EXTERNAL", lambda _: b"alice@a.test")
    stranger = owner(Authority("Test CA").issue(tmp_path, "alice@a.test"))
    with pytest.raises((ssl.SSLError, imaplib.IMAP4.abort, OSError)):
        imap(server, stranger)
    with server.smtp() as other_server:
        # Port 25 asks nobody for a certificate: whose is nobody's business.
        other_server.starttls(context=stranger)
        assert other_server.ehlo()[0] == 250


def test_tokens(server: Server, issuer: tuple[Issuer, str]) -> None:
    good = issuer[0].token(claims_of("alice@a.test", time.time() + 60), "k")
    with imap(server) as client:
        assert {"AUTH=OAUTHBEARER", "AUTH=XOAUTH2"} <= set(client.capabilities)
        message = f"n,a=alice@a.test,\1auth=Bearer {good}\1\1".encode()
        client.authenticate("OAUTHBEARER", lambda _: message)
        assert client.select()[0] == "OK"
    xoauth2 = f"user=alice@a.test\1auth=Bearer {good}\1\1".encode()
    with server.smtp(587) as submission:
        submission.starttls(context=unverified())
        submission.ehlo()
        secret = base64.b64encode(xoauth2).decode()
        assert submission.docmd("AUTH", f"XOAUTH2 {secret}")[0] == 235
    pop = server.pop3("bob")
    pop.quit()
    old = issuer[0].token(claims_of("alice@a.test", time.time() - 600), "k")
    told: list[bytes] = []

    def answer(challenge: bytes) -> bytes:
        told.append(challenge)
        if len(told) == 1:
            return f"n,a=alice@a.test,\1auth=Bearer {old}\1\1".encode()
        return b"\1"

    with imap(server) as client, pytest.raises(imaplib.IMAP4.error):
        client.authenticate("OAUTHBEARER", answer)
    assert told == [b"", b'{"status":"invalid_token"}']
