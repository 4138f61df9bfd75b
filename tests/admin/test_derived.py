from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest

from pabal.admin.certificate import CertificateFacts
from pabal.admin.derived import DerivedRecords
from pabal.admin.pages import StsMode
from pabal.directory.ports import Resolution, Route
from pabal.message.address import Mailbox
from pabal.net.endpoint import Endpoint


@dataclass
class OneDomain:
    has_postmaster: bool = True

    def domains(self) -> Sequence[str]:
        return ["a.test"]

    def resolve(self, address: Mailbox) -> Resolution:
        assert str(address) == "postmaster@a.test"
        return Resolution(Route.LOCAL if self.has_postmaster else Route.UNKNOWN)

    def public_records(self, domain: str) -> Mapping[str, str]:
        return {"rsa1": "v=DKIM1; k=rsa; p=" + "A" * 400}


FACTS = CertificateFacts(
    frozenset({"mail.a.test", "mta-sts.a.test"}), "ab" * 32, is_self_signed=False
)
ON = [Endpoint("0.0.0.0", 1)]


def derived(
    hostname: str = "mail.a.test",
    facts: CertificateFacts | None = FACTS,
    sts: StsMode = StsMode.TESTING,
    listen: Mapping[str, Sequence[Endpoint]] | None = None,
    *,
    caa: Sequence[str] = (),
    sshfp: Sequence[str] = (),
    has_postmaster: bool = True,
) -> DerivedRecords:
    one = OneDomain(has_postmaster)
    return DerivedRecords(
        hostname,
        ["192.0.2.1", "2001:db8::1"],
        {"imaps": [Endpoint("0.0.0.0", 993)], "imap": [], **(listen or {})},
        one,
        one,
        lambda: facts,
        sts,
        caa,
        sshfp,
    )


def records(given: DerivedRecords | None = None) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for record in (given or derived()).records("a.test"):
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
    assert ("mail.b.test.", "A") not in records(derived("mail.b.test"))


def test_the_policy_and_its_record_belong_together() -> None:
    given = derived(listen={"https": ON})
    found = records(given)
    (text,) = found["_mta-sts.a.test.", "TXT"]
    assert text.startswith('"v=STSv1; id=')
    assert found["mta-sts.a.test.", "CNAME"] == ["mail.a.test."]
    assert "mode: testing" in given.policy("a.test")
    enforced = replace(given, sts=StsMode.ENFORCE)
    assert records(enforced)["_mta-sts.a.test.", "TXT"] != [text], "another id"


@pytest.mark.parametrize(
    "given",
    [
        derived(),
        derived(listen={"https": ON}, sts=StsMode.OFF),
        derived(listen={"https": ON}, facts=None),
        derived(listen={"https": ON}, facts=replace(FACTS, is_self_signed=True)),
        derived(listen={"https": ON}, facts=replace(FACTS, names=frozenset())),
        derived("mx.a.test", listen={"https": ON}),
    ],
)
def test_no_policy_that_senders_could_not_believe(given: DerivedRecords) -> None:
    assert given.policy("a.test") == ""
    found = records(given)
    assert ("_mta-sts.a.test.", "TXT") not in found
    assert ("mta-sts.a.test.", "CNAME") not in found


def test_a_policy_is_taken_back() -> None:
    names = frozenset({"mta-sts.a.test"})
    given = derived(
        listen={"https": ON}, sts=StsMode.NONE, facts=replace(FACTS, names=names)
    )
    assert "mode: none" in given.policy("a.test")


def test_reports_only_to_somebody() -> None:
    assert records()["_smtp._tls.a.test.", "TXT"] == [
        '"v=TLSRPTv1; rua=mailto:postmaster@a.test"'
    ]
    nobody = records(derived(has_postmaster=False))
    assert ("_smtp._tls.a.test.", "TXT") not in nobody


def test_the_key_in_use_where_mail_comes_in() -> None:
    found = records(derived(listen={"smtp": ON}))
    assert found["_25._tcp.mail.a.test.", "TLSA"] == ["3 1 1 " + "ab" * 32]
    for given in (
        derived(),
        derived(listen={"smtp": ON}, facts=None),
        derived("mail.b.test", listen={"smtp": ON}),
    ):
        assert not any(rdtype == "TLSA" for _, rdtype in records(given))


def test_mail_programs_are_helped_where_pages_are_served() -> None:
    for service in ("http", "https"):
        found = records(derived(listen={service: ON}))
        assert found["autoconfig.a.test.", "CNAME"] == ["mail.a.test."]
    assert ("autoconfig.a.test.", "CNAME") not in records()
    assert ("autodiscover.a.test.", "CNAME") not in records()


def test_issuers_are_the_owners_to_name() -> None:
    assert ("a.test.", "CAA") not in records()
    found = records(derived(caa=("letsencrypt.org", ";")))
    assert found["a.test.", "CAA"] == ['0 issue "letsencrypt.org"', '0 issue ";"']


def test_the_console_is_known_by_its_host_key() -> None:
    sshfp = "4 2 " + "ab" * 32
    host = ("mail.a.test.", "SSHFP")
    assert host not in records(derived(sshfp=[sshfp])), "it is off"
    found = records(derived(listen={"ssh": ON}, sshfp=[sshfp]))
    assert found[host] == [sshfp]
    elsewhere = derived("mail.b.test", listen={"ssh": ON}, sshfp=[sshfp])
    assert not [key for key in records(elsewhere) if key[1] == "SSHFP"]
