import dns.name
import dns.rdatatype
import dns.rrset
import pytest

from pabal.dns.resolver.budget import ALIASES_MAX
from pabal.dns.resolver.delegation import Delegation
from pabal.dns.resolver.frame import MINIMISE_MAX, DeadEndError, Frame

NAME = dns.name.from_text


def at_root(name: str, *, minimise: bool = True, recursive: bool = False) -> Frame:
    frame = Frame(NAME(name), dns.rdatatype.MX)
    frame.enter(Delegation(dns.name.root, [], recursive=recursive), minimise=minimise)
    return frame


def shown(frame: Frame) -> list[str]:
    names = [str(frame.question()[0])]
    while frame.is_shortened:
        frame.show_more()
        names.append(str(frame.question()[0]))
    return names


def test_one_label_at_a_time() -> None:
    frame = at_root("www.example.test.")
    assert frame.question() == (NAME("test."), dns.rdatatype.A)
    assert shown(frame) == ["test.", "example.test.", "www.example.test."]
    assert frame.question()[1] == dns.rdatatype.MX


def test_whole_name_when_not_minimising() -> None:
    assert shown(at_root("www.example.test.", minimise=False)) == ["www.example.test."]
    assert shown(at_root("www.example.test.", recursive=True)) == ["www.example.test."]


def test_underscores_in_one_go() -> None:
    assert shown(at_root("_25._tcp.mx.test."))[-2:] == ["mx.test.", "_25._tcp.mx.test."]


def test_many_labels_cost_few_questions() -> None:
    frame = at_root("a." * 120 + "test.")
    assert len(shown(frame)) <= MINIMISE_MAX + 1


def test_the_root_itself() -> None:
    assert shown(at_root(".")) == ["."]


def test_follow() -> None:
    frame = at_root("a.test.")
    frame.chain.append(dns.rrset.from_text("a.test.", 1, "IN", "CNAME", "b.test."))
    frame.follow(NAME("b.test."))
    assert frame.current == NAME("b.test.")
    assert frame.delegation is None
    with pytest.raises(DeadEndError, match="circle"):
        frame.follow(NAME("a.test."))


def test_too_many_aliases() -> None:
    frame = at_root("a.test.")
    for number in range(ALIASES_MAX + 1):
        frame.chain.append(
            dns.rrset.from_text(f"n{number}.test.", 1, "IN", "CNAME", "b.test.")
        )
    with pytest.raises(DeadEndError, match="more than"):
        frame.follow(NAME("b.test."))
