"""The steps of a resolution, in words.

Sans-IO.
"""

from dataclasses import dataclass, field

import dns.name
import dns.rcode
import dns.rdatatype

from pabal.dns.ports import Step
from pabal.dns.resolver.query import Query
from pabal.dns.resolver.scrub import Kind, Reading


@dataclass(slots=True)
class Journal:
    """Writes down what was asked and what came; bounded by the budget of questions."""

    steps: list[Step] = field(default_factory=list)

    def asked(self, query: Query, outcome: str, elapsed_s: float) -> None:
        """Write down that ``query`` brought ``outcome`` after ``elapsed_s`` seconds."""
        self.steps.append(
            Step(
                str(query.name),
                dns.rdatatype.to_text(query.rdtype),
                str(query.server),
                str(query.zone),
                outcome,
                elapsed_s * 1000,
            )
        )

    def found(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        source: str,
        reading: Reading,
    ) -> None:
        """Write down that ``source`` (cache, local zone) knew ``reading`` itself."""
        kind = dns.rdatatype.to_text(rdtype)
        self.steps.append(Step(str(name), kind, source, "", describe(reading), 0.0))


def describe(reading: Reading) -> str:
    """Return what ``reading`` says, in words."""
    match reading.kind:
        case Kind.REFERRAL if reading.ns is not None:
            return f"referral to {reading.ns.name}"
        case Kind.ALIAS:
            return f"alias of {reading.end}"
        case Kind.ERROR:
            return dns.rcode.to_text(reading.rcode)
        case Kind.NODATA | Kind.NXDOMAIN if reading.soa is not None:
            # Which zone says so: a server can hold more than the one it was asked for.
            return f"{reading.kind.value} in {reading.soa.name}"
        case _:
            return str(reading.kind.value)
