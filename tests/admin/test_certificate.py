from pathlib import Path

from cryptography import x509

from pabal.admin.certificate import write_self_signed
from pabal.base.clock import SystemClock
from pabal.net.tls import server_context


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
