"""Mailboxes shared between accounts: what the right to each thing lets one do."""

import pytest

from pabal.store.flags import DELETED, SEEN
from pabal.store.limits import Limits
from tests.imap.rig import BOB, CAROL, USER, Client, FakePeople, Rig, letter

SHARED = f'"Other Users/{USER}/Box"'
NOPERM = b"NO [NOPERM] You may not do that here"
UNKNOWN = b"NO [NONEXISTENT] There is no such mailbox"


@pytest.fixture
def rig() -> Rig:
    return Rig(people=FakePeople())


async def share(
    rig: Rig, rights: str, *, whom: str = BOB, mailbox: str = "Box"
) -> None:
    """Let ``whom`` do things with a mailbox of the first account, made if missing."""
    async with rig.client() as owner:
        await owner.command(f"CREATE {mailbox}")
        await owner.ok(f"SETACL {mailbox} {whom} {rights}")


async def ids(rig: Rig) -> None:
    """Let email and mailbox ids of the two accounts differ."""
    async with rig.client(user=BOB) as bob:
        for _ in range(3):
            await bob.ok(b"APPEND INBOX {5+}\r\nother")
        await bob.ok("CREATE own")


async def last(client: Client, command: str) -> bytes:
    return (await client.command(command))[-1]


async def test_a_mailbox_is_seen_by_whom_it_is_shared_with(rig: Rig) -> None:
    await share(rig, "lr")
    async with rig.client(user=BOB) as bob, rig.client(user=CAROL) as carol:
        namespace = await bob.ok("NAMESPACE")
        assert namespace == [b'* NAMESPACE (("" "/")) (("Other Users/" "/")) NIL']
        listed = await bob.ok('LIST "" *')
        assert (
            b'* LIST (\\HasNoChildren) "/" "Other Users/user@example.com/Box"' in listed
        )
        assert not any(b"INBOX" in line for line in listed if b"Other" in line)
        assert (await bob.ok(f"MYRIGHTS {SHARED}")) == [
            b'* MYRIGHTS "Other Users/user@example.com/Box" lr'
        ]
        assert len(await carol.ok('LIST "" *')) == 1
        assert await last(carol, f"SELECT {SHARED}") == UNKNOWN
        assert await last(carol, f"MYRIGHTS {SHARED}") == UNKNOWN
        assert await last(bob, f'SELECT "Other Users/{USER}/INBOX"') == UNKNOWN


async def test_without_people_nothing_is_shared() -> None:
    rig = Rig()
    async with rig.client() as client:
        (capability,) = await client.ok("CAPABILITY")
        assert b"ACL" not in capability.split()
        for command in ("GETACL INBOX", "MYRIGHTS INBOX", f"SETACL INBOX {BOB} l"):
            assert (await last(client, command)).startswith(b"BAD")
        assert await client.ok("NAMESPACE") == [b'* NAMESPACE (("" "/")) NIL NIL']


async def test_everything_about_messages_is_the_owner_s(rig: Rig) -> None:
    await ids(rig)
    await share(rig, "lrswite")
    await rig.put([letter("first"), letter("second", "needle\r\n")], "Box")
    async with rig.client(SHARED, user=BOB) as bob:
        subjects = await bob.ok("FETCH 1:* (ENVELOPE)")
        assert b"first" in subjects[0]
        assert b"second" in subjects[1]
        assert await bob.ok("SEARCH BODY needle") == [b"* SEARCH 2"]
        assert await bob.ok("SORT (REVERSE SUBJECT) UTF-8 ALL") == [b"* SORT 2 1"]
        assert (await bob.ok("THREAD REFERENCES UTF-8 ALL")) == [b"* THREAD (1)(2)"]
        assert b"needle" in (await bob.ok("FETCH 2 (BODY[TEXT])"))[0]
        await bob.ok("STORE 1 +FLAGS (\\Deleted $Work)")
        (status,) = await bob.ok(f"STATUS {SHARED} (MESSAGES UNSEEN DELETED-STORAGE)")
        assert b"MESSAGES 2 UNSEEN 1 DELETED-STORAGE 159" in status
        assert await bob.ok("EXPUNGE") == [b"* 1 EXPUNGE"]
        await bob.ok("CLOSE")
    assert rig.fetched == [(1, [2])]
    account = await rig.account()
    view = await account.view((await account.mailbox("Box")).id)
    assert [account.flags_of(one) for one in view.flags] == [{SEEN}]
    view.close()


