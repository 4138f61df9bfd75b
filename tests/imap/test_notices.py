"""NOTIFY (RFC 5465): what one client does, another is told."""

import asyncio
import re

from pabal.imap.notices import WAITING_MAX
from pabal.store.ports import ACCOUNT
from tests.imap.rig import BOB, USER, Client, FakePeople, Rig, letter

BOTH = "MessageNew MessageExpunge"


async def heard(client: Client, count: int) -> list[str]:
    """Return the next ``count`` lines, which nobody asked for."""
    lines = [(await client.read_line()).decode() for _ in range(count)]
    return [re.sub(r"UIDVALIDITY \d+", "UIDVALIDITY _", line) for line in lines]


async def quiet(client: Client) -> None:
    """Check that nothing was told."""
    for _ in range(5):
        await asyncio.sleep(0)
    client.stream.send(b"q NONSENSE\r\n")
    assert (await client.read_line()).startswith(b"q BAD")


async def test_other_mailboxes() -> None:
    rig = Rig()
    async with rig.client() as one, rig.client("INBOX") as other:
        await one.ok("CREATE a/b")
        await one.ok("NOTIFY SET (subtree a (MessageNew MessageExpunge FlagChange))")
        await rig.put([letter()], "a/b")
        assert await heard(one, 1) == [
            '* STATUS "a/b" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY _)'
        ]
        await rig.put([letter()])
        await other.ok("SELECT a/b")
        await other.ok("STORE 1 +FLAGS (\\Seen)")
        assert await heard(one, 1) == ['* STATUS "a/b" (UIDVALIDITY _ UNSEEN 0)']
        await one.ok("ENABLE CONDSTORE")
        await other.ok("STORE 1 +FLAGS (\\Deleted)")
        assert (await heard(one, 1))[0].endswith("UNSEEN 0 HIGHESTMODSEQ 6)")
        await other.ok("EXPUNGE")
        assert (await heard(one, 1))[0].startswith('* STATUS "a/b" (MESSAGES 0 ')
        await quiet(one)


async def test_the_selected_mailbox_without_idle() -> None:
    rig = Rig()
    await rig.put([letter()])
    async with rig.client("INBOX") as one, rig.client("INBOX") as other:
        await one.ok(
            "NOTIFY SET (selected (MessageNew (FLAGS BODY.PEEK[TEXT]<0.3>)"
            " MessageExpunge FlagChange))"
        )
        await other.ok("STORE 1 +FLAGS (\\Seen)")
        assert await heard(one, 1) == ["* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent))"]
        await rig.put([letter()])
        assert await heard(one, 3) == [
            "* 2 EXISTS",
            "* 2 RECENT",
            "* 2 FETCH (UID 2 FLAGS (\\Recent) BODY[TEXT]<0> {3}\r\nHow)",
        ]
        octets = letter()
        told = await one.ok(b"APPEND INBOX {%d+}\r\n%b" % (len(octets), octets))
        assert told == [b"* 3 EXISTS", b"* 3 RECENT"], (
            "what it made itself is not described"
        )
        await other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        await heard(one, 1)
        await other.ok("EXPUNGE")
        assert await heard(one, 1) == ["* 1 EXPUNGE"]


async def test_delayed_expunges_wait_for_a_command() -> None:
    rig = Rig()
    await rig.put([letter(), letter()])
    async with rig.client("INBOX") as one, rig.client("INBOX") as other:
        await one.ok(f"NOTIFY SET (selected-delayed ({BOTH}))")
        await other.ok("STORE 1 +FLAGS (\\Deleted)")
        await other.ok("EXPUNGE")
        await quiet(one)
        assert await one.ok("NOOP") == [b"* 1 EXPUNGE"]
        await rig.put([letter()])
        assert await heard(one, 2) == ["* 2 EXISTS", "* 2 RECENT"]


async def test_none_is_silence_but_for_own_deeds() -> None:
    rig = Rig()
    await rig.put([letter(), letter()])
    async with rig.client("INBOX") as one, rig.client("INBOX") as other:
        await one.ok("NOTIFY NONE")
        await other.ok("STORE 1 +FLAGS (\\Deleted)")
        await rig.put([letter()])
        assert await one.ok("NOOP") == []
        assert await one.ok("EXPUNGE") == [
            b"* 1 EXPUNGE",
            b"* 2 EXISTS",
            b"* 2 RECENT",
        ]


