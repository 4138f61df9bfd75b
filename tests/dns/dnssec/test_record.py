import dns.exception
import dns.name
import dns.rdatatype
import pytest
from dns.rdtypes.ANY.DS import DS

from pabal.dns.dnssec.record import record, rrset_of


def test_records_come_from_octets() -> None:
    made = record(DS, dns.rdatatype.DS, b"\x00\x01\x0d\x02" + bytes(32))
    assert made.key_tag == 1
    assert rrset_of(dns.name.root, 60, made).ttl == 60
    with pytest.raises(dns.exception.DNSException):
        record(DS, dns.rdatatype.DS, b"\x00")