@pytest.mark.parametrize(
    ("rights", "command", "allowed"),
    [
        ("l", "SELECT {0}", False),
        ("r", "SELECT {0}", True),
        ("lr", "STATUS {0} (MESSAGES)", True),
        ("l", "STATUS {0} (MESSAGES)", False),
        ("l", "GETACL {0}", False),
        ("la", "GETACL {0}", True),
        ("l", "LISTRIGHTS {0} anyone", False),
        ("la", "LISTRIGHTS {0} anyone", True),
        ("lrswipkxte", "SETACL {0} anyone l", False),
        ("la", "SETACL {0} anyone l", True),
        ("l", "DELETEACL {0} anyone", False),
        ("la", "DELETEACL {0} anyone", True),
        ("l", "CREATE {1}/below", False),
        ("lk", "CREATE {1}/below", True),
        ("lk", "CREATE {1}/below (USE (\\Sent))", False),
        ("lrswipkte", "DELETE {0}", False),
        ("lx", "DELETE {0}", True),
        ("lk", "RENAME {0} {1}/below", False),
        ("lxk", "RENAME {0} {1}x", False),
        ("lx", "RENAME {0} mine", False),
        ("lr", "GETQUOTAROOT {0}", True),
        ("l", "GETQUOTAROOT {0}", False),
        ("lr", "GETMETADATA {0} /shared/comment", True),
        ("l", "GETMETADATA {0} /shared/comment", False),
        ("lrw", 'SETMETADATA {0} (/shared/comment "x")', True),
        ("lr", 'SETMETADATA {0} (/shared/comment "x")', False),
        ("lrw", 'SETMETADATA {0} (/private/comment "x")', False),
        ("l", "SUBSCRIBE {0}", True),
    ],
)
async def test_commands_need_rights(
    rig: Rig, rights: str, command: str, allowed: bool
) -> None:
    await share(rig, rights)
    async with rig.client(user=BOB) as bob:
        text = command.replace("{0}", SHARED).replace("{1}/below", SHARED[:-1] + '/b"')
        answer = await last(bob, text.replace("{1}x", SHARED[:-1] + 'x"'))
        assert answer.startswith(b"OK" if allowed else b"NO"), answer


@pytest.mark.parametrize(
    ("rights", "command", "allowed"),
    [
        ("r", "STORE 1 +FLAGS (\\Seen)", False),
        ("rs", "STORE 1 +FLAGS (\\Seen)", True),
        ("rs", "STORE 1 +FLAGS (\\Deleted)", False),
        ("rt", "STORE 1 +FLAGS (\\Deleted)", True),
        ("rs", "STORE 1 FLAGS ($Work)", True),
        ("rw", "STORE 1 -FLAGS ($Work)", True),
        ("rst", "EXPUNGE", False),
        ("re", "EXPUNGE", True),
        ("re", "UID EXPUNGE 1", True),
        ("re", "MOVE 1 own", False),
        ("rte", "MOVE 1 own", True),
        ("r", "COPY 1 own", True),
        ("r", "COPY 1 {0}", False),
        ("ri", "COPY 1 {0}", True),
        ("rie", "REPLACE 1 {0} {5+}\r\nother", False),
        ("rite", "REPLACE 1 {0} {5+}\r\nother", True),
    ],
)
async def test_what_is_selected_needs_rights(
    rig: Rig, rights: str, command: str, allowed: bool
) -> None:
    await ids(rig)
    await share(rig, rights)
    await rig.put([letter()], "Box")
    async with rig.client(SHARED, user=BOB) as bob:
        answer = await last(bob, command.replace("{0}", SHARED))
        assert answer.startswith(b"OK" if allowed else b"NO"), answer