async def test_mailboxes_as_a_whole() -> None:
    rig = Rig()
    async with rig.client() as one, rig.client() as other:
        await one.ok("NOTIFY SET (personal (MailboxName SubscriptionChange))")
        await other.ok("CREATE a/b")
        assert await heard(one, 2) == [
            '* LIST (\\HasChildren) "/" a',
            '* LIST (\\HasNoChildren) "/" "a/b"',
        ]
        await other.ok("RENAME a c")
        assert await heard(one, 1) == ['* LIST (\\HasChildren) "/" c ("OLDNAME" (a))']
        await other.ok("SUBSCRIBE c/b")
        told = '* LIST (\\HasNoChildren \\Subscribed) "/" "c/b"'
        assert await heard(one, 1) == [told]
        await other.ok("UNSUBSCRIBE c/b")
        assert await heard(one, 1) == ['* LIST (\\HasNoChildren) "/" "c/b"']
        await other.ok("DELETE c/b")
        assert await heard(one, 2) == [
            '* LIST (\\NonExistent \\Noselect \\HasNoChildren) "/" "c/b"',
            '* LIST (\\HasNoChildren) "/" c',
        ]


async def test_metadata() -> None:
    rig = Rig()
    async with rig.client() as one, rig.client() as other:
        await one.ok(
            "NOTIFY SET (mailboxes INBOX (MailboxMetadataChange))"
            " (personal (ServerMetadataChange))"
        )
        await other.ok('SETMETADATA INBOX (/private/a "1" /private/b NIL)')
        assert await heard(one, 1) == ["* METADATA INBOX /private/a /private/b"]
        await other.ok('SETMETADATA "" (/private/a "1")')
        assert await heard(one, 1) == ['* METADATA "" /private/a']
        await other.ok("CREATE x")
        await other.ok('SETMETADATA x (/private/a "1")')
        await quiet(one)


async def test_status_at_once() -> None:
    rig = Rig()
    await rig.put([letter()])
    async with rig.client("INBOX") as one:
        await one.ok("CREATE x")
        (told,) = await one.ok(f"NOTIFY SET STATUS (personal ({BOTH}))")
        assert told.startswith(b"* STATUS x (MESSAGES 0 UIDNEXT 1 ")


async def test_events_nobody_knows() -> None:
    async with Rig().client() as one:
        refused = (await one.command("NOTIFY SET (personal (AnnotationChange))"))[-1]
        assert refused.startswith(b"NO [BADEVENT (MessageNew ")


async def test_idle_tells_the_same() -> None:
    rig = Rig()
    async with rig.client("INBOX") as one:
        await one.ok(f"NOTIFY SET (selected ({BOTH})) (personal (MailboxName))")
        one.stream.send(b"i IDLE\r\n")
        assert await one.read_line() == b"+ idling"
        await rig.put([letter()])
        assert await heard(one, 2) == ["* 1 EXISTS", "* 1 RECENT"]
        await (await rig.account()).create("x")
        assert await heard(one, 1) == ['* LIST (\\HasNoChildren) "/" x']
        one.stream.send(b"DONE\r\n")
        assert (await one.read_line()).startswith(b"i OK")


async def test_too_much_is_said_to_be() -> None:
    rig = Rig()
    async with rig.client() as one:
        await one.ok("NOTIFY SET (personal (MailboxName))")
        one.stream.send(b"i IDLE\r\n")
        assert await one.read_line() == b"+ idling"
        account = await rig.account()
        box = await account.create("0")
        await heard(one, 1)
        for number in range(1, WAITING_MAX + 3):
            await account.rename(box.id, str(number))
        assert (await one.read_line()).startswith(b"* OK [NOTIFICATIONOVERFLOW]")


async def test_what_the_server_keeps_beside_entries_is_told_to_nobody() -> None:
    rig = Rig()
    async with rig.client() as one:
        await one.ok(
            "NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))"
        )
        account = await rig.account()
        inbox = await account.mailbox("INBOX")
        rule: dict[str, bytes | None] = {"/pabal/expiry": b"7", "acl:2": b"lr"}
        await account.annotations.write(inbox.id, rule)
        await account.annotations.write(ACCOUNT, rule)
        await quiet(one)
        await account.annotations.write(inbox.id, {**rule, "/private/a": b"1"})
        assert await heard(one, 1) == ["* METADATA INBOX /private/a"]
        told = await one.ok("GETMETADATA (DEPTH infinity) INBOX (/private/a /shared/b)")
        assert told == [b'* METADATA INBOX (/private/a "1" /shared/b NIL)']
        for name in ("/pabal/expiry", "/pabal", "acl:2"):
            refused = await one.command(f'GETMETADATA INBOX "{name}"')
            assert refused[-1].startswith(b"BAD")


async def test_status_at_once_has_the_modseq_where_flags_are_watched() -> None:
    async with Rig().client() as one:
        (told,) = await one.ok(
            f"NOTIFY SET STATUS (mailboxes INBOX ({BOTH} FlagChange))"
        )
        # RFC 5465 §3.1: of a server with CONDSTORE, whether it was enabled or not.
        assert told.endswith(b" UNSEEN 0 HIGHESTMODSEQ 1)")


