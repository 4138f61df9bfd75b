"""Names: authoritative answers and cached recursion beside peers.

Every side has as many threads or processes as there are cores and the same zones. The
signed one is signed by pabal and transferred from it: all serve the same octets.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import dns.exception
import dns.query

import dns.zone
from bench.measure import Options, Row
from bench.peers import (
    START_SECONDS,
    Side,
    bind,
    cores,
    has_bind,
    knot,
    pabal,
    unbound,
)
from bench.questions import Questions, latency_us, questions, rate
from tests.interop.peer import path_of
from tests.support.server import Server

PEER: Final = "BIND"
HOSTS: Final = 2001
"""Not a multiple of dnsperf's clients: else each name would always be asked from the
same port, and a process that does not hear that port would never be warm for it."""

INVENTIONS: Final = 300_007
"""More than are asked for in one turn, so that no name comes twice in it."""

SECONDS: Final = 4
TURN_SECONDS: Final = 1
"""How long a side is measured before it is the next one's turn, so often in a round as
there are seconds. What else the machine does falls upon all alike, and the median is of
runs without it; what a side itself does every second is in each of its runs."""

WARM_RUNS: Final = 3
"""Each run comes from other ports, and so to other processes: all have to be warm."""

COLD_SECONDS: Final = 4
"""How long each of them is where the names are asked from elsewhere first: pabal has a
cache a process, which costs a millisecond a name and process."""

PLAIN: Final = "zone.test"
SIGNED: Final = "signed.test"
POSITIVE: Final = "DNS authoritative, names that are"
ABSENT: Final = "DNS authoritative, names that are not"
INVENTED: Final = "DNS authoritative, invented names, none twice"
DELEGATED: Final = "DNS authoritative, delegations"
SECURE: Final = "DNS authoritative, signed answers (DO)"
CACHED: Final = "DNS cached recursion"
SOON: Final = ", 99 % within"
"""Ends the name of a row about time instead of number."""

AUTHORITATIVE: Final = {
    POSITIVE: [f"h{i}.{PLAIN}" for i in range(HOSTS)],
    ABSENT: [f"n{i}.{PLAIN}" for i in range(HOSTS)],
    INVENTED: [f"x{i}.{PLAIN}" for i in range(INVENTIONS)],
    DELEGATED: [f"www.d{i}.{PLAIN}" for i in range(HOSTS)],
    SECURE: [f"h{i}.{SIGNED}" for i in range(HOSTS)],
}


def zone(name: str) -> str:
    lines = ["$TTL 3600", f"@ SOA ns.{name}. hostmaster 1 7200 3600 1209600 300"]
    lines += [f"@ NS ns.{name}.", "ns A 192.0.2.1"]
    lines += [f"h{i} A 198.51.{i // 250}.{i % 250 + 1}" for i in range(HOSTS)]
    for i in range(HOSTS):
        lines += [f"d{i} NS ns.d{i}", f"ns.d{i} A 203.0.{i // 250}.{i % 250 + 1}"]
    return "\n".join(lines) + "\n"


def measure(
    rows: Mapping[str, Questions],
    sides: Sequence[Side],
    options: Options,
    reach: str,
) -> list[Row]:
    """Return rows beside ``PEER``, and beside ``reach``: whom to reach one day."""
    found = {name: Row(name, "answers/s", PEER, 1.2) for name in rows}
    soon = {name: Row(name + SOON, "µs", PEER, 1.0) for name in rows}
    seconds = 1 if options.quick else SECONDS
    for side in sides:
        for name, asked in rows.items():
            for _ in range(WARM_RUNS):
                rate(side, asked, COLD_SECONDS if name == CACHED else 1)
    for _ in range(options.rounds):
        for name, asked in rows.items():
            for side in list(sides) * seconds:
                cpu = side.cpu_seconds()
                answers, a_second = rate(side, asked, TURN_SECONDS)
                cpu_us = (side.cpu_seconds() - cpu) / answers * 1e6
                found[name].add(side.name, a_second, cpu_us)
            for side in list(sides) * seconds:
                soon[name].add(side.name, latency_us(side, asked, TURN_SECONDS))
    # The same samples of ours, beside another peer.
    others = [
        replace(row, name=f"{name}, {reach}", peer=reach, target=1.0)
        for name, row in found.items()
        if reach in row.samples
    ]
    return [*found.values(), *others, *soon.values()]


def wanted(options: Options, names: Mapping[str, list[str]]) -> dict[str, Questions]:
    """Return the questions of the rows that were asked for."""
    place = options.directory / "questions"
    place.mkdir(exist_ok=True)
    return {
        name: questions(
            place / f"{name.replace(' ', '-')}",
            asked,
            secure=name == SECURE,
            rcode="NXDOMAIN" if name in {ABSENT, INVENTED} else "NOERROR",
        )
        for name, asked in names.items()
        if options.wants(name)
    }


def transferred(side: Side, origin: str, file: Path) -> None:
    """Write the zone that ``side`` serves into ``file``, once it is signed."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(dns.exception.DNSException, OSError):
            messages = dns.query.xfr(side.address, origin, port=side.ports["dns"])
            copy = dns.zone.from_xfr(messages)
            if copy.get_rdataset("@", "DNSKEY"):
                file.write_text(copy.to_text())
                return
        time.sleep(0.2)
    raise RuntimeError(f"{side.name} does not sign {origin}")


