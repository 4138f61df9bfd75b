import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
import pytest

from pabal.dns.ports import ResolutionError, Resolved, Security, Steps
from pabal.dns.resolver.lookup import Lookup, MxAnswer, MxKind
from tests.scenario.dns.player import record

NXDOMAIN = Resolved(int(dns.rcode.NXDOMAIN), ())
NODATA = Resolved(0, ())


class Known:
    """A resolver that knows ``name type``; a string is a reason to fail."""

    def __init__(self, answers: dict[str, Resolved | str]) -> None:
        self._answers = answers

    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        question = f"{name} {dns.rdatatype.to_text(rdtype)}"
        answer = self._answers.get(question, NXDOMAIN)
        if isinstance(answer, str):
            raise ResolutionError(answer)
        return answer


def found(*records: str, security: Security = Security.INDETERMINATE) -> Resolved:
    rrsets: dict[str, dns.rrset.RRset] = {}
    for text in records:
        name, ttl, rdtype, data = text.split(None, 3)
        rrset = rrsets.setdefault(f"{name} {rdtype}", record(text))
        rrset.add(dns.rdata.from_text("IN", rdtype, data), int(ttl))
    return Resolved(0, tuple(rrsets.values()), security=security)


async def mx(answer: Resolved | str, domain: str = "example.test") -> MxAnswer:
    return await Lookup(Known({"example.test. MX": answer})).mx(domain)


async def test_mx() -> None:
    answer = await mx(
        found(
            "example.test. 60 MX 20 B.example.test.",
            "example.test. 60 MX 10 a.example.test.",
            security=Security.SECURE,
        )
    )
    assert answer == MxAnswer(
        MxKind.RECORDS,
        ((10, "a.example.test"), (20, "b.example.test")),
        Security.SECURE,
    )


async def test_mx_behind_an_alias() -> None:
    answer = await mx(
        found(
            "example.test. 60 CNAME other.test.", "other.test. 60 MX 5 mx.other.test."
        )
    )
    assert answer.records == ((5, "mx.other.test"),)


async def test_mx_that_is_not_there() -> None:
    assert (await mx(NODATA)).kind is MxKind.NONE
    assert (await mx(NXDOMAIN)).kind is MxKind.NXDOMAIN
    assert (await mx(NODATA, "bad..example")).kind is MxKind.NXDOMAIN
    assert (await mx(NODATA, "x" * 64 + ".test")).kind is MxKind.NXDOMAIN


async def test_null_mx() -> None:
    assert (await mx(found("example.test. 60 MX 0 ."))).kind is MxKind.NULL
    both = await mx(found("example.test. 60 MX 0 .", "example.test. 60 MX 9 a.test."))
    assert both == MxAnswer(MxKind.RECORDS, ((9, "a.test"),))


async def test_mx_unknown() -> None:
    with pytest.raises(ResolutionError, match="silent"):
        await mx("silent")


async def test_addresses() -> None:
    lookup = Lookup(
        Known(
            {
                "a.test. A": found("a.test. 60 A 192.0.2.1", "a.test. 60 A 192.0.2.2"),
                "a.test. AAAA": found("a.test. 60 AAAA 2001:db8::1"),
                "four.test. A": found("four.test. 60 A 192.0.2.4"),
                "four.test. AAAA": "silent",
                "six.test. A": NODATA,
                "six.test. AAAA": "silent",
                "odd.test. A": found("odd.test. 60 A 224.0.0.1"),
            }
        )
    )
    assert await lookup.addresses("a.test") == ("2001:db8::1", "192.0.2.1", "192.0.2.2")
    assert await lookup.addresses("four.test.") == ("192.0.2.4",)
    assert await lookup.addresses("odd.test") == ()
    assert await lookup.addresses("nobody.test") == ()
    with pytest.raises(ResolutionError):
        await lookup.addresses("six.test")


async def test_txt() -> None:
    lookup = Lookup(Known({"a.test. TXT": found('a.test. 60 TXT "v=spf1 " "-all"')}))
    assert await lookup.txt("a.test") == (b"v=spf1 -all",)
    assert await lookup.txt("b.test") == ()


async def test_ptr() -> None:
    lookup = Lookup(
        Known(
            {
                "1.2.0.192.in-addr.arpa. PTR": found(
                    "1.2.0.192.in-addr.arpa. 60 PTR Mail.Example.test."
                )
            }
        )
    )
    assert await lookup.ptr("192.0.2.1") == ("mail.example.test",)
    assert await lookup.ptr("2001:db8::1") == ()
    assert await lookup.ptr("no address") == ()