@pytest.mark.parametrize(
    ("rights", "mode", "permanent"),
    [
        ("lr", b"READ-ONLY", b"()"),
        ("lri", b"READ-WRITE", b"()"),
        ("lrs", b"READ-WRITE", b"(\\Seen)"),
        ("lrst", b"READ-WRITE", b"(\\Deleted \\Seen)"),
        ("lrw", b"READ-WRITE", b"(\\Answered \\Flagged \\Draft \\*)"),
    ],
)
async def test_flags_that_can_be_kept(
    rig: Rig, rights: str, mode: bytes, permanent: bytes
) -> None:
    await share(rig, rights)
    async with rig.client(user=BOB) as bob:
        lines = await bob.command(f"SELECT {SHARED}")
        assert lines[-1].startswith(b"OK [" + mode)
        assert any(b"[PERMANENTFLAGS " + permanent in line for line in lines)


async def test_flags_stay_that_may_not_be_changed(rig: Rig) -> None:
    await share(rig, "rs")
    await rig.put([letter()], "Box", frozenset((DELETED, "$Work")))
    async with rig.client(SHARED, user=BOB) as bob:
        (told,) = await bob.ok("STORE 1 FLAGS (\\Seen \\Flagged)")
        assert told == b"* 1 FETCH (FLAGS (\\Deleted \\Seen $Work \\Recent))"
        (told,) = await bob.ok("STORE 1 FLAGS ()")
        assert told == b"* 1 FETCH (FLAGS (\\Deleted $Work \\Recent))"


async def test_reading_marks_only_where_it_may(rig: Rig) -> None:
    await share(rig, "lrw")
    await rig.put([letter()], "Box")
    async with rig.client(SHARED, user=BOB) as bob:
        assert b"\\Seen" not in (await bob.ok("FETCH 1 (BODY[] FLAGS)"))[0]
    await share(rig, "lrs")
    async with rig.client(SHARED, user=BOB) as bob:
        assert b"\\Seen" in (await bob.ok("FETCH 1 (BODY[] FLAGS)"))[0]


async def test_a_close_without_the_right_expunges_nothing(rig: Rig) -> None:
    await share(rig, "lrt")
    await rig.put([letter()], "Box", frozenset((DELETED,)))
    async with rig.client(SHARED, user=BOB) as bob:
        await bob.ok("CLOSE")
        (status,) = await bob.ok(f"STATUS {SHARED} (MESSAGES)")
        assert b"MESSAGES 1" in status


async def test_flags_are_left_behind(rig: Rig) -> None:
    await share(rig, "lris")
    async with rig.client(user=BOB) as bob:
        for target in (SHARED, "INBOX"):
            text = f"APPEND {target} (\\Seen \\Flagged \\Deleted $Work) {{5+}}\r\nabcde"
            await bob.ok(text)
        await bob.ok(f"SELECT {SHARED}")
        assert await bob.ok("FETCH 1 FLAGS") == [b"* 1 FETCH (FLAGS (\\Seen \\Recent))"]
        await bob.ok("SELECT INBOX")
        copied = (await bob.command(f"COPY 1 {SHARED}"))[-1]
        assert b"COPYUID" in copied
        await bob.ok(f"EXAMINE {SHARED}")
        flags = await bob.ok("FETCH 2 (FLAGS RFC822.SIZE)")
        assert flags == [b"* 2 FETCH (FLAGS (\\Seen \\Recent) RFC822.SIZE 5)"]


async def test_copies_within_somebody_s_mailboxes_leave_flags_too(rig: Rig) -> None:
    await share(rig, "lrste")
    await share(rig, "lri", mailbox="Other")
    await rig.put([letter(), letter()], "Box", frozenset((SEEN, "$Work")))
    other = SHARED.replace("Box", "Other")
    async with rig.client(SHARED, user=BOB) as bob:
        await bob.ok(f"COPY 1 {other}")
        await bob.ok(f"MOVE 2 {other}")
        await bob.ok(f"EXAMINE {other}")
        for line in await bob.ok("FETCH 1:2 FLAGS"):
            assert b"\\Seen" not in line
            assert b"$Work" not in line


