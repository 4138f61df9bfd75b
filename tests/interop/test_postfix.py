"""Postfix next door: mail in both directions, names from our own zone."""

import email
import pwd
import smtplib
from collections.abc import Iterator
from email.policy import SMTP

import dkim
import pytest

from pabal.mta.policy.keys import load
from tests.interop.peer import MESSAGE
from tests.interop.postfix import Postfix, can_run
from tests.support.server import Server, eventually, letter, subjects

pytestmark = pytest.mark.skipif(
    not can_run(), reason="Postfix is not installed, or we are not root"
)

DELIVERY_SECONDS = 20.0
BODY = MESSAGE.partition(b"\r\n\r\n")[2]


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Server, Postfix]]:
    server = Server(tmp_path_factory.mktemp("pabal") / "s").init()
    address = server.address.rpartition(".")[0] + ".1"
    postfix = Postfix(address, server.port(25))
    owner = pwd.getpwnam("postfix")
    postfix.configure(
        virtual_mailbox_domains="postfix.test, seven.test",
        virtual_mailbox_base=str(postfix.maildirs),
        virtual_mailbox_maps="inline:{user@postfix.test=user/, 사람@postfix.test=kr/,"
        " user@seven.test=seven/}",
        virtual_uid_maps=f"static:{owner.pw_uid}",
        virtual_gid_maps=f"static:{owner.pw_gid}",
        transport_maps=f"inline:{{a.test=smtp:[{server.address}]:{server.port(25)}}}",
        smtpd_tls_security_level="may",
        smtpd_tls_chain_files=f"{server.directory}/tls/key.pem,"
        f" {server.directory}/tls/cert.pem",
        smtp_tls_security_level="may",
        smtp_tls_loglevel="1",
        smtpd_tls_loglevel="1",
        smtpd_relay_restrictions="permit_mynetworks, reject_unauth_destination",
    )
    (server.directory / "zones" / "postfix.test.zone").write_text(
        "@ 60 SOA ns hostmaster 1 7200 3600 1209600 60\n@ 60 NS ns\n"
        f"@ 60 MX 10 mail\nns 60 A {server.address}\nmail 60 A {address}\n"
    )
    # Another of its addresses takes seven bits only.
    seven = server.address.rpartition(".")[0] + ".254"
    with (postfix.directory / "conf" / "master.cf").open("a") as services:
        services.write(
            f"{seven}:{postfix.port} inet n - n - - smtpd"
            " -o smtpd_discard_ehlo_keywords=8bitmime\n"
        )
    (server.directory / "zones" / "seven.test.zone").write_text(
        "@ 60 SOA ns hostmaster 1 7200 3600 1209600 60\n@ 60 NS ns\n"
        f"@ 60 MX 10 mail\nns 60 A {server.address}\nmail 60 A {seven}\n"
    )
    server.configure(f"port = {server.port(25)}", table="mta")
    with server, postfix:
        server.start()
        postfix.start()
        yield server, postfix
        assert server.stop() == 0
        assert "Traceback" not in server.log()


def test_postfix_relays_to_us(pair: tuple[Server, Postfix]) -> None:
    server, postfix = pair
    with smtplib.SMTP(postfix.address, postfix.port, timeout=15) as client:
        client.sendmail("someone@postfix.test", ["bob@a.test"], MESSAGE)

    def arrived() -> bool:
        with server.imap("bob") as bob:
            _, data = bob.fetch("1:*", "(BODY.PEEK[])")
            return any(
                isinstance(item, tuple) and item[1].endswith(BODY) for item in data
            )

    eventually(arrived, DELIVERY_SECONDS)
    assert "status=sent (250 2.0.0" in postfix.log()
    assert "Anonymous TLS connection established to" in postfix.log() or (
        "Untrusted TLS connection established to" in postfix.log()
    )


