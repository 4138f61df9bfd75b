import dns.name
import dns.rdatatype

from pabal.dns.zone.local import local_answer
from tests.support.zones import HEAD, zones


def test_what_zones_say_and_what_they_do_not() -> None:
    text = (
        HEAD + "www A 192.0.2.2\nout CNAME www.other.test.\nchild NS ns.other.test.\n"
    )
    held = zones(example_com=HEAD + text)

    def ask(name: str, rdtype: str = "A") -> object:
        return local_answer(
            held, dns.name.from_text(name), dns.rdatatype.from_text(rdtype)
        )

    assert ask("other.test") is None
    assert ask("a.child.example.com") is None
    assert ask("example.com", "DS") is None
    for name, rcode, count in (
        ("www.example.com", 0, 1),
        ("out.example.com", 0, 1),
        ("none.example.com", 3, 0),
    ):
        found = ask(name)
        assert found is not None
        assert (found.rcode, len(found.answer)) == (rcode, count)  # type: ignore[attr-defined]  # Resolved