async def test_messages_travel_between_accounts(rig: Rig) -> None:
    await ids(rig)
    await share(rig, "lrte")
    await rig.put([letter(str(n), "x" * 300_000 * (n == 2)) for n in range(150)], "Box")
    async with rig.client(SHARED, user=BOB) as bob:
        lines = await bob.command("MOVE 1:149 own")
        assert b"COPYUID" in lines[0]
        assert b"1:149 1:149" in lines[0]
        assert len(lines) == 2 + 149
        await bob.ok("SELECT own")
        sizes = await bob.ok(
            "FETCH 1:3 (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
        )
        assert [b"Subject: %d\r\n" % n in line for n, line in enumerate(sizes)]
        assert b"RFC822.SIZE 300" in sizes[2]
        (status,) = await bob.ok(f"STATUS {SHARED} (MESSAGES)")
        assert b"MESSAGES 1" in status


async def test_the_owner_s_quota_counts(rig: Rig) -> None:
    rig.limits[1] = Limits(messages=1)
    await share(rig, "lri")
    async with rig.client(user=BOB) as bob:
        await bob.ok("APPEND INBOX {5+}\r\nother")
        await bob.ok("APPEND INBOX {5+}\r\nother")
        await bob.ok("SELECT INBOX")
        assert (await last(bob, f"COPY 1:2 {SHARED}")).startswith(b"NO [OVERQUOTA]")
        await bob.ok(f"COPY 1 {SHARED}")
        full = await last(bob, f"APPEND {SHARED} {{5+}}\r\nother")
        assert full.startswith(b"NO [OVERQUOTA]")


async def test_both_see_what_the_other_does(rig: Rig) -> None:
    await share(rig, "lrswite")
    async with rig.client("Box") as owner, rig.client(SHARED, user=BOB) as bob:
        await owner.ok("APPEND Box {5+}\r\nhello")
        assert b"* 1 EXISTS" in await bob.ok("NOOP")
        await bob.ok("STORE 1 +FLAGS (\\Flagged)")
        assert any(b"\\Flagged" in line for line in await owner.ok("NOOP"))
        await owner.ok("STORE 1 +FLAGS (\\Deleted)")
        await owner.ok("EXPUNGE")
        assert b"* 1 EXPUNGE" in await bob.ok("NOOP")


async def test_changed_rights_reach_who_has_it_selected(rig: Rig) -> None:
    await share(rig, "lrsw")
    await rig.put([letter()], "Box")
    async with rig.client() as owner, rig.client(SHARED, user=BOB) as bob:
        await bob.ok("STORE 1 +FLAGS (\\Flagged)")
        await owner.ok(f"SETACL Box {BOB} -w")
        lines = await bob.command("STORE 1 +FLAGS ($Work)")
        assert any(b"[PERMANENTFLAGS (\\Seen)]" in line for line in lines)
        assert lines[-1] == NOPERM
        bob.stream.send(b"i IDLE\r\n")
        assert await bob.read_line() == b"+ idling"
        await owner.ok(f"SETACL Box {BOB} +t")
        assert (await bob.read_line()).startswith(b"* FLAGS")
        assert b"(\\Deleted \\Seen)" in await bob.read_line()
        await owner.ok(f"DELETEACL Box {BOB}")
        assert (await bob.read_line()).startswith(b"* BYE")


async def test_who_may_not_read_any_more_is_told_nothing(rig: Rig) -> None:
    await share(rig, "lr")
    await rig.put([letter()], "Box")
    async with rig.client() as owner, rig.client(SHARED, user=BOB) as bob:
        await owner.ok(f"SETACL Box {BOB} l")
        lines = await bob.command("FETCH 1 BODY[]")
        assert lines[-1] == NOPERM
        assert len(lines) == 1
        assert (await bob.read_line()).startswith(b"* BYE")


async def test_the_owner_s_own_rights_stay(rig: Rig) -> None:
    async with rig.client("INBOX") as owner:
        assert await owner.ok("MYRIGHTS INBOX") == [b"* MYRIGHTS INBOX lrswipkxteacd"]
        await owner.ok(f"SETACL INBOX {USER} lrswipkxtea")
        assert (await last(owner, f"SETACL INBOX {USER} lr")).startswith(b"NO [CANNOT]")
        assert (await last(owner, f"DELETEACL INBOX {USER}")).startswith(b"NO [CANNOT]")
        assert (await last(owner, f"SETACL INBOX -{USER} w")).startswith(b"NO [CANNOT]")
        await owner.ok(f"SETACL INBOX {BOB} l")
        assert len(await owner.command("NOOP")) == 1


