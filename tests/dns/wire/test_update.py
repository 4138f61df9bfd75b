import dns.message
import dns.name
import dns.rdataclass
import dns.update
import pytest

from pabal.dns.wire import codes
from pabal.dns.wire.update import UpdateError, UpdateRequest, everything, parse_update
from tests.support.updates import message, request
from tests.support.zones import octets, question


def test_sections_are_told_apart() -> None:
    made = request(
        "present w3 A", "absent no.example.com.", "add Www 60 A 192.0.2.1", "delete x"
    )
    assert isinstance(made, UpdateRequest)
    assert made.zone == octets("example.com")
    assert [(r.name, r.rdtype, r.rdclass) for r in made.prerequisites] == [
        (octets("w3.example.com"), codes.A, codes.CLASS_ANY),
        (octets("no.example.com"), codes.ANY, codes.CLASS_NONE),
    ]
    added, deleted = made.changes
    assert (added.owner, added.name) == (
        octets("Www.example.com"),
        octets("www.example.com"),
    )
    assert (added.ttl_s, added.rdata) == (60, bytes((192, 0, 2, 1)))
    assert (deleted.rdclass, deleted.rdata) == (codes.CLASS_ANY, b"")
    assert made.may(b"\x00", codes.A)
    assert everything(b"\x00", codes.NS)


def test_names_in_data_are_decompressed() -> None:
    data = message("add @ 60 MX 5 mail").to_wire()
    assert b"\x04mail\xc0" in data
    made = parse_update(data)
    assert made.changes[0].rdata == b"\x00\x05" + octets("mail.example.com")


@pytest.mark.parametrize("cut", range(12, 60))
def test_what_is_cut_off_is_refused(cut: int) -> None:
    data = message("add www 60 MX 5 mail", "present www A").to_wire()
    with pytest.raises(UpdateError) as caught:
        parse_update(data[:cut])
    assert caught.value.rcode == codes.FORMERR


def test_the_zone_is_one_soa_of_class_in() -> None:
    data = question("example.com", "A")
    with pytest.raises(UpdateError):
        parse_update(data)
    chaos = dns.update.UpdateMessage("example.com.", dns.rdataclass.CH).to_wire()
    with pytest.raises(UpdateError) as caught:
        parse_update(chaos)
    assert caught.value.rcode == codes.NOTAUTH


def test_data_that_is_none_of_its_type_is_refused() -> None:
    data = bytearray(message("add www 60 A 192.0.2.1").to_wire())
    data[-5] = 3
    with pytest.raises(UpdateError):
        parse_update(bytes(data[:-1]))
