from pabal.store.limits import NO_LIMITS, Limits
from pabal.store.ports import MailboxInfo

BOXES = [
    MailboxInfo(1, "INBOX", "", True, 1, 1, 1, message_count=2, size_octets=200),
    MailboxInfo(2, "Sent", "", True, 1, 1, 1, message_count=1, size_octets=100),
]


def test_a_limit_may_be_reached() -> None:
    assert Limits(300, 3).allow(300, 3)
    assert not Limits(300, 3).allow(301, 3)
    assert not Limits(300, 3).allow(300, 4)
    assert NO_LIMITS.allow(1 << 60, 1 << 40)
    assert Limits(octets=300).allow(300, 1 << 40)


def test_all_mailboxes_count_and_what_is_exchanged() -> None:
    assert Limits(400, 5).have_room(BOXES, [50, 50])
    assert not Limits(399, 5).have_room(BOXES, [50, 50])
    assert not Limits(400, 4).have_room(BOXES, [50, 50])
    assert Limits(350, 3).have_room(BOXES, [150], [100])
    assert not Limits(349, 3).have_room(BOXES, [150], [100])
    assert NO_LIMITS.have_room(BOXES, [1 << 60])