async def test_new_mailboxes_inherit(rig: Rig) -> None:
    await share(rig, "lrk")
    async with rig.client(user=BOB) as bob, rig.client() as owner:
        await bob.ok(f'CREATE {SHARED[:-1]}/a/b"')
        await owner.ok("CREATE Box/c")
        listed = b" ".join(await bob.ok('LIST "" *'))
        for name in (b"Box/a", b"Box/a/b", b"Box/c"):
            assert b'/%b"' % name in listed
        (told,) = await owner.ok("GETACL Box/a/b")
        assert told.endswith(b'"bob@example.com" lrkc')
        await bob.ok(f'MYRIGHTS {SHARED[:-1]}/a/b"')


async def test_renaming_needs_both(rig: Rig) -> None:
    await share(rig, "lk")
    await share(rig, "lx", mailbox="Old")
    old = SHARED.replace("Box", "Old")
    async with rig.client(user=BOB) as bob:
        await bob.ok(f'RENAME {old} {SHARED[:-1]}/New"')
        assert (await last(bob, f"RENAME {SHARED} mine")).startswith(b"NO")
    assert [one.name for one in await (await rig.account()).mailboxes()] == [
        *("Box", "Box/New", "INBOX"),
    ]


async def test_inbox_can_be_shared_and_stays(rig: Rig) -> None:
    await share(rig, "lrkx", mailbox="INBOX")
    inbox = SHARED.replace("Box", "inbox")
    async with rig.client(inbox, user=BOB) as bob:
        for command in (f"DELETE {inbox}", f'RENAME {inbox} {inbox[:-1]}/x"'):
            assert (await last(bob, command)) == b"NO [CANNOT] INBOX stays"


async def test_subscriptions_of_shared_mailboxes(rig: Rig) -> None:
    await share(rig, "lr")
    async with rig.client(user=BOB) as bob:
        await bob.ok(f"SUBSCRIBE {SHARED}")
        (_, told) = await bob.ok('LIST (SUBSCRIBED) "" *')
        assert told == (
            b'* LIST (\\HasNoChildren \\Subscribed) "/" '
            b'"Other Users/user@example.com/Box"'
        )
        assert len(await bob.ok('LSUB "" *')) == 2
        both = await bob.ok('LIST "" "Other Users/%/%" RETURN (SUBSCRIBED MYRIGHTS)')
        assert both[1] == b'* MYRIGHTS "Other Users/user@example.com/Box" lr'
        await bob.ok(f"UNSUBSCRIBE {SHARED}")
        assert len(await bob.ok('LIST (SUBSCRIBED) "" *')) == 1


async def test_lists_tell_no_more_than_one_may_know(rig: Rig) -> None:
    await share(rig, "l")
    async with rig.client() as owner:
        await owner.ok(
            'SETMETADATA Box (/private/comment "mine" /shared/comment "all")'
        )
        await owner.ok("CREATE Sent (USE (\\Sent))")
        await owner.ok(f"SETACL Sent {BOB} lr")
    async with rig.client(user=BOB) as bob:
        told = await bob.ok(
            'LIST "" * RETURN (STATUS (MESSAGES) METADATA (/private/comment))'
        )
        assert not any(b"mine" in line or b"\\Sent" in line for line in told)
        statuses = [line for line in told if line.startswith(b"* STATUS")]
        assert [b"Box" in line for line in statuses] == [False, False]
    await share(rig, "lr")
    async with rig.client(user=BOB) as bob:
        got = await bob.ok(f"GETMETADATA {SHARED} (/private/comment /shared/comment)")
        assert got[0].endswith(b'(/private/comment NIL /shared/comment "all")')


async def test_an_own_mailbox_of_that_name_comes_first(rig: Rig) -> None:
    bob = await rig.store.account(2)
    await bob.create(f"Other Users/{USER}/Box")
    await share(rig, "l")
    async with rig.client(SHARED, user=BOB) as client:
        (mine,) = await client.ok(f"MYRIGHTS {SHARED}")
        assert mine.endswith(b"lrswipkxteacd")