def test_postfix_pipelines_many_to_us(pair: tuple[Server, Postfix]) -> None:
    server, postfix = pair
    with smtplib.SMTP(postfix.address, postfix.port, timeout=15) as client:
        for number in range(30):
            client.send_message(
                letter("someone@postfix.test", "alice@a.test", f"many {number}")
            )

    def all_there() -> bool:
        with server.imap("alice") as alice:
            found = [s for s in subjects(alice) if s.startswith("many ")]
            assert len(found) == len(set(found))
            return len(found) == 30

    eventually(all_there, DELIVERY_SECONDS)


def test_what_we_refuse_comes_back_from_postfix(pair: tuple[Server, Postfix]) -> None:
    server, postfix = pair
    with smtplib.SMTP(postfix.address, postfix.port, timeout=15) as client:
        client.send_message(letter("alice@a.test", "nobody@a.test", "to nobody"))

    def bounced() -> bool:
        with server.imap("alice") as alice:
            return "Undelivered Mail Returned to Sender" in subjects(alice)

    eventually(bounced, DELIVERY_SECONDS)
    assert "550 5.1.1" in postfix.log()


def test_our_queue_delivers_to_postfix(pair: tuple[Server, Postfix]) -> None:
    server, postfix = pair
    with server.submission("alice") as client:
        client.sendmail("alice@a.test", ["user@postfix.test"], MESSAGE)
    eventually(lambda: postfix.delivered("user"), DELIVERY_SECONDS)
    (text,) = postfix.delivered("user")
    assert text.startswith(b"Return-Path: <alice@a.test>")
    assert b"\nDKIM-Signature: " in text
    assert text.endswith(BODY.replace(b"\r\n", b"\n"))
    assert "TLS connection established from" in postfix.log()
    eventually(lambda: "empty" in server.run("queue", "list").stdout)


def test_korean_address_to_postfix(pair: tuple[Server, Postfix]) -> None:
    server, postfix = pair
    with server.submission("alice") as client:
        client.send_message(letter("alice@a.test", "사람@postfix.test", "안녕"))
    eventually(lambda: postfix.delivered("kr"), DELIVERY_SECONDS)


def test_postfix_of_seven_bits_gets_seven_bits(pair: tuple[Server, Postfix]) -> None:
    server, postfix = pair
    written = letter("alice@a.test", "user@seven.test", "eight", "안녕하세요\n" * 20)
    octets = written.as_bytes(policy=SMTP.clone(cte_type="8bit"))
    body = octets.partition(b"\r\n\r\n")[2]
    assert not body.isascii()
    with server.submission("alice") as client:
        client.sendmail("alice@a.test", ["user@seven.test"], octets, ["BODY=8BITMIME"])
    eventually(lambda: postfix.delivered("seven"), DELIVERY_SECONDS)
    (text,) = postfix.delivered("seven")
    assert text.isascii()
    found = email.message_from_bytes(text, policy=SMTP)
    assert found["Content-Transfer-Encoding"] == "base64"
    assert found.get_content().split() == ["안녕하세요"] * 20
    records = {
        f"{key.selector}._domainkey.a.test.".encode(): key.public_text().encode()
        for key in load(server.directory / "data" / "dkim", "a.test")
    }
    signatures = list(map(str, found.get_all("DKIM-Signature", [])))
    assert len(signatures) == len(records) == 2
    message = text.partition(b"\nDKIM-Signature")[2].replace(b"\n", b"\r\n")
    # dkimpy knows Ed25519 with another library only.
    (rsa,) = (n for n, one in enumerate(signatures) if "a=rsa-sha256" in one)
    checked = dkim.DKIM(b"DKIM-Signature" + message, minkey=1024)
    assert checked.verify(rsa, lambda name, timeout=5: records[name])


def test_what_postfix_refuses_bounces_here(pair: tuple[Server, Postfix]) -> None:
    server, _ = pair
    with server.submission("bob") as client:
        client.send_message(letter("bob@a.test", "nobody@postfix.test", "lost"))

    def bounced() -> bool:
        with server.imap("bob") as bob:
            return "Your message could not be delivered" in subjects(bob)

    eventually(bounced, DELIVERY_SECONDS)
