from dataclasses import replace

from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.mta import stamp
from pabal.net.endpoint import Endpoint
from pabal.net.ports import TlsInfo
from pabal.net.sasl import Identity
from tests.mta.stage import stranger

NOW = 1_700_000_000.0


def spool_of(octets: bytes) -> Spool:
    spool = Spool()
    spool.write(octets)
    return spool


def test_received() -> None:
    client = replace(
        stranger(), tls=TlsInfo("TLSv1.3", "AES"), identity=Identity(1, "you@here.test")
    )
    field = stamp.received_field(client, "mail.here.test", "t1", "a@x.test", NOW)
    assert field == (
        b"Received: from client.test ([192.0.2.99])\r\n"
        b"\t(using TLSv1.3 with AES)\r\n"
        b"\tby mail.here.test (pabal) with ESMTPSA id t1\r\n"
        b"\tfor <a@x.test>;\r\n"
        b"\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
    )


def test_received_from_six() -> None:
    client = replace(stranger(), peer=Endpoint("2001:db8::1", 5))
    field = stamp.received_field(client, "h", "t", "", NOW)
    assert b"([IPv6:2001:db8::1])" in field
    assert b"for <" not in field
    assert b"using" not in field


def test_a_helo_forges_nothing() -> None:
    client = replace(stranger(), helo="x) by y\r\nTo: z (")
    field = stamp.received_field(client, "h", "t", "", NOW)
    assert field.startswith(b"Received: from x??by?y??To:?z?? ([")
    empty = stamp.received_field(replace(client, helo=""), "h", "t", "", NOW)
    assert empty.startswith(b"Received: from unknown (")


def test_other_fields() -> None:
    assert stamp.return_path_field(None) == b"Return-Path: <>\r\n"
    path = Mailbox.parse("가@here.test")
    assert stamp.return_path_field(path) == "Return-Path: <가@here.test>\r\n".encode()
    assert stamp.delivered_to_field("a@b.test") == b"Delivered-To: a@b.test\r\n"
    local = stamp.local_received_field("h", "t", NOW)
    assert local.startswith(b"Received: by h (pabal) id t;\r\n\t")


def test_headers_are_found() -> None:
    with spool_of(b"A: b\r\n\r\nbody") as spool:
        assert stamp.read_header(spool, 1000) == b"A: b\r\n\r\n"
    with spool_of(b"A: b\r\nno body") as spool:
        assert stamp.read_header(spool, 1000) == b"A: b\r\nno body"
    with spool_of(b"\r\nbody") as spool:
        assert stamp.read_header(spool, 1000) == b"\r\n"
    long = b"A: b\r\n" * 5000 + b"\r\n"
    with spool_of(long + b"body" * 5000) as spool:
        assert stamp.read_header(spool, 100_000) == long
        assert stamp.read_header(spool, len(long)) == long
        assert stamp.read_header(spool, len(long) - 1) is None
        assert stamp.read_header(spool, 100) is None


def test_what_headers_say() -> None:
    header = (
        b"Received: a\r\nreceived: b\r\nX-Received: c\r\nDELIVERED-TO: A@b.test \r\n"
        b"Message-Id:\r\n <m1@x.test>\r\nMessage-ID: <m2@x.test>\r\n\r\n"
    )
    assert stamp.hops_of(header) == 2
    assert stamp.message_id_of(header) == "m1@x.test"
    assert stamp.delivered_to(header) == {"a@b.test"}
    assert stamp.message_id_of(b"\r\n") == ""
