import hashlib
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from pabal.admin.certificate import facts_of, write_self_signed
from pabal.base.clock import SystemClock
from pabal.net.tls import server_context
from tests.support.issuer import Issuer


def test_it_serves_for_every_name(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    names = ["mail.a.test", "127.0.1.1"]
    write_self_signed(certificate, key, names, SystemClock())
    server_context(certificate, key)
    assert key.stat().st_mode & 0o777 == 0o600
    read = x509.load_pem_x509_certificate(certificate.read_bytes())
    found = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == ["mail.a.test"]
    assert [str(a) for a in found.get_values_for_type(x509.IPAddress)] == ["127.0.1.1"]


def test_what_a_certificate_says(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    authority = Issuer()
    authority.issue(certificate, key, "Mail.a.test", "*.b.test")
    chain = certificate.read_bytes() + authority.pem()
    facts = facts_of(chain)
    assert facts is not None
    assert not facts.is_self_signed
    for name in ("mail.a.test", "mta-sts.b.test"):
        assert facts.covers(name)
    for name in ("a.test", "x.mail.a.test", "b.test", "x.y.b.test"):
        assert not facts.covers(name)
    public = x509.load_pem_x509_certificate(chain).public_key()
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert facts.spki_sha256 == hashlib.sha256(der).hexdigest()


def test_what_is_none_says_nothing(tmp_path: Path) -> None:
    write_self_signed(tmp_path / "c", tmp_path / "k", ["mail.a.test"], SystemClock())
    facts = facts_of((tmp_path / "c").read_bytes())
    assert facts is not None
    assert facts.is_self_signed
    assert facts_of(b"nonsense") is None
    assert facts_of(b"") is None
