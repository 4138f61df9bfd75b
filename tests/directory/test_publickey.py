import base64
from dataclasses import replace

import pytest

from pabal.directory.ports import DirectoryError, PublicKey
from pabal.directory.publickey import (
    KEYS_MAX,
    bits,
    checked,
    fingerprint,
    line,
    parse_public_key,
    with_key,
    without_key,
)
from tests.support import sshkeys

BITS = {"ecdsa-sha2-nistp384": 384, "ecdsa-sha2-nistp521": 521, "ssh-rsa": 2048}


@pytest.mark.parametrize("algorithm", sshkeys.keys())
def test_every_kind_is_kept_as_it_was_written(algorithm: str) -> None:
    text = sshkeys.keys()[algorithm]
    found = parse_public_key(f"# mine\n\n  {text}\r\n")
    assert found.algorithm == algorithm
    assert found.comment == "me@home"
    assert line(found) == text
    assert bits(found) == BITS.get(algorithm, 256)


def test_the_fingerprint_is_that_of_openssh() -> None:
    # `ssh-keygen -l` of the key whose octets are all zero but for its name.
    blob = sshkeys.joined(b"ssh-ed25519", bytes(32))
    assert fingerprint(blob) == "SHA256:kmYcvdi2GkPeWxB6XLjrZB8JHsy2Hm8luHMFp9GMvqk"


def refused(text: str) -> str:
    with pytest.raises(DirectoryError) as found:
        parse_public_key(text)
    return str(found.value)


@pytest.mark.parametrize(
    ("algorithm", "parts", "complaint"),
    [
        ("ssh-ed25519", [b"k" * 31], "32 octets"),
        ("ssh-ed25519", [b"k" * 32, b""], "behind the end"),
        ("ssh-ed25519", [], "cut short"),
        ("ssh-dss", [b"1"], "DSA"),
        ("ssh-rsa", [b"\x01\x00\x01", sshkeys.number(2**1023 + 1)], "1024 bits"),
        ("ssh-rsa", [b"\x01\x00\x01", sshkeys.number(2**2047 + 2)], "no RSA key"),
        ("ssh-rsa", [b"\x01\x00\x01", sshkeys.number(2**20000 + 1)], "no RSA key"),
        ("ssh-rsa", [b"\x01", sshkeys.number(2**2047 + 1)], "exponent"),
        ("ssh-rsa", [b"", sshkeys.number(2**2047 + 1)], "wrong form"),
        ("ssh-rsa", [b"\x00\x03", sshkeys.number(2**2047 + 1)], "wrong form"),
        ("ecdsa-sha2-nistp256", [b"nistp384", sshkeys.POINT], "on the curve"),
        ("ecdsa-sha2-nistp256", [b"nistp256", b"\x04" + b"1" * 64], "no point"),
        ("sk-ssh-ed25519@openssh.com", [b"k" * 32, b"https://a"], "not made for ssh"),
        ("ssh-ed25519-cert-v01@openssh.com", [b"k"], "certificate"),
        ("ssh-ed448", [b"k" * 57], "no kind of key"),
    ],
)
def test_what_is_no_key(algorithm: str, parts: list[bytes], complaint: str) -> None:
    assert complaint in refused(sshkeys.text(algorithm, *parts))


def test_what_people_give_by_mistake() -> None:
    private, _ = sshkeys.ed25519_key()
    assert "private key" in refused(private)
    two = "\n".join(list(sshkeys.keys().values())[:2])
    assert "There are 2 keys" in refused(two)
    assert "There are 0 keys" in refused("\n# nothing\n")
    restricted = f'from="192.0.2.1" {sshkeys.keys()["ssh-ed25519"]}'
    assert "without options" in refused(restricted)
    assert "not whole" in refused("ssh-ed25519 AAAA$")
    assert "longer than" in refused("ssh-ed25519 " + "A" * 10_000)
    other = sshkeys.keys()["ssh-rsa"].replace("ssh-rsa", "ssh-ed25519", 1)
    assert "not the ssh-ed25519 it says" in refused(other)


def test_a_comment_cannot_move_the_cursor() -> None:
    key = sshkeys.text("ssh-ed25519", b"k" * 32, comment="a\x1b[2Jb" + "c" * 500)
    comment = parse_public_key(key).comment
    assert comment.isprintable()
    assert comment.startswith("a?[2Jb")
    assert len(comment) == 200


def test_keys_are_added_once_and_not_for_ever() -> None:
    keys: tuple[PublicKey, ...] = ()
    for number in range(KEYS_MAX):
        blob = sshkeys.joined(b"ssh-ed25519", number.to_bytes(32))
        key = checked(PublicKey("ssh-ed25519", blob, f"k{number}"))
        keys = (*with_key(keys, key),)
    with pytest.raises(DirectoryError, match="already"):
        with_key(keys[:3], replace(keys[0], comment="other"))
    with pytest.raises(DirectoryError, match=f"{KEYS_MAX} keys"):
        with_key(keys, replace(keys[0], blob=b"new"))


def test_keys_are_removed_by_fingerprint_or_comment() -> None:
    one, two = (sshkeys.ed25519_key(comment)[1] for comment in ("laptop", "phone"))
    assert without_key([one, two], "laptop") == (two,)
    assert without_key([one, two], fingerprint(two.blob)) == (one,)
    bare = fingerprint(two.blob).removeprefix("SHA256:")
    assert without_key([one, two], bare) == (one,)
    with pytest.raises(DirectoryError, match="No key"):
        without_key([one], "phone")
    with pytest.raises(DirectoryError, match="More than one"):
        without_key([one, replace(two, comment="laptop")], "laptop")


def test_base64_is_taken_strictly() -> None:
    whole = sshkeys.keys()["ssh-ed25519"].split()[1]
    assert base64.b64decode(whole)
    assert "not whole" in refused(f"ssh-ed25519 {whole[:-4]}!AAA me")
