r"""Dialogues: files that show what a client says and what the server answers.

One step a line::

    # comment
    C: EHLO client.example          sent with CRLF
    C~ raw octets\r\n\x00           sent as they are, Python escapes decoded
    C*1000 RCPT TO:<u{n}@x>         sent so often with CRLF; {n} counts from 0, {{ is {
    C~*1000 aaaa                    the same, raw
    C[tls]                          the client's side of STARTTLS
    C[close]                        the client closes
    C[silent]                       nothing comes until the server's patience ends
    S: 250*                         the next line from the server; * matches anything
    S*1000 250*                     so many lines
    S... 250 *                      lines are skipped until one matches
    S: [closed]                     the server closed, nothing more came

The client waits where the file says ``S``; consecutive ``C`` lines are one write.
"""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from tests.support.streams import MemoryStream

PATIENCE_SECONDS = 20.0
"""Real seconds a server may think before a dialogue fails."""

_STEP = re.compile(r"(?:C(?P<client>~\*|[:~*\[])|S(?P<server>:|\*|\.\.\.))(?P<rest>.*)")
_COUNT = re.compile(r"(\d+) ?(.*)")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a dialogue file."""

    number: int
    kind: str
    text: str
    count: int = 1


def parse_dialogue(text: str) -> list[Step]:
    steps = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _STEP.fullmatch(line)
        assert match, f"line {number}: not a dialogue line: {line}"
        kind = f"C{match['client']}" if match["client"] else f"S{match['server']}"
        rest, count = match["rest"], 1
        if kind.endswith("*"):
            counted = _COUNT.fullmatch(rest)
            assert counted, f"line {number}: a count goes after *"
            count, rest = int(counted[1]), counted[2]
        elif kind != "C[":
            rest = rest.removeprefix(" ")
        steps.append(Step(number, kind, rest, count))
    return steps


def read_dialogue(path: Path) -> list[Step]:
    return parse_dialogue(path.read_text("utf-8"))


async def play(steps: list[Step], client: MemoryStream) -> None:
    """Play the client's side; fails with the file's line and what came instead."""
    player = _Player(client)
    for step in steps:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await player.step(step)
        except TimeoutError:
            raise AssertionError(
                f"line {step.number}: waited for {step.text!r}, got nothing"
            ) from None


class _Player:
    def __init__(self, client: MemoryStream) -> None:
        self._client = client
        self._received = b""
        self._queued: list[bytes] = []

    async def step(self, step: Step) -> None:
        if step.kind in {"C:", "C*"}:
            self._queue(step, b"\r\n")
        elif step.kind in {"C~", "C~*"}:
            self._queue(step, b"")
        elif step.kind == "C[":
            await self._act(step)
        else:
            self._send()
            for _ in range(step.count):
                await self._expect(step)

    def _queue(self, step: Step, end: bytes) -> None:
        for n in range(step.count):
            text = step.text
            if step.count > 1:
                text = text.replace("{{", "\0").replace("{n}", str(n))
                text = text.replace("\0", "{")
            octets = text.encode("utf-8")
            if step.kind.startswith("C~"):
                octets = octets.decode("unicode_escape").encode("latin-1")
            self._queued.append(octets + end)

    def _send(self) -> None:
        self._client.send(b"".join(self._queued))
        self._queued.clear()

    async def _act(self, step: Step) -> None:
        self._send()
        if step.text == "tls]":
            await self._client.start_tls()
        elif step.text == "close]":
            self._client.close()
        elif step.text == "silent]":
            await asyncio.sleep(0)
            self._client.other.expire()
        else:
            raise AssertionError(f"line {step.number}: unknown act C[{step.text}")

    async def _line(self) -> bytes | None:
        while b"\r\n" not in self._received:
            data = await self._client.receive(PATIENCE_SECONDS)
            if not data:
                assert not self._received, f"half a line: {self._received!r}"
                return None
            self._received += data
        line, _, self._received = self._received.partition(b"\r\n")
        return line

    async def _expect(self, step: Step) -> None:
        while True:
            line = await self._line()
            got = "[closed]" if line is None else line.decode("utf-8", "replace")
            if matches(step.text, got):
                return
            skip = step.kind == "S..." and line is not None
            assert skip, (
                f"line {step.number}: expected {step.text!r}, the server said {got!r}"
            )


def matches(pattern: str, line: str) -> bool:
    """Whether ``line`` is ``pattern``, where ``*`` stands for anything."""
    parts = [re.escape(part) for part in pattern.split("*")]
    return re.fullmatch(".*".join(parts), line, re.DOTALL) is not None
