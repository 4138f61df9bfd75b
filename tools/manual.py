"""Writes docs/configuration.md and docs/commands.md from the program itself.

``tools/manual.py`` writes them; ``tools/manual.py --check`` says with exit code 1 that
one is not what the program says. A test does the same.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from pabal.cli.main import build
from pabal.config.description import Option
from pabal.config.load import options, sample
from pabal.lab.command import lab

DOCS: Final = Path(__file__).parents[1] / "docs"
BY: Final = "<!-- Written by tools/manual.py from the program: change it there. -->"
WIDTH: Final = 80

ABOUT_TABLES: Final = {
    "": "Before the first table.",
    "listen": 'Where each service listens: an address with a port, or several; `""` or'
    " `[]` is off. `dns-tls` is DNS over TLS; `https` serves the sites of `http` and"
    " DNS over HTTPS at `/dns-query`. `ssh` is the console (docs/console.md); it is off"
    " by default because port 22 is often the machine's own. `metrics` is what was"
    " counted, for Prometheus (docs/metrics.md); off by default, and for loopback or a"
    " network of your own: whoever reaches it reads it.",
    "tls": "One certificate for every service. Paths are relative to the file.",
    "auth": "Log-in.",
    "imap": "Mailboxes over IMAP.",
    "pop3": "The inbox over POP3.",
    "mta": "Mail between servers.",
    "dns": "Names. Networks are like `192.0.2.0/24`, `any`, `none`, `localhost` (this"
    " machine's addresses) or `localnets` (the networks it is in, as they are when this"
    " file is read); `!` in front excludes.",
    "dns.acl.NAME": "A list of networks that has a name: wherever networks are asked"
    " for, NAME and `!NAME` may stand. As in BIND, what a list excludes (`!`) it does"
    " not hold, and the element after it decides.",
    "dns.view.NAME": "Split horizon: what some clients see instead of what all others"
    " do, for example the inside addresses of a mail host. Any number of such tables;"
    " the first whose `clients` fit counts.",
    "dns.zone.ZONE": "What holds for a single zone in the place of what `[dns]` says,"
    ' like `[dns.zone."example.com"]`. It also holds for the zone in views, unless'
    ' they have a table of their own for it, `[dns.view.NAME.zone."example.com"]`;'
    " whom a view tells of changes is only said there. Any number of such tables.",
    "ssh": "The console: commands over SSH, if `ssh` under `[listen]` says where. Keys"
    " are added by `pabal account key add`; `pabal ssh` shows who may log in.",
    "metrics": "What `metrics` under `[listen]` shows (docs/metrics.md).",
    "store": "Mail that nobody wants any more. `pabal account expiry` gives a mailbox a"
    " rule of its own.",
    "dns.pool.NAME": "Address sets whose hosts are weighted and probed: the A and AAAA"
    " records at `names`, as the zone has them. A host that does not answer is taken"
    " out of the answer and put back. Any number of such tables.",
}


def configuration() -> str:
    """Return docs/configuration.md."""
    lines = [
        "# Configuration",
        "",
        BY,
        "",
        "`pabal.toml` is TOML. Only `hostname` must be set. `pabal check` shows every",
        "mistake at once, with its line and a caret; `pabal serve` refuses to start",
        "with the same report. Domains, accounts and aliases are not here:",
        "`pabal domain`, `pabal account` and `pabal alias` change them in the",
        "running server.",
        "",
        "Sizes are octets, or like `50MB` (powers of ten). A list may be one text.",
    ]
    for table, found in options().items():
        lines += ["", f"## [{table}]" if table else "## Top", "", ABOUT_TABLES[table]]
        lines += ["", "| key | default | what it is |", "|---|---|---|"]
        lines += [_row(option) for option in found]
    lines += ["", "## All of it", "", "```toml", sample().rstrip(), "```", ""]
    return "\n".join(lines)


def _row(option: Option) -> str:
    default = "must be set" if option.required else f"`{option.default}`"
    about = option.help.replace("|", "\\|")
    return f"| `{option.key}` | {default} | {about} |"


def commands() -> str:
    """Return docs/commands.md."""
    lines = [
        "# Commands",
        "",
        BY,
        "",
        "`-c DIR` names the directory of `pabal.toml`; without it that is the current",
        "one, then `/etc/pabal`. What is printed for people is there as `--json` too.",
        "Exit codes: 0 done, 1 failed (also: what was named is not there), 2 wrong",
        "usage or configuration.",
    ]
    for path, text in helps():
        lines += ["", f"## {path}", "", "```text", text.rstrip(), "```"]
    return "\n".join([*lines, ""])


def helps() -> Iterator[tuple[str, str]]:
    """Yield every command with its help, groups before their commands."""
    root = build()
    root.add_command(lab)
    yield from _helps(root, "pabal", None)


def _helps(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[tuple[str, str]]:
    ctx = command.make_context(name, [], parent, resilient_parsing=True)
    ctx.terminal_width = WIDTH
    yield ctx.command_path, command.get_help(ctx)
    if isinstance(command, click.Group):
        for below in command.list_commands(ctx):
            found = command.get_command(ctx, below)
            if found is not None and not found.hidden:
                yield from _helps(found, below, ctx)


def pages() -> dict[Path, str]:
    """Return each page with its text."""
    return {
        DOCS / "configuration.md": configuration(),
        DOCS / "commands.md": commands(),
    }


def main(arguments: list[str]) -> int:
    """Write or check; return the exit code."""
    stale = [
        path
        for path, text in pages().items()
        if not path.exists() or path.read_text() != text
    ]
    for path in stale:
        if arguments == ["--check"]:
            print(
                f"{path.name} is not what the program says: tools/manual.py writes it"
            )
        else:
            path.write_text(pages()[path])
            print(f"wrote {path.name}")
    return 1 if stale and arguments == ["--check"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
