import pytest

from pabal.config.named.signing import days_of
from tests.config.named.test_takeover import notes

POLICIES = """
dnssec-policy house { keys {
    ksk key-directory lifetime unlimited algorithm ecdsap256sha256;
    zsk key-directory lifetime P30D algorithm 13; };
  nsec3param iterations 0 optout no salt-length 0; };
dnssec-policy one { keys { csk lifetime P1Y algorithm ed25519; }; };
dnssec-policy old { keys { csk lifetime 0 algorithm rsasha256 2048; }; };
"""


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (
            "house",
            (
                "; then `pabal zone dnssec a.test enable --split --nsec3"
                " --zsk-lifetime 30 --ksk-lifetime 0`"
            ),
        ),
        (
            "one",
            (
                "; then `pabal zone dnssec a.test enable --algorithm ED25519"
                " --ksk-lifetime 365`"
            ),
        ),
        ("default", "; then `pabal zone dnssec a.test enable`"),
        ("old", "does not sign with rsasha256"),
        ("none", "is not signed"),
    ],
)
def test_a_policy_becomes_a_command(policy: str, words: str) -> None:
    zone = 'zone "a.test" { type primary; file "/etc/bind/a"; dnssec-policy %s; };'
    (line,) = [
        each for each in notes(POLICIES + zone % policy) if "zone a.test" in each
    ]
    assert words in line


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("P30D", 30), ("30d", 30), ("4w", 28), ("unlimited", 0), ("0", 0), ("P6M", 186),
        ("PT1H", 1), ("86400", 1), ("", 0), ("P1Y2M3W4DT5H6M7S", 452),
    ],
)  # fmt: skip
def test_durations(text: str, days: int) -> None:
    assert days_of(text) == days
