"""Names: authoritative answers and cached recursion beside peers, by dnsperf."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.measure import Options, Row
from bench.peers import Side, bind, cores, has_bind, pabal, unbound
from tests.interop.peer import path_of

PEER: Final = "BIND"
HOSTS: Final = 2000
SECONDS: Final = 4
CLIENTS: Final = 8
IN_FLIGHT: Final = 200
WARM_RUNS: Final = 4

AUTHORITATIVE: Final = {
    "DNS authoritative, names that are": [f"h{i}.zone.test" for i in range(HOSTS)],
    "DNS authoritative, names that are not": [f"n{i}.zone.test" for i in range(HOSTS)],
}
CACHED: Final = "DNS cached recursion"


def zone(name: str) -> str:
    lines = ["$TTL 3600", f"@ SOA ns.{name}. hostmaster 1 7200 3600 1209600 300"]
    lines += [f"@ NS ns.{name}.", "ns A 192.0.2.1"]
    lines += [f"h{i} A 198.51.{i // 250}.{i % 250 + 1}" for i in range(HOSTS)]
    return "\n".join(lines) + "\n"


def ask(
    side: Side, names: list[str], seconds: int, directory: Path
) -> tuple[int, float]:
    """Return how many answers came, and how many a second.

    dnsperf waits for what was lost; its own run time would count the waiting.
    """
    file = directory / "questions"
    file.write_text("".join(f"{name} A\n" for name in names))
    done = subprocess.run(
        ["dnsperf", "-s", side.address, "-p", str(side.ports["dns"]), "-d", str(file),
         "-l", str(seconds), "-c", str(CLIENTS), "-q", str(IN_FLIGHT), "-t", "1"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    completed = re.search(r"Queries completed:\s+(\d+)", done.stdout)
    codes = re.search(r"Response codes:\s+(.*)", done.stdout)
    if not completed or not codes or re.search("SERVFAIL|REFUSED", codes[1]):
        raise RuntimeError(f"{side.name}: {done.stdout}")
    answers = int(completed[1])
    return answers, answers / seconds


def measure(
    rows: dict[str, list[str]], sides: list[Side], options: Options
) -> list[Row]:
    found = {
        name: Row(name, "answers/s", PEER, 1.2) for name in rows if options.wants(name)
    }
    seconds = 1 if options.quick else SECONDS
    for side in sides:
        for name in found:
            # Each run comes from other ports, and so to other processes: all warm.
            for _ in range(WARM_RUNS if name == CACHED else 1):
                ask(side, rows[name], 1, options.directory)
    for _ in range(options.rounds):
        for name, row in found.items():
            for side in sides:
                cpu = side.cpu_seconds()
                answers, rate = ask(side, rows[name], seconds, options.directory)
                row.add(side.name, rate, (side.cpu_seconds() - cpu) / answers * 1e6)
    return list(found.values())


def authoritative_rows(options: Options) -> list[Row]:
    if not options.wants_any(list(AUTHORITATIVE)) or not path_of("dnsperf"):
        return []
    with contextlib.ExitStack() as stack:
        directory = options.directory / "dns"
        (directory / "zones").mkdir(parents=True)
        (directory / "zones" / "zone.test.zone").write_text(zone("zone.test"))
        sides = [stack.enter_context(pabal(directory))]
        if has_bind():
            configuration = f"""options {{ recursion no; }};
                zone "zone.test" {{ type primary;
                file "{directory}/zones/zone.test.zone"; }};"""
            sides.append(
                stack.enter_context(
                    bind(options.directory / "bind", configuration, cores())
                )
            )
        return measure(AUTHORITATIVE, sides, options)


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
    names = {CACHED: [f"h{i}.far.test" for i in range(HOSTS)]}
    if not options.wants(CACHED) or not has_bind() or not path_of("dnsperf"):
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
        rows = measure(names, sides, options)
        if len(sides) > 2:
            # The same samples of ours, beside another peer: what to reach for.
            (row,) = rows
            name = CACHED + ", Unbound"
            rows.append(Row(name, row.unit, "Unbound", 1.0, row.samples, row.cpu))
        return rows
