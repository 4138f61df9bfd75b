import ssl
from pathlib import Path

import pytest

from pabal.base.errors import OperatorError
from pabal.net.tls import (
    opportunistic_client_context,
    server_context,
)
from tests.support.certificate import write_certificate


def test_a_certificate_with_its_key(tmp_path: Path) -> None:
    context = server_context(*write_certificate(tmp_path))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_mistakes_name_the_file(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    with pytest.raises(OperatorError, match=r"cannot read .*nokey"):
        server_context(certificate, tmp_path / "nokey.pem")
    key.write_text("nonsense")
    with pytest.raises(OperatorError, match="not a certificate and its key"):
        server_context(certificate, key)


def test_mail_between_servers_encrypts_with_whoever_answers() -> None:
    assert opportunistic_client_context().verify_mode is ssl.CERT_NONE
