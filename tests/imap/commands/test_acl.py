"""Access control lists as they are told and changed."""

import pytest

from tests.imap.rig import BOB, CAROL, USER, FakePeople, Rig


@pytest.fixture
def rig() -> Rig:
    return Rig(people=FakePeople())


async def test_a_list(rig: Rig) -> None:
    async with rig.client() as owner:
        (capability,) = await owner.ok("CAPABILITY")
        assert {b"ACL", b"RIGHTS=kxte", b"LIST-MYRIGHTS"} <= set(capability.split())
        await owner.ok(f"SETACL INBOX {BOB} lrsd")
        await owner.ok(f"SETACL INBOX {BOB} +c")
        await owner.ok(f"SETACL INBOX {BOB} -s")
        await owner.ok("SETACL INBOX anyone l")
        await owner.ok(f"SETACL INBOX -{CAROL} l")
        assert await owner.ok("GETACL INBOX") == [
            (
                b'* ACL INBOX "user@example.com" lrswipkxteacd "-carol@example.com" l'
                b' "bob@example.com" lrkxtecd "anyone" l'
            )
        ]
        await owner.ok(f"DELETEACL INBOX {BOB}")
        await owner.ok('SETACL INBOX anyone ""')
        assert await owner.ok("GETACL INBOX") == [
            b'* ACL INBOX "user@example.com" lrswipkxteacd "-carol@example.com" l'
        ]


async def test_everybody_and_nobody(rig: Rig) -> None:
    async with rig.client() as owner:
        await owner.ok("CREATE Box")
        await owner.ok("SETACL Box anyone lr")
        await owner.ok(f"SETACL Box -{CAROL} lr")
    async with rig.client(user=BOB) as bob, rig.client(user=CAROL) as carol:
        assert len(await bob.ok('LIST "" "Other Users/*"')) == 2
        assert await carol.ok('LIST "" "Other Users/*"') == []
    async with rig.client() as owner:
        await owner.ok("DELETEACL Box anyone")
    assert list(await rig.store.shares.owners(("anyone",))) == []


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (f"SETACL INBOX {BOB} lq", b"BAD There is no such right"),
        (f"SETACL INBOX {BOB} L", b"BAD There is no such right"),
        (f"SETACL INBOX {BOB} +l-r", b"BAD There is no such right"),
        ("SETACL INBOX nobody@example.com l", b"NO [NONEXISTENT] Nobody here is call"),
        ("LISTRIGHTS INBOX nobody", b"NO [NONEXISTENT] Nobody here is called that"),
        ('SETACL INBOX "-" l', b"BAD That is no identifier"),
        ('SETACL INBOX "" l', b"BAD That is no identifier"),
        (b'SETACL INBOX "\xff" l', b"BAD That is no identifier"),
        (b"SETACL INBOX {1+}\r\n\x07 l", b"BAD That is no identifier"),
        ("GETACL Nowhere", b"NO [NONEXISTENT] There is no such mailbox"),
        (f"SETACL INBOX {BOB}", b"BAD a space expected"),
    ],
)
async def test_what_makes_no_sense(
    rig: Rig, command: str | bytes, answer: bytes
) -> None:
    async with rig.client() as owner:
        assert (await owner.command(command))[-1].startswith(answer)


async def test_rights_that_can_be_given(rig: Rig) -> None:
    async with rig.client() as owner:
        assert await owner.ok(f"LISTRIGHTS INBOX {BOB}") == [
            b'* LISTRIGHTS INBOX "bob@example.com" "" l r s w i p k x t e c d a'
        ]
        assert await owner.ok(f"LISTRIGHTS INBOX {USER}") == [
            b'* LISTRIGHTS INBOX "user@example.com" lrswipkxteacd'
        ]


async def test_who_is_gone_is_not_told(rig: Rig) -> None:
    account = await rig.account()
    inbox = await account.mailbox("INBOX")
    await account.annotations.write(inbox.id, {"acl:99": b"l"})
    async with rig.client() as owner:
        (told,) = await owner.ok("GETACL INBOX")
        assert told == b'* ACL INBOX "user@example.com" lrswipkxteacd'
