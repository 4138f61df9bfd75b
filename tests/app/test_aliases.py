from dataclasses import dataclass, field

import dns.name
import dns.rdatatype
import dns.rrset
from typing_extensions import override

from pabal.app.aliases import AGAIN_S, FRESH_MAX_S, FRESH_MIN_S, AliasTargets
from pabal.dns.ports import ResolutionError, Resolved, Resolver, Steps
from pabal.dns.zone.alias import Addresses
from tests.support.zones import FixedClock, octets

HOST, GONE = octets("host.example.net."), octets("gone.example.net.")
ONE, TWO = b"\xc0\x00\x02\x01", b"\xc0\x00\x02\x02"


@dataclass
class Elsewhere(Resolver):
    """Answers with lines of a master file; one that is not there cannot be asked."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    asked: int = 0

    @override
    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        self.asked += 1
        key = f"{name} {dns.rdatatype.to_text(rdtype)}"
        if key not in self.lines:
            raise ResolutionError("nobody answers")
        rrsets = []
        for line in self.lines[key]:
            owner, ttl, kind, *rdatas = line.split()
            rrsets.append(dns.rrset.from_text(owner, int(ttl), "IN", kind, *rdatas))
        return Resolved(0, tuple(rrsets))


def net(ttl_s: int = 100) -> Elsewhere:
    return Elsewhere(
        {
            "host.example.net. A": [
                f"host.example.net. {ttl_s} CNAME x.test.",
                "x.test. 4000 A 192.0.2.2 192.0.2.1",
            ],
            "host.example.net. AAAA": [],
        }
    )


async def test_targets_are_resolved_and_kept_fresh() -> None:
    elsewhere, clock = net(), FixedClock()
    known = AliasTargets(elsewhere, clock)
    assert await known.refresh({HOST})
    assert known.book == {HOST: Addresses((ONE, TWO))}
    assert not await known.refresh({HOST})
    assert elsewhere.asked == 2
    clock.at += 100
    elsewhere.lines["host.example.net. A"] = ["host.example.net. 5 A 192.0.2.1"]
    assert await known.refresh({HOST})
    assert known.book == {HOST: Addresses((ONE,))}
    clock.at += FRESH_MIN_S - 1
    assert not await known.refresh({HOST})
    assert elsewhere.asked == 4
    assert await known.refresh(set())
    assert known.book == {}


async def test_who_cannot_be_asked_is_not_forgotten() -> None:
    elsewhere, clock = net(100_000), FixedClock()
    known = AliasTargets(elsewhere, clock)
    assert await known.refresh({HOST, GONE})
    assert known.book == {HOST: Addresses((ONE, TWO)), GONE: None}
    elsewhere.lines.clear()
    clock.at += FRESH_MAX_S
    assert not await known.refresh({HOST, GONE})
    assert known.book[HOST] == Addresses((ONE, TWO))
    asked = elsewhere.asked
    clock.at += AGAIN_S - 1
    await known.refresh({HOST, GONE})
    assert elsewhere.asked == asked
