"""Runs the rows, prints them and writes ``bench/results.md``.

    make bench ARGS="--only imap --quick"

Every row measures both sides in turn in one run, several rounds, the median counts.
"""

import argparse
import datetime as dt
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw
from rich.console import Console
from rich.table import Table

from bench import mailboxes, names, process, search, smtp
from bench.measure import Options, Row
from bench.peers import cores, versions

RESULTS: Final = Path(__file__).parent / "results.md"

SUITES: Final[tuple[Callable[[Options], list[Row]], ...]] = (
    smtp.mailbox_rows,
    smtp.relay_rows,
    mailboxes.rows,
    search.rows,
    process.idle_rows,
    names.authoritative_rows,
    names.cached_rows,
    process.start_rows,
)


def number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"


def verdict(row: Row) -> str:
    if row.peer == "-":
        value = row.value("pabal")
        return "-" if value is None else "yes" if value <= row.target else "NO"
    return "-" if row.ratio is None else "yes" if row.ratio >= row.target else "NO"


HEAD: Final = (
    "row", "unit", "pabal", "peer", "", "ratio", "target", "met", "CPU ratio",
)  # fmt: skip


def cells(row: Row) -> tuple[str, ...]:
    ratio, target = row.ratio, f"{row.target:g}"
    return (
        row.name,
        row.unit,
        number(row.value("pabal")),
        number(row.value(row.peer)),
        row.peer,
        "-" if ratio is None else f"{ratio:.2f} ×",
        f"≤ {target}" if row.peer == "-" else f"{target} ×",
        verdict(row),
        "-" if row.cpu_ratio is None else f"{row.cpu_ratio:.2f} ×",
    )


def show(rows: list[Row]) -> None:
    table = Table(*HEAD)
    for row in rows:
        table.add_row(*cells(row))
    Console(width=150).print(table)


def machine() -> str:
    info = Path("/proc/cpuinfo").read_text()
    model = info.partition("model name")[2].partition("\n")[0].strip("\t: ")
    memory = Path("/proc/meminfo").read_text().split()[1]
    return f"{cores()} × {model}, {int(memory) // 2**20} GiB, {platform.platform()}"


def write_results(
    rows: list[Row], command: str, options: Options, failed: list[str]
) -> None:
    found = versions() | {
        "Python": platform.python_version(),
        "SQLite": apsw.sqlite_lib_version(),
    }
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True, text=True, check=False, cwd=RESULTS.parent,
    ).stdout.strip()  # fmt: skip
    rounds = f"{options.rounds} rounds" + (", quick" if options.quick else "")
    lines = [
        "# What `make bench` measured",
        "",
        f"- when: {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, revision {revision}",
        f"- command: `{command}`, {rounds}, medians",
        f"- machine: {machine()}",
        "- versions: " + ", ".join(f"{k} {v}" for k, v in found.items()),
        "",
        "Both sides ran beside each other on the same cores, measured in turn by the",
        "same generator. *CPU ratio* compares processor time a piece in the servers'",
        "processes alone: it does not suffer from the generator or from neighbours.",
        "The kernel syncs files for pabal in threads of its own: not counted in it.",
        "DNS: dnsperf costs as much of the cores as a server does, and so does the",
        "kernel, for all alike; by the wall servers are closer than by processor time.",
        f"Load average at the end: {os.getloadavg()[0]:.1f} on {cores()} cores.",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|" + "---|" * len(HEAD),
    ]
    lines += ["| " + " | ".join(cells(row)) + " |" for row in rows]
    if failed:
        lines += ["", "Not measured, something failed: " + ", ".join(failed)]
    RESULTS.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD",
                        help="rows whose name has one of these words")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    arguments = parser.parse_args()
    rows: list[Row] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        options = Options(arguments.only, 1 if arguments.quick else arguments.rounds,
                          arguments.quick, Path(place))  # fmt: skip
        for suite in SUITES:
            try:
                found = suite(options)
            except Exception:  # noqa: BLE001  the other rows are worth having
                traceback.print_exc()
                failed.append(f"{suite.__module__}.{suite.__name__}")
                continue
            rows += found
            if found:
                show(found)
    if len(rows) > 1:
        show(rows)
    command = shlex.join(["make", "bench"])
    if sys.argv[1:]:
        command += " ARGS=" + shlex.quote(" ".join(sys.argv[1:]))
    if not arguments.only:
        write_results(rows, command, options, failed)
    else:
        print(f"{RESULTS.name} is written by whole runs only")
    if failed:
        sys.exit("failed: " + ", ".join(failed))


if __name__ == "__main__":
    main()
