import base64
import subprocess
from pathlib import Path

import dns.name
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from pabal.dns.dnssec.foreign import read_foreign
from pabal.dns.dnssec.keys import KeyKindError, SigningKey, generate
from pabal.dns.wire.rrset import rdata_octets
from tests.interop.peer import needs, path_of

ZONE = dns.name.from_text("example.test.")


def texts(key: SigningKey, head: str = "example.test. 7200 IN") -> tuple[str, str]:
    """Return ``key`` as BIND writes it."""
    private = key.private
    if isinstance(private, ed25519.Ed25519PrivateKey):
        octets = private.private_bytes_raw()
    else:
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        octets = private.private_numbers().private_value.to_bytes(32, "big")
    secret = base64.b64encode(octets).decode()
    lines = [
        "Private-key-format: v1.3",
        f"Algorithm: {key.algorithm} (X)",
        f"PrivateKey: {secret}",
        "Created: 20261124000000",
    ]
    public = f"; This is a key\n{head} DNSKEY {key.dnskey.to_text()}\n"
    return "\n".join(lines), public


@pytest.mark.parametrize("algorithm", [13, 15])
@pytest.mark.parametrize("sep", [False, True])
def test_a_key_of_bind_is_read(algorithm: int, *, sep: bool) -> None:
    key = generate(algorithm, sep=sep)
    found = read_foreign(*texts(key))
    assert (found.zone, found.ttl_s) == (ZONE, 7200)
    assert (found.key.tag, found.key.is_sep) == (key.tag, sep)
    assert found.key.sign(b"x") == key.sign(b"x")
    assert read_foreign(*texts(key, "example.test. IN")).ttl_s == 0


@needs("dnssec-keygen")
@pytest.mark.parametrize("algorithm", ["ECDSAP256SHA256", "ED25519"])
def test_what_bind_really_writes_is_read(tmp_path: Path, algorithm: str) -> None:
    done = subprocess.run(
        [path_of("dnssec-keygen"), "-a", algorithm, "-f", "KSK", "-L", "300",
         "-K", str(tmp_path), "example.test."],
        capture_output=True, text=True, check=True, timeout=20,
    )  # fmt: skip
    name = done.stdout.strip()
    found = read_foreign(
        (tmp_path / f"{name}.private").read_text(),
        (tmp_path / f"{name}.key").read_text(),
    )
    assert found.key.is_sep
    assert found.ttl_s == 300
    assert name.endswith(f"+{found.key.tag:05}")


def test_what_is_no_key_of_ours_is_refused_and_not_shown() -> None:
    key, other = generate(), generate()
    private, public = texts(key)
    secret = private.splitlines()[2]
    for wrong, reason in (
        ((private, texts(other)[1]), "not of one key"),
        (("", public), "no algorithm"),
        ((private.replace("13 (X)", "8 (RSASHA256)"), public), "algorithm 8"),
        ((private.replace(secret, "PrivateKey: AAAA"), public), "length"),
        ((private.replace(secret, secret + "!"), public), "cannot be read"),
        ((private, "; nothing\n"), "no DNSKEY"),
        ((private, "example.test. DNSKEY 257 3 13 ?\n"), "cannot be read"),
    ):
        with pytest.raises(KeyKindError, match=reason) as raised:
            read_foreign(*wrong)
        assert secret.split()[1] not in repr(raised.value)
    assert rdata_octets(key.dnskey)
