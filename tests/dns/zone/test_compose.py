import dns.name

from pabal.dns.ports import DerivedRecord
from pabal.dns.wire import codes
from pabal.dns.zone.compose import Composition
from pabal.dns.zone.master import MasterFile
from tests.support.zones import MemorySource, octets

APEX = octets("example.com.")


def compose(text: str, *derived: DerivedRecord) -> Composition:
    master = MasterFile(dns.name.from_text("example.com"), MemorySource().read)
    master.read("z", "$TTL 60\n" + text)
    composition = Composition(master)
    composition.add_derived(derived)
    return composition


def reasons(composition: Composition) -> list[str]:
    return [problem.reason for problem in composition.problems]


def test_the_file_wins_set_by_set() -> None:
    made = compose(
        "@ MX 5 own\n",
        DerivedRecord("example.com.", "MX", "10 mail.example.com."),
        DerivedRecord("example.com.", "TXT", '"v=spf1 mx -all"'),
    )
    assert made.rrsets(APEX)[codes.MX].rdatas == (
        b"\x00\x05" + octets("own.example.com"),
    )
    assert (APEX, codes.MX) not in made.derived
    assert (APEX, codes.TXT) in made.derived
    assert not made.problems


def test_nothing_derived_beside_a_cname_or_below_a_cut() -> None:
    made = compose(
        "autoconfig CNAME elsewhere.example.net.\nsub NS x.test.\nx A 192.0.2.1\n",
        DerivedRecord("autoconfig.example.com.", "A", "192.0.2.9"),
        DerivedRecord("a.sub.example.com.", "A", "192.0.2.9"),
        DerivedRecord("x.example.com.", "CNAME", "y.example.com."),
        DerivedRecord("other.example.org.", "A", "192.0.2.9"),
    )
    assert not made.derived


def test_own_txt_that_hides_the_spf_is_told() -> None:
    spf = DerivedRecord("example.com.", "TXT", '"v=spf1 mx -all"')
    made = compose('@ TXT "site-verification=1"\n', spf)
    assert "SPF" in reasons(made)[0]
    assert '"v=spf1 mx -all"' in made.problems[0].fix
    assert not reasons(compose('@ TXT "v=spf1 -all"\n', spf))


def test_sets_are_gathered_and_doubles_dropped() -> None:
    made = compose("a 60 A 192.0.2.1\nA 30 A 192.0.2.2\na 60 A 192.0.2.1\n")
    rrset = made.rrsets(octets("a.example.com"))[codes.A]
    assert rrset.rdatas == (bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2)))
    assert rrset.ttl_s == 30
    assert "different TTLs" in reasons(made)[0]


def test_a_broken_derived_record_harms_nothing() -> None:
    made = compose(
        "a A 192.0.2.1\n",
        DerivedRecord("example.com.", "TLSA", "nonsense"),
        DerivedRecord("example.com.", "NOTYPE", "x"),
    )
    assert len(made.problems) == 2
    assert not made.derived
