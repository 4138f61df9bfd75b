"""What changed in a signed zone, written by one and applied by others."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pabal.dns.dnssec.keys import generate
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.signedlog import (
    CHANGES,
    EARLIER,
    ENTRY,
    Base,
    Delta,
    Mark,
    SignedLog,
    SignedLogError,
    applied,
    decode,
    delta_of,
)
from pabal.dns.zone.signing import Last, sign_served
from pabal.dns.zone.tree import Zone, changed
from tests.dns.zone.test_signing import NOW, TEXT, plan
from tests.support.zones import octets, zone

BASE = Base(1000, 77)
BEGIN = Mark.of(BASE)
ONE, TWO, THREE = (
    Delta([], {b"\x01a\x00": b"%d" % number}, {}).encode() for number in range(3)
)


def versions(*, nsec3: bool = False) -> list[Zone]:
    """Return versions of a signed zone: a name comes, another goes, one is respelt."""
    how, own = plan(generate(), nsec3=nsec3), zone(TEXT)
    new, mail = octets("new.example.com."), octets("mail.example.com.")
    spelt = octets("NEW.example.com.")
    address = RRset(new, codes.A, 60, (b"\x7f\x00\x00\x01",))
    owners = [
        own,
        own := changed(own, {new: {codes.A: address}}, frozenset()),
        own := changed(own, {mail: {}}, frozenset()),
        changed(
            own, {new: {codes.A: replace(address, owner=spelt, ttl_s=9)}}, frozenset()
        ),
    ]
    made: list[Zone] = []
    for number, each in enumerate(owners):
        before = made[-1] if made else None
        last = Last(None if before is None else before.serial)
        made.append(sign_served(each, before, how, NOW + number, last).zone)
    return made


def octets_of_change(old: Zone, new: Zone) -> bytes:
    delta = delta_of(old, new)
    assert delta is not None
    octets_ = b"".join(delta.encode())
    assert delta_of(old, new, len(octets_) - 3 * ENTRY.size) == delta
    assert delta_of(old, new, len(octets_) - 3 * ENTRY.size - 1) is None
    return octets_


@pytest.mark.parametrize("nsec3", [False, True])
def test_a_change_leads_from_one_version_to_the_next(*, nsec3: bool) -> None:
    first, *others = versions(nsec3=nsec3)
    deltas = [
        decode(octets_of_change(old, new))
        for old, new in zip([first, *others], others, strict=False)
    ]
    zones = [applied(first, deltas[: count + 1]) for count in range(len(deltas))]
    for made, new in zip(zones, others, strict=True):
        assert made.nodes.packed == new.nodes.packed
        assert made.nodes.written == new.nodes.written
        assert (made.soa, made.apex) == (new.soa, new.apex)
        assert made.denial is not None
        assert new.denial is not None
        assert list(made.denial.order) == list(new.denial.order)
    assert applied(first, []) is first
    assert zones[-1].nodes.letters(octets("new.example.com.")) == octets(
        "NEW.example.com."
    )


def test_each_goes_on_from_where_it_is(tmp_path: Path) -> None:
    log = SignedLog(tmp_path)
    assert log.follow(BEGIN) == ([], BEGIN)
    marks = [BEGIN]
    for delta in (ONE, TWO, THREE):
        marks.append(log.append(marks[-1], delta))
    for number, mark in enumerate(marks):
        deltas, after = log.follow(mark)
        assert [each.encode() for each in deltas] == [ONE, TWO, THREE][number:]
        assert after == marks[-1]
    assert (tmp_path / CHANGES).stat().st_mode & 0o777 == 0o600


def test_who_knows_another_history_finds_nothing(tmp_path: Path) -> None:
    log = SignedLog(tmp_path)
    mark = log.append(BEGIN, ONE)
    for other in (
        Mark.of(Base(1000, 78)),
        replace(mark, check=1),
        replace(mark, offset=mark.offset + 1),
    ):
        assert log.follow(other) == ([], other)
        with pytest.raises(SignedLogError):
            log.append(replace(other, offset=mark.offset + 1), TWO)


def test_what_is_half_written_is_not_there(tmp_path: Path) -> None:
    log = SignedLog(tmp_path)
    first = log.append(BEGIN, ONE)
    log.append(first, TWO)
    path = tmp_path / CHANGES
    whole = path.read_bytes()
    for size in range(whole.index(b"".join(TWO)) - 8, len(whole)):
        path.write_bytes(whole[:size])
        deltas, after = log.follow(BEGIN)
        assert [each.encode() for each in deltas] == [ONE]
        assert after == first
    # Nobody writes over what others may have read: a whole file takes its place.
    with pytest.raises(SignedLogError):
        log.append(first, THREE)
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        deltas, _ = log.follow(BEGIN)
        assert [each.encode() for each in deltas] in ([], [ONE])


def test_a_new_whole_file_is_known_to_who_has_what_it_holds(tmp_path: Path) -> None:
    log = SignedLog(tmp_path)
    behind = log.append(BEGIN, ONE)
    end = log.append(behind, TWO)
    new = Base(2000, 88)
    log.begin(new, end)
    assert log.follow(end) == ([], Mark.of(new))
    deltas, after = log.follow(behind)
    assert ([each.encode() for each in deltas], after) == ([TWO], Mark.of(new))
    last = log.append(Mark.of(new), THREE)
    for mark, expected in (
        (BEGIN, [ONE, TWO, THREE]), (end, [THREE]), (Mark.of(new), [THREE]), (last, []),
    ):  # fmt: skip
        deltas, after = log.follow(mark)
        assert ([each.encode() for each in deltas], after) == (expected, last)
    log.begin(Base(3000, 99), None)
    assert log.follow(last) == ([], last)
    assert not (tmp_path / EARLIER).exists()
    log.remove()
    assert not list(tmp_path.iterdir())


def test_a_full_disk_adds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = SignedLog(tmp_path)
    mark = log.append(BEGIN, ONE)
    write = os.pwrite

    def full(descriptor: int, data: bytes, at: int) -> int:
        if len(data) > 5:
            return write(descriptor, data[:5], at)
        raise OSError("no room")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="no room"):
        log.append(mark, TWO)
    monkeypatch.undo()
    assert log.follow(mark) == ([], mark)
    log.append(mark, TWO)


@pytest.mark.parametrize(
    "octets_", [b"", b"".join(ONE)[:-1], b"".join(ONE) + b"x", b"\x01"]
)
def test_what_is_no_change_is_refused(octets_: bytes) -> None:
    with pytest.raises(SignedLogError):
        decode(octets_)
