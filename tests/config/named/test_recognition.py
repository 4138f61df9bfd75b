import pytest

from pabal.config.named.recognition import looks_like


@pytest.mark.parametrize(
    "text",
    [
        "options {",
        '// x\n/* y */ include "z";',
        'ZONE "a" in\n{ type',
        "acl a\n  { any; };",
        "server 192.0.2.1 { };",
    ],
)
def test_these_are(text: str) -> None:
    assert looks_like(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'hostname = "a"',
        "[dns]\n",
        "$TTL 60\n@ IN SOA a b 1 2 3 4 5\n",
        "include = 1",
        "server:\n  interface: 0.0.0.0\n",
        "options",
        '"options" {',
    ],
)
def test_these_are_not(text: str) -> None:
    assert not looks_like(text)