async def test_searches_kept_current_hear_of_the_noop_in_it() -> None:
    rig = Rig()
    await rig.put([letter(), letter(), letter()])
    async with rig.client("INBOX") as one, rig.client("INBOX") as other:
        assert await one.ok("SEARCH RETURN (ALL UPDATE) ALL") == [
            b'* ESEARCH (TAG "t3") ALL 1:3'
        ]
        await other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
        await other.ok("EXPUNGE")
        told = await one.ok(f"NOTIFY SET (selected-delayed ({BOTH}))")
        assert told == [b'* ESEARCH (TAG "t3") REMOVEFROM (0 2)', b"* 2 EXPUNGE"]


async def test_items_of_mailboxes_that_are_not_selected() -> None:
    async with Rig().client() as one:
        text = "NOTIFY SET (personal (MessageNew (UID) MessageExpunge))"
        assert (await one.command(text))[-1].startswith(b"BAD ")


async def test_names_of_what_is_subscribed() -> None:
    rig = Rig()
    async with rig.client() as one, rig.client() as other:
        await other.ok("CREATE a")
        await other.ok("CREATE b")
        await other.ok("SUBSCRIBE a")
        await one.ok("NOTIFY SET (subscribed (MailboxName))")
        await other.ok("DELETE b")
        await other.ok("RENAME a c")
        assert await heard(one, 1) == [
            '* LIST (\\HasNoChildren \\Subscribed) "/" c ("OLDNAME" (a))'
        ]
        await quiet(one)


async def test_a_mailbox_above_is_affected_if_it_is_watched() -> None:
    rig = Rig()
    async with rig.client() as one, rig.client() as other:
        await other.ok("CREATE a")
        await one.ok("NOTIFY SET (mailboxes a (MailboxName))")
        await other.ok("CREATE a/b")
        assert await heard(one, 1) == ['* LIST (\\HasChildren) "/" a']
        await one.ok("NOTIFY SET (mailboxes a/b (MailboxName))")
        await other.ok("DELETE a/b")
        assert await heard(one, 1) == [
            '* LIST (\\NonExistent \\Noselect \\HasNoChildren) "/" "a/b"'
        ]
        await quiet(one)


ALL_EVENTS = f"{BOTH} FlagChange MailboxName MailboxMetadataChange"


async def test_mailboxes_of_others() -> None:
    rig = Rig(people=FakePeople())
    shared = f"Other Users/{USER}/news"
    async with rig.client() as owner, rig.client(user=BOB) as one:
        await owner.ok("CREATE news")
        await owner.ok("CREATE secret")
        await owner.ok(f"SETACL news {BOB} lr")
        told = await one.ok(f'NOTIFY SET STATUS (subtree "Other Users" ({ALL_EVENTS}))')
        assert [line.partition(b" (MESSAGES")[0] for line in told] == [
            f'* STATUS "{shared}"'.encode()
        ]
        await rig.put([letter()], "news")
        await rig.put([letter()], "secret")
        status = f'* STATUS "{shared}" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY _)'
        assert await heard(one, 1) == [status]
        await owner.ok('SETMETADATA news (/shared/comment "x" /private/comment "y")')
        assert await heard(one, 1) == [f'* METADATA "{shared}" /shared/comment']
        await owner.ok('SETMETADATA secret (/shared/comment "x")')
        await owner.ok("RENAME secret hidden")
        await quiet(one)
        await owner.ok("RENAME news old")
        old = f'* LIST (\\HasNoChildren) "/" "Other Users/{USER}/old"'
        assert await heard(one, 1) == [f'{old} ("OLDNAME" ("{shared}"))']
        await owner.ok("RENAME old news")
        await heard(one, 1)
        # RFC 5465 §5.4: rights that come and go are mailboxes that do.
        await owner.ok(f"SETACL hidden {BOB} lr")
        hidden = f'"Other Users/{USER}/hidden"'
        assert await heard(one, 1) == [f'* LIST (\\HasNoChildren) "/" {hidden}']
        await owner.ok(f"DELETEACL hidden {BOB}")
        gone = "\\NoAccess \\NonExistent \\Noselect \\HasNoChildren"
        assert await heard(one, 1) == [f'* LIST ({gone}) "/" {hidden}']
        await rig.put([letter()], "hidden")
        await quiet(one)
        # §5.9: it is watched again.
        await owner.ok(f"SETACL hidden {BOB} lr")
        assert await heard(one, 1) == [f'* LIST (\\HasNoChildren) "/" {hidden}']
        await rig.put([letter()], "hidden")
        assert (await heard(one, 1))[0].startswith(f"* STATUS {hidden} (MESSAGES 3 ")
        await owner.ok("DELETE hidden")
        gone = "\\NonExistent \\Noselect \\HasNoChildren"
        assert await heard(one, 1) == [f'* LIST ({gone}) "/" {hidden}']


