import pytest

from pabal.imap.commands import watched as module
from tests.imap.rig import BOB, CAROL, USER, FakePeople, Rig


async def test_only_who_shares_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(people=FakePeople())
    async with (
        rig.client() as alice,
        rig.client(user=BOB) as bob,
        rig.client(user=CAROL) as carol,
    ):
        for owner in (alice, bob):
            await owner.ok(f"SETACL INBOX {CAROL} lr")
            await owner.ok("APPEND INBOX {3+}\r\nabc")
        alices, bobs = f'"Other Users/{USER}"', f'"Other Users/{BOB}/INBOX"'
        for where, count in (
            (f"(mailboxes ({alices} {bobs}))", 1),
            (f"(subtree ({alices} {bobs}))", 2),
            ('(subtree "Other Users")', 2),
            ('(subtree-one "Other Users")', 0),
            (f"(subtree-one {alices})", 1),
            ("(subscribed personal)", 0),
            (f'(subtree ("Other Users/nobody@x.test" "Other Users/{CAROL}"))', 0),
        ):
            found = await carol.ok(f"ESEARCH IN {where} ALL")
            assert len(found) == count, where
        await carol.ok(f"SUBSCRIBE {bobs}")
        (told,) = await carol.ok("ESEARCH IN (subscribed) ALL")
        assert bobs.encode() in told
        monkeypatch.setattr(module, "OWNERS_MAX", 1)
        assert len(await carol.ok('ESEARCH IN (subtree "Other Users") ALL')) == 1


async def test_what_may_not_be_read_or_looked_up() -> None:
    rig = Rig(people=FakePeople())
    async with rig.client() as alice, rig.client(user=BOB) as bob:
        await alice.ok("APPEND INBOX {3+}\r\nabc")
        named = f'(mailboxes "Other Users/{USER}/INBOX")'
        below = f'(subtree "Other Users/{USER}")'
        for rights, counts in (("l", (0, 0)), ("r", (1, 0)), ("lr", (1, 1))):
            await alice.ok(f"SETACL INBOX {BOB} {rights}")
            # RFC 7377 §2.2: what is not named needs to be one that can be listed.
            told = [len(await bob.ok(f"ESEARCH IN {x} ALL")) for x in (named, below)]
            assert tuple(told) == counts
