"""What a search finds."""

from collections.abc import Sequence

import pytest

from pabal.store.flags import (
    FLAGGED,
    SEEN,
)
from pabal.store.ports import (
    AccountStore,
    Column,
    MailboxInfo,
    NoSuchMailboxError,
)
from pabal.store.predicate import (
    All,
    Any,
    Contains,
    DateBetween,
    DateField,
    EmailIn,
    Everything,
    HasFlag,
    HeaderContains,
    LargerThan,
    ModifiedSince,
    Not,
    Predicate,
    SmallerThan,
    TextField,
    ThreadIn,
    UidsIn,
)
from tests.store.contract.fixtures import Fixtures
from tests.store.contract.letters import (
    NOW,
    FakeClock,
    add,
    letter,
    put,
)


class SearchContract(Fixtures):
    """Every predicate."""

    @pytest.fixture
    async def filled(
        self, account: AccountStore, inbox: MailboxInfo, clock: FakeClock
    ) -> MailboxInfo:
        await put(account, inbox, letter("회의", "내일 회의를 합니다"))
        await put(account, inbox, letter("Lunch", "noodles"), flags=frozenset({SEEN}))
        clock.at += 86_400
        await put(
            account,
            inbox,
            letter(
                "Re: Lunch", "x" * 2_000, "X-Loop: Yes\r\nCc: carol@example.com\r\n"
            ),
            received_at=NOW + 86_400,
        )
        await put(account, inbox, b"\r\nno header")
        return inbox

    @pytest.mark.parametrize(
        ("predicate", "expected"),
        [
            (Everything(), [1, 2, 3, 4]),
            (HasFlag("\\seen"), [2]),
            (HasFlag("$never"), []),
            (Not(HasFlag(SEEN)), [1, 3, 4]),
            (UidsIn([(2, 3), (4, 900), (50, 60)]), [2, 3, 4]),
            (UidsIn([]), []),
            (LargerThan(1_000), [3]),
            (SmallerThan(1_000), [1, 2, 4]),
            (DateBetween(DateField.RECEIVED, NOW + 1, NOW + 90_000), [3]),
            (DateBetween(DateField.SAVED, NOW + 1, NOW + 90_000), [3, 4]),
            # 23:30 +0900 is the 14th there, whatever UTC says.
            (DateBetween(DateField.SENT, 1_699_920_000, 1_700_006_400), [1, 2, 3]),
            (DateBetween(DateField.SENT, 1_700_006_400, 1_800_000_000), []),
            (Contains(TextField.BODY, "회의"), [1]),
            (Contains(TextField.BODY, "alice"), []),
            (Contains(TextField.TEXT, "ALICE"), [1, 2, 3]),
            (Contains(TextField.SUBJECT, "lunch"), [2, 3]),
            (Contains(TextField.FROM, "Alice@"), [1, 2, 3]),
            (Contains(TextField.TO, "bob"), [1, 2, 3]),
            (Contains(TextField.CC, "carol"), [3]),
            (Contains(TextField.BCC, "carol"), []),
            (HeaderContains("x-loop", ""), [3]),
            (HeaderContains("X-Loop", "yes"), [3]),
            (HeaderContains("X-Loop", "no"), []),
            (All([Not(HasFlag(SEEN)), Contains(TextField.SUBJECT, "lunch")]), [3]),
            (Any([HasFlag(SEEN), LargerThan(1_000)]), [2, 3]),
            (All([]), [1, 2, 3, 4]),
            (Any([]), []),
            (Not(All([Everything(), UidsIn([(1, 3)])])), [4]),
            (ThreadIn(frozenset({999})), []),
        ],
    )
    async def test_search(
        self,
        account: AccountStore,
        filled: MailboxInfo,
        predicate: Predicate,
        expected: Sequence[int],
    ) -> None:
        assert list(await account.search(filled.id, predicate)) == expected

    async def test_search_by_ids(
        self, account: AccountStore, filled: MailboxInfo
    ) -> None:
        view = await account.view(filled.id)
        await account.set_flags(filled.id, [1], add(FLAGGED))
        found = await account.search(filled.id, ModifiedSince(account.highest_modseq))
        assert list(found) == [1]
        found = await account.search(filled.id, EmailIn(frozenset({view.emails[2]})))
        assert list(found) == [3]
        rows = await account.read([view.emails[1]], [Column.THREAD])
        thread = rows[0][0] if rows[0] else None
        assert isinstance(thread, int)
        found = await account.search(filled.id, ThreadIn(frozenset({thread})))
        assert 2 in found
        with pytest.raises(NoSuchMailboxError):
            await account.search(999, Everything())

    async def test_search_an_empty_mailbox(
        self, account: AccountStore, inbox: MailboxInfo
    ) -> None:
        assert list(await account.search(inbox.id, Everything())) == []
        assert list(await account.search(inbox.id, Not(HasFlag(SEEN)))) == []
