from collections.abc import Mapping, Sequence

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from pabal.admin.derived import DerivedRecords
from pabal.net.endpoint import Endpoint


class OneDomain:
    def domains(self) -> Sequence[str]:
        return ["a.test"]

    def public_records(self, domain: str) -> Mapping[str, str]:
        return {"rsa1": "v=DKIM1; k=rsa; p=" + "A" * 400}


def records(hostname: str = "mail.a.test") -> dict[tuple[str, str], list[str]]:
    one = OneDomain()
    derived = DerivedRecords(
        hostname,
        ["192.0.2.1", "2001:db8::1"],
        {"imaps": [Endpoint("0.0.0.0", 993)], "imap": []},
        one,
        one,
    )
    found: dict[tuple[str, str], list[str]] = {}
    for record in derived.records("a.test"):
        rdata = dns.rdata.from_text(
            dns.rdataclass.IN, dns.rdatatype.from_text(record.rdtype), record.rdata
        )
        found.setdefault((record.owner, record.rdtype), []).append(rdata.to_text())
    return found


def test_everything_mail_needs_is_there_and_parses() -> None:
    found = records()
    assert found["a.test.", "MX"] == ["10 mail.a.test."]
    assert found["a.test.", "TXT"] == ['"v=spf1 mx -all"']
    assert found["_dmarc.a.test.", "TXT"][0].startswith('"v=DMARC1; p=quarantine')
    key = found["rsa1._domainkey.a.test.", "TXT"][0]
    assert key.replace('" "', "").count("A") == 400
    assert found["mail.a.test.", "A"] == ["192.0.2.1"]
    assert found["mail.a.test.", "AAAA"] == ["2001:db8::1"]


def test_programs_find_what_is_on_and_are_told_what_is_off() -> None:
    found = records()
    assert found["_imaps._tcp.a.test.", "SRV"] == ["0 1 993 mail.a.test."]
    assert found["_imap._tcp.a.test.", "SRV"] == ["0 0 0 ."]


def test_a_host_elsewhere_is_somebody_elses_record() -> None:
    assert ("mail.b.test.", "A") not in records("mail.b.test")
