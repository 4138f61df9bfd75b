import email
import email.policy
from dataclasses import replace

import pytest

from pabal.message.address import Mailbox
from pabal.mta.notification import (
    Identification,
    Report,
    Subject,
    build_notification,
)
from pabal.smtp.envelope import Recipient
from pabal.smtp.outcome import Outcome, delivered, permanent, temporary

MINE = Identification("mail.here.test", "n1", 1_700_000_000.0)
ABOUT = Subject(
    Mailbox.parse("you@here.test"), 1_700_000_000.0, "", international=False, whole=True
)
REFUSED = permanent(50, "1.1", "no such user")
ORIGINAL = b"Subject: x\r\n\r\nhello\r\n"


def report(address: str, outcome: Outcome = REFUSED, host: str = "mx.test") -> Report:
    return Report(Recipient(Mailbox.parse(address)), outcome, host)


def built(about: Subject, *reports: Report) -> bytes:
    before, after = build_notification(MINE, about, reports)
    return before + ORIGINAL + after


def test_its_parts_are_those_of_rfc_6522() -> None:
    octets = built(ABOUT, report("a@far.test"))
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["To"] == "you@here.test"
    assert message["Auto-Submitted"] == "auto-replied"
    words, status, original = message.iter_parts()
    assert "a@far.test>: failed" in words.get_content()
    assert "전달하지 못했습니다" in words.get_content()
    assert status.get_content_type() == "message/delivery-status"
    assert original.get_content_type() == "message/rfc822"
    assert b"\r\n\r\nhello\r\n\r\n--=_pabal_n1--\r\n" in octets
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    assert b"\n" not in octets.replace(b"\r\n", b"")


def test_the_fields_for_programs() -> None:
    octets = built(replace(ABOUT, envelope_id="e1"), report("a@far.test"))
    assert (
        b"Original-Envelope-Id: e1\r\nReporting-MTA: dns; mail.here.test\r\n"
        b"Arrival-Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\n"
        b"Final-Recipient: rfc822; a@far.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        b"Remote-MTA: dns; mx.test\r\n"
        b"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
    ) in octets


def test_only_what_a_server_said_is_of_type_smtp() -> None:
    own = built(ABOUT, report("a@no.test", permanent(50, "1.2", "no domain"), ""))
    assert b"Remote-MTA" not in own
    assert b"Diagnostic-Code: x-pabal; 550 5.1.2 no domain\r\n" in own
    late = replace(
        report("a@far.test", permanent(51, "4.7", "5 days; last: 451 4.7.1 later")),
        said="451 4.7.1 later",
    )
    octets = built(ABOUT, late)
    assert b"Status: 5.4.7\r\nRemote-MTA: dns; mx.test\r\n" in octets
    assert b"Diagnostic-Code: smtp; 451 4.7.1 later\r\n" in octets
    assert b"said: 551" not in octets


def test_beyond_ascii_by_rfc_6533() -> None:
    who = report("받는@far.test")
    plain = built(ABOUT, who)
    assert b"Final-Recipient: utf-8; \\x{BC1B}\\x{B294}@far.test\r\n" in plain
    wide = built(replace(ABOUT, international=True), who)
    assert "Final-Recipient: utf-8; 받는@far.test\r\n".encode() in wide
    assert b"message/global-delivery-status" in wide
    assert b"message/global\r\n" in wide
    only_header = replace(ABOUT, international=True, whole=False)
    assert b"message/global-headers" in built(only_header, who)


def test_other_actions() -> None:
    good = built(ABOUT, report("a@far.test", delivered("in the mailbox"), ""))
    assert b"Action: delivered\r\nStatus: 2.0.0\r\n\r\n" in good
    assert b"Subject: Your message was delivered\r\n" in good
    assert "전달하지".encode() not in good
    late = built(ABOUT, report("a@far.test", temporary(51, "4.1", "down")))
    assert b"Action: delayed\r\n" in late


@pytest.mark.parametrize("text", ["x\r\nTo: evil@evil.test", "y" * 5000, "오류" * 900])
def test_replies_forge_nothing(text: str) -> None:
    octets = built(ABOUT, report("a@far.test", permanent(50, "1.1", text)))
    assert b"\r\nTo: evil" not in octets
    header = octets.partition(b"message/delivery-status")[2]
    status = header.partition(b"--=_pabal")[0]
    assert status.isascii()
    assert all(len(line) <= 998 for line in status.split(b"\r\n"))
