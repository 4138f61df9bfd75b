"""What commands do that neither dialogues nor single sessions show."""

import asyncio

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.imap.rig import Client, Rig, letter

FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "$Work")


class Believer:
    """A client that knows of the mailbox only what it was told."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.uids: list[int | None] = []
        self.flags: dict[int, bytes] = {}

    async def do(self, command: str | bytes) -> bytes:
        lines = await self.client.command(command)
        for line in lines[:-1]:
            self.hear(line)
        return lines[-1]

    def hear(self, line: bytes) -> None:
        words = line.split(b" ", 3)
        if words[0] != b"*" or len(words) < 3:
            return
        if words[1:3] == [b"VANISHED", b"(EARLIER)"]:
            return
        if words[1] == b"VANISHED":
            self.vanished(words[2])
        elif words[2] == b"EXISTS":
            assert int(words[1]) >= len(self.uids), "EXISTS never takes away"
            self.uids += [None] * (int(words[1]) - len(self.uids))
        elif words[2] == b"EXPUNGE":
            del self.uids[int(words[1]) - 1]
        elif words[2] == b"FETCH":
            self.fetched(int(words[1]), words[3])

    def vanished(self, uids: bytes) -> None:
        for part in uids.split(b","):
            first, _, last = part.partition(b":")
            for uid in range(int(first), int(last or first) + 1):
                self.uids.pop(self.place(uid))

    def place(self, uid: int) -> int:
        """Return where ``uid`` is, or one not told of yet where it must be."""
        if uid in self.uids:
            return self.uids.index(uid)
        smaller = [i for i, one in enumerate(self.uids) if one and one < uid]
        return self.uids.index(None, smaller[-1] if smaller else 0)

    def fetched(self, number: int, items: bytes) -> None:
        uid = self.uids[number - 1]
        if b"UID " in items:
            told = int(items.split(b"UID ")[1].split(b" ")[0].rstrip(b")"))
            assert uid in {None, told}, "a number means another message now"
            self.uids[number - 1] = uid = told
        if uid is not None and b"FLAGS (" in items:
            flags = items.split(b"FLAGS (")[1].split(b")")[0]
            self.flags[uid] = b" ".join(sorted(flags.replace(b"\\Recent", b"").split()))

    async def view(self) -> list[tuple[int | None, bytes]]:
        """Return what it believes, after asking only what it does not know."""
        while None in self.uids:
            first = self.uids.index(None) + 1
            await self.do(f"FETCH {first}:* (UID FLAGS)")
        # A UID may be told without flags: RFC 7162 §3.1.3 answers a STORE that is
        # silent with the mod-sequence alone.
        for uid in {uid for uid in self.uids if uid} - self.flags.keys():
            await self.do(f"UID FETCH {uid} (FLAGS)")
        return [(uid, self.flags[uid or 0]) for uid in self.uids]


_STEP = st.tuples(
    st.integers(0, 1),
    st.sampled_from(
        [
            "STORE {n} +FLAGS ({flag})",
            "STORE {n} -FLAGS.SILENT ({flag})",
            "STORE {n} FLAGS ({flag})",
            "UID STORE {n} +FLAGS ({flag})",
            "FETCH {n} BODY[TEXT]",
            "UID FETCH {n}:* (BODY[TEXT] FLAGS)",
            "EXPUNGE",
            "UID EXPUNGE {n}:*",
            "MOVE {n} Box",
            "COPY {n} INBOX",
            "SEARCH {flag} 1:*",
            "NOOP",
            "append",
        ]
    ),
    st.integers(1, 6),
    st.sampled_from(FLAGS),
)
STEPS = st.lists(_STEP, max_size=25)
"""Who, what, on which message, with which flag."""


async def step(who: Believer, command: str, n: int, flag: str) -> None:
    if command == "append":
        octets = letter(f"n{n}")
        await who.do(b"APPEND INBOX {%d+}\r\n%b" % (len(octets), octets))
        return
    key = flag[1:].upper() if flag.startswith("\\") else f"KEYWORD {flag}"
    text = command.format(n=n, flag=key if "SEARCH" in command else flag)
    silent = ".SILENT" in text
    reply = await who.do(text)
    if silent and reply.startswith(b"OK") and n <= len(who.uids):
        # A client that said SILENT knows what it did.
        uid = who.uids[n - 1]
        if uid is not None and uid in who.flags:
            left = [one for one in who.flags[uid].split() if one != flag.encode()]
            who.flags[uid] = b" ".join(left)


@given(STEPS, st.sampled_from(["", "CONDSTORE", "QRESYNC"]))
@example(
    [
        (1, "append", 1, "\\Seen"),
        (0, "STORE {n} -FLAGS.SILENT ({flag})", 5, "\\Seen"),
        (0, "NOOP", 1, "\\Seen"),
        (0, "STORE {n} +FLAGS ({flag})", 5, "$Work"),
        (0, "STORE {n} -FLAGS.SILENT ({flag})", 5, "$Work"),
    ],
    "CONDSTORE",
)
@settings(max_examples=60, deadline=None)
async def test_two_clients_and_the_store_agree(
    steps: list[tuple[int, str, int, str]],
    enable: str,
) -> None:
    rig = Rig()
    await two_clients_agree((rig, rig), steps, enable)


async def two_clients_agree(
    rigs: tuple[Rig, Rig],
    steps: list[tuple[int, str, int, str]],
    enable: str,
    news_s: float = 0.0,
) -> None:
    """Play ``steps`` on two clients of one account; all must agree at the end.

    Args:
        rigs: One server, or two on one store.
        steps: Who does what.
        enable: What the clients enable.
        news_s: How long news of one server takes to the other, seconds.
    """
    rig, second_rig = rigs
    await rig.put([letter(f"number {number}") for number in range(4)])
    await (await rig.account()).create("Box")
    async with (
        rig.client(enable=enable) as one,
        second_rig.client(enable=enable) as other,
    ):
        believers = (Believer(one), Believer(other))
        for believer in believers:
            await believer.do("SELECT INBOX")
            await believer.view()
        for who, command, n, flag in steps:
            await step(believers[who], command, n, flag)
        await asyncio.sleep(news_s)
        for believer in believers:
            await believer.do("NOOP")
        first, second = [await believer.view() for believer in believers]
        account = await rig.account()
        info = await account.mailbox("INBOX")
        view = await account.view(info.id)
        held = [
            (uid, b" ".join(sorted(n.encode() for n in account.flags_of(flag_set))))
            for uid, flag_set in zip(view.uids, view.flags, strict=True)
        ]
        assert first == held
        assert second == held


@given(STEPS, st.booleans(), st.booleans())
@settings(max_examples=40, deadline=None)
async def test_who_was_away_catches_up(
    steps: list[tuple[int, str, int, str]], tells_known: bool, matches: bool
) -> None:
    """QRESYNC (RFC 7162 §3.2.5): a client's memory and what SELECT says is enough."""
    rig = Rig()
    await rig.put([letter(f"number {number}") for number in range(4)])
    await (await rig.account()).create("Box")
    async with rig.client(enable="QRESYNC") as client:
        away = Believer(client)
        lines = await client.command("SELECT INBOX")
        for line in lines[:-1]:
            away.hear(line)
        told = b" ".join(lines)
        modseq = int(told.split(b"HIGHESTMODSEQ ")[1].split(b"]")[0])
        validity = int(told.split(b"UIDVALIDITY ")[1].split(b"]")[0])
        await away.view()
        await client.ok("UNSELECT")
        async with rig.client() as other:
            busy = Believer(other)
            await busy.do("SELECT INBOX")
            for _, command, n, flag in steps:
                await step(busy, command, n, flag)
        remembered = " 1:4" if tells_known else ""
        remembered += " (1,3 1,3)" if matches else ""
        known, flags = [1, 2, 3, 4], away.flags
        lines = await client.command(
            f"SELECT INBOX (QRESYNC ({validity} {modseq}{remembered}))"
        )
        away.uids = [None] * 4
        for line in lines:
            if line.startswith(b"* VANISHED (EARLIER) "):
                gone = line.rpartition(b" ")[2]
                known = [uid for uid in known if not is_in(uid, gone)]
        away.uids = [*known]
        away.flags = flags
        for line in lines:
            away.hear(line)
        account = await rig.account()
        view = await account.view((await account.mailbox("INBOX")).id)
        assert [uid for uid in away.uids if uid and uid <= 4] == [
            uid for uid in view.uids if uid <= 4
        ]
        held = [
            b" ".join(sorted(n.encode() for n in account.flags_of(flag_set)))
            for flag_set in view.flags
        ]
        assert [flags for _, flags in await away.view()] == held


def is_in(uid: int, ranges: bytes) -> bool:
    for part in ranges.split(b","):
        first, _, last = part.partition(b":")
        if int(first) <= uid <= int(last or first):
            return True
    return False
