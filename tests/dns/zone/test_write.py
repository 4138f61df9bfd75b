import pytest

from pabal.dns.zone import write as write_module
from pabal.dns.zone.write import master_slices, master_text, name_text
from tests.support.zones import HEAD, octets, zone

TEXT = HEAD + (
    "@ MX 10 mail\nmail AAAA 2001:db8::25\n_s._tcp SRV 0 1 2 mail\nx CNAME ns\n"
    '*.w TXT "a;b" "파발\\"" \\007\nodd TYPE65280 \\# 2 abcd\n'
    "p PTR a.b.test.\n@ CAA 0 issue ca.test\nk DNSKEY 257 3 13 aGVsbG8=\n"
    "we\\.ird\\000 A 192.0.2.8\nBig 77 A 192.0.2.9\n"
)


def test_what_is_written_reads_as_the_same_zone() -> None:
    made = zone(TEXT)
    text = "".join(master_text(made.origin, made.nodes.packed))
    assert text.startswith("example.com. 3600 IN SOA ")
    again = zone(text)
    assert dict(again.nodes.packed) == dict(made.nodes.packed)


@pytest.mark.parametrize("name", ["a.b.test.", r"a\.b.test.", r"\@.x.", ".", "*.x."])
def test_names(name: str) -> None:
    assert octets(name_text(octets(name))) == octets(name)


def test_lengths_that_look_like_letters() -> None:
    label = "0" * 48  # its length octet is the digit 0
    assert name_text(octets(f"{label}.test.")) == f"{label}.test."


def test_it_is_written_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """However large a zone is, its text is never in memory as a whole."""
    made = zone(TEXT)
    lines = list(master_text(made.origin, made.nodes.packed))
    monkeypatch.setattr(write_module, "SLICE_LINES", 3)
    slices = list(master_slices(made.origin, made.nodes.packed))
    assert b"".join(slices) == "".join(lines).encode()
    assert max(each.count(b"\n") for each in slices) == 3
    assert len(slices) == -(-len(lines) // 3)
