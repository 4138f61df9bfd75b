import hashlib
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from pabal.base.errors import OperatorError
from pabal.net.tls import (
    ServerContext,
    client_addresses,
    end_point,
    opportunistic_client_context,
    server_context,
)
from tests.support.authority import END, START, Authority
from tests.support.certificate import write_certificate


def test_a_certificate_with_its_key(tmp_path: Path) -> None:
    context = server_context(*write_certificate(tmp_path))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.for_users is context
    assert context.verify_mode is ssl.CERT_NONE


def test_mistakes_name_the_file(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    with pytest.raises(OperatorError, match=r"cannot read .*nokey"):
        server_context(certificate, tmp_path / "nokey.pem")
    with pytest.raises(OperatorError, match=r"cannot read .*noca"):
        server_context(certificate, key, tmp_path / "noca.pem")
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(OperatorError, match="holds no certificates"):
        server_context(certificate, key, tmp_path / "empty.pem")
    key.write_text("nonsense")
    with pytest.raises(OperatorError, match="not a certificate and its key"):
        server_context(certificate, key)


def test_mail_between_servers_encrypts_with_whoever_answers() -> None:
    assert opportunistic_client_context().verify_mode is ssl.CERT_NONE


def test_the_end_point_is_the_digest_of_the_certificate(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    assert server_context(certificate, key).end_point == hashlib.sha256(der).digest()


def signed(digest: hashes.SHA384 | None) -> tuple[bytes, bytes]:
    """Return a certificate as PEM and DER."""
    key = ed25519.Ed25519PrivateKey.generate()
    other = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, START, END)
    made = builder.sign(other, digest) if digest else builder.sign(key, None)
    return made.public_bytes(Encoding.PEM), made.public_bytes(Encoding.DER)


def test_the_digest_is_that_of_the_signature() -> None:
    pem, der = signed(hashes.SHA384())
    assert end_point(pem + signed(None)[0]) == hashlib.sha384(der).digest()
    assert end_point(signed(None)[0]) == b""


def shake_hands(server: ServerContext, client: ssl.SSLContext) -> ssl.SSLObject:
    """Return the server's side of a connection in memory.

    Raises ``ssl.SSLError`` where the server has none of it.
    """
    ends = [ssl.MemoryBIO() for _ in range(2)]
    ours = server.wrap_bio(ends[0], ends[1], server_side=True)
    theirs = client.wrap_bio(ends[1], ends[0], server_hostname="mail.test")
    waiting = [theirs, ours]
    while waiting:
        for side in tuple(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
    return ours


def client(own: Path | None = None) -> ssl.SSLContext:
    context = opportunistic_client_context()
    if own is not None:
        context.load_cert_chain(own)
    return context


def test_clients_show_who_they_are(tmp_path: Path) -> None:
    authority = Authority()
    server = server_context(*write_certificate(tmp_path), authority.write(tmp_path))
    users = server.for_users
    assert users is not server
    assert users.end_point == server.end_point
    own = authority.issue(tmp_path, "a@example.com", "b@example.com")
    found = client_addresses(shake_hands(users, client(own)))
    assert found == ("a@example.com", "b@example.com")
    assert client_addresses(shake_hands(users, client())) == ()
    assert client_addresses(shake_hands(server, client(own))) == ()
    stranger = Authority("Test CA").issue(tmp_path, "a@example.com")
    with pytest.raises(ssl.SSLError):
        shake_hands(users, client(stranger))


def test_revoked_certificates(tmp_path: Path) -> None:
    authority = Authority()
    good = authority.issue(tmp_path, "a@example.com")
    bad = authority.issue(tmp_path, "b@example.com")
    trusted = authority.write(tmp_path, authority.issued, lists=True)
    users = server_context(*write_certificate(tmp_path), trusted).for_users
    assert client_addresses(shake_hands(users, client(good))) == ("a@example.com",)
    with pytest.raises(ssl.SSLError, match="revoked"):
        shake_hands(users, client(bad))