def prepare(server: Server) -> None:
    """Give pabal its zones, one of them to sign."""
    zones = server.directory / "zones"
    for origin in (PLAIN, SIGNED):
        (zones / f"{origin}.zone").write_text(zone(origin))
    server.run("zone", "dnssec", SIGNED, "enable")


def authoritative_rows(options: Options) -> list[Row]:
    rows = wanted(options, AUTHORITATIVE)
    if not rows or not path_of("dnsperf"):
        return []
    with contextlib.ExitStack() as stack:
        # As the others here: none of them recurses, or holds answers back.
        lines = ['allow_transfer = ["127.0.0.0/8"]', "allow_recursion = []"]
        lines += ["rate_max = 0"]
        ours = stack.enter_context(
            pabal(options.directory / "dns", dns=lines, prepare=prepare)
        )
        place = options.directory / "zones"
        place.mkdir()
        (place / f"{PLAIN}.zone").write_text(zone(PLAIN))
        transferred(ours, SIGNED, place / f"{SIGNED}.zone")
        files = {origin: place / f"{origin}.zone" for origin in (PLAIN, SIGNED)}
        sides = [ours]
        if has_bind():
            configuration = "options { recursion no; };" + "".join(
                f'zone "{origin}" {{ type primary; file "{file}"; }};'
                for origin, file in files.items()
            )
            directory = options.directory / "bind"
            sides.append(stack.enter_context(bind(directory, configuration, cores())))
        if path_of("knotd"):
            directory = options.directory / "knot"
            sides.append(stack.enter_context(knot(directory, files, cores())))
        return measure(rows, sides, options, "Knot")


@contextlib.contextmanager
def upstream(options: Options) -> Iterator[tuple[str, int]]:
    """Run a BIND that has the names; yield its address and port."""
    directory = options.directory / "upstream"
    directory.mkdir()
    (directory / "far.test.zone").write_text(zone("far.test"))
    configuration = """options { recursion no; };
        zone "far.test" { type primary; file "far.test.zone"; };"""
    with bind(directory, configuration, 1) as side:
        yield side.address, side.ports["dns"]


def cached_rows(options: Options) -> list[Row]:
    rows = wanted(options, {CACHED: [f"h{i}.far.test" for i in range(HOSTS)]})
    if not rows or not has_bind() or not path_of("dnsperf"):
        return []
    with contextlib.ExitStack() as stack:
        far, port = stack.enter_context(upstream(options))
        forwarders = [f'forwarders = ["{far}:{port}"]']
        ours = stack.enter_context(pabal(options.directory / "cache", dns=forwarders))
        configuration = f"""options {{ recursion yes; forward only;
            forwarders {{ {far} port {port}; }}; }};"""
        theirs = stack.enter_context(
            bind(options.directory / "bind-cache", configuration, cores())
        )
        sides = [ours, theirs]
        if path_of("unbound"):
            place = options.directory / "unbound"
            sides.append(stack.enter_context(unbound(place, (far, port), cores())))
        return measure(rows, sides, options, "Unbound")