async def test_others_urls_are_not_for_catenate(rig: Rig) -> None:
    await rig.put([letter("secret")], "INBOX")
    await share(rig, "lr")
    async with rig.client(SHARED, user=BOB) as bob:
        answer = await last(bob, 'APPEND INBOX CATENATE (URL "/INBOX/;UID=1")')
        assert answer.startswith(b"NO [BADURL")


async def test_clients_are_not_told_of_entries_by_notify(rig: Rig) -> None:
    async with rig.client() as owner, rig.client() as other:
        await other.ok("NOTIFY SET (personal (MailboxMetadataChange))")
        await owner.ok(f"SETACL INBOX {BOB} l")
        await owner.ok('SETMETADATA INBOX (/shared/comment "x")')
        assert await other.ok("NOOP") == [b"* METADATA INBOX /shared/comment"]


async def test_a_search_of_several_mailboxes_has_the_selected_one(rig: Rig) -> None:
    await share(rig, "lr")
    await rig.put([letter("needle")], "Box")
    async with rig.client(SHARED, user=BOB) as bob:
        await bob.ok(b"APPEND INBOX {5+}\r\nother")
        (told,) = await bob.ok("ESEARCH IN (selected) ALL")
        assert b'MAILBOX "Other Users/user@example.com/Box"' in told
        assert told.endswith(b"UID ALL 1")
        assert len(await bob.ok("ESEARCH IN (selected personal) ALL")) == 2


async def test_messages_are_put_together_from_what_is_shared(rig: Rig) -> None:
    """RFC 4469 §3: whatever the session can read, and nothing else."""
    await share(rig, "lr")
    await share(rig, "l", mailbox="Closed")
    await rig.put([letter("theirs")], "Box")
    await rig.put([letter("closed")], "Closed")
    url = f"/Other%20Users/{USER}/{{}}/;UID=1/;SECTION=TEXT"
    async with rig.client(user=BOB) as bob, rig.client(user=CAROL) as carol:
        append = 'APPEND INBOX CATENATE (URL "{}")'
        await bob.ok(append.format(url.format("Box")))
        for client, name in ((bob, "Closed"), (bob, "INBOX"), (carol, "Box")):
            refused = await last(client, append.format(url.format(name)))
            assert refused.startswith(b"NO [BADURL /Other%20Users/"), name
        await bob.ok(f"SELECT {SHARED}")
        await bob.ok(append.format("Box/;UID=1/;SECTION=TEXT"))
        await bob.ok("SELECT INBOX")
        (first, second) = await bob.ok("FETCH 1:2 BODY.PEEK[]")
        assert b"How are you?" in first
        assert b"How are you?" in second


async def test_a_list_tells_no_entries_of_what_may_only_be_looked_up(rig: Rig) -> None:
    """RFC 5464 §3.3: l alone is not enough; RFC 9590 §3: the LIST is OK."""
    returns = "RETURN (METADATA (/shared/comment) STATUS (MESSAGES))"
    for rights, told in (("l", 1), ("lp", 2), ("lr", 3)):
        await share(rig, rights)
        async with rig.client() as owner:
            await owner.ok('SETMETADATA Box (/shared/comment "theirs")')
        async with rig.client(user=BOB) as bob:
            lines = await bob.ok(f'LIST "" "Other Users/*/Box" {returns}')
            assert len(lines) == told, (rights, lines)


async def test_the_namespace_is_told_in_the_language_too(rig: Rig) -> None:
    """RFC 5255 §3.2, §3.4: in modified UTF-7."""
    async with rig.client() as client:
        plain = b'* NAMESPACE (("" "/")) (("Other Users/" "/")) NIL'
        korean = plain.replace(
            b'Users/" "/"', b'Users/" "/" "TRANSLATION" ("&suS5eA- &wKzGqceQ-/")'
        )
        assert await client.ok("LANGUAGE ko") == [b"* LANGUAGE (ko)", korean]
        assert await client.ok("NAMESPACE") == [korean]
        assert await client.ok("LANGUAGE en") == [b"* LANGUAGE (en)", plain]