async def test_mailboxes_of_others_that_cannot_be_read() -> None:
    rig = Rig(people=FakePeople())
    shared = f"Other Users/{USER}/news"
    async with rig.client() as owner, rig.client(user=BOB) as one:
        await owner.ok("CREATE news")
        await owner.ok(f"SETACL news {BOB} l")
        wanted = f'NOTIFY SET (mailboxes ("{shared}" "{shared}/x") ({BOTH}))'
        told = f'* LIST (\\NoAccess \\HasNoChildren) "/" "{shared}"'
        assert await one.ok(wanted) == [told.encode()]
        await rig.put([letter()], "news")
        await quiet(one)
        await owner.ok(f"SETACL news {BOB} lr")
        assert await heard(one, 1) == [f'* LIST (\\HasNoChildren) "/" "{shared}"']
        await owner.ok(f"SETACL news {BOB} l")
        assert await heard(one, 1) == [told]
        # What is selected is not told of twice; personal is what one's own is.
        await owner.ok(f"SETACL news {BOB} lr")
        await heard(one, 1)
        await one.ok(f'SELECT "{shared}"')
        await rig.put([letter()], "news")
        await quiet(one)
        await one.ok("UNSELECT")
        await one.ok(f"NOTIFY SET (personal ({BOTH} MailboxName))")
        await rig.put([letter()], "news")
        await owner.ok(f"DELETEACL news {BOB}")
        await quiet(one)


async def test_subscribed_mailboxes_of_others() -> None:
    rig = Rig(people=FakePeople())
    async with rig.client() as owner, rig.client(user=BOB) as one:
        for name in ("a", "b"):
            await owner.ok(f"CREATE {name}")
            await owner.ok(f"SETACL {name} {BOB} lr")
        await one.ok(f'SUBSCRIBE "Other Users/{USER}/a"')
        await one.ok(f"NOTIFY SET (subscribed ({BOTH}))")
        await rig.put([letter()], "b")
        await rig.put([letter()], "a")
        told = f'* STATUS "Other Users/{USER}/a" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY _)'
        assert await heard(one, 1) == [told]
        await quiet(one)


async def test_a_client_that_knows_of_uids_alone() -> None:
    rig = Rig()
    await rig.put([letter(), letter()])
    async with rig.client(enable="UIDONLY") as one, rig.client("INBOX") as other:
        await one.ok("SELECT INBOX")
        await one.ok(
            f"NOTIFY SET (selected ({BOTH.replace(' ', ' (FLAGS) ')} FlagChange))"
        )
        await one.ok("UID SEARCH RETURN (SAVE UPDATE) UNSEEN")
        await other.ok("STORE 1 +FLAGS (\\Deleted)")
        assert await heard(one, 1) == ["* 1 UIDFETCH (FLAGS (\\Deleted))"]
        await other.ok("EXPUNGE")
        # RFC 9586 §3.4; RFC 5182 §2.1: what is gone is not in $ any more.
        assert await heard(one, 2) == [
            '* ESEARCH (TAG "t5") UID REMOVEFROM (0 1)',
            "* VANISHED 1",
        ]
        (found,) = await one.ok("UID SEARCH UID $")
        assert found == b"* SEARCH 2"
        await rig.put([letter()])
        assert await heard(one, 4) == [
            "* 2 EXISTS",
            "* 1 RECENT",
            '* ESEARCH (TAG "t5") UID ADDTO (0 3)',
            "* 3 UIDFETCH (FLAGS (\\Recent))",
        ]


async def test_own_deeds_hide_nothing_of_others() -> None:
    rig = Rig()
    async with rig.client() as one, rig.client() as other:
        await one.ok("CREATE a/b")
        await one.ok("NOTIFY SET (personal (MailboxName SubscriptionChange))")
        for command in ("RENAME a c", "SUBSCRIBE c", "CREATE d/e", "DELETE d/e"):
            assert await one.ok(command) == []
        await other.ok("CREATE c2")
        assert await heard(one, 1) == ['* LIST (\\HasNoChildren) "/" c2']
        one.stream.send(b"i IDLE\r\n")
        await one.read_line()
        await other.ok("SUBSCRIBE c2")
        told = '* LIST (\\HasNoChildren \\Subscribed) "/" c2'
        assert await heard(one, 1) == [told]
        one.stream.send(b"DONE\r\n")
        assert (await one.read_line()).startswith(b"i OK")
        await other.ok("CREATE f")
        assert await heard(one, 1) == ['* LIST (\\HasNoChildren) "/" f']
