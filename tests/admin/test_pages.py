import xml.etree.ElementTree as ET

import pytest

from pabal.admin.pages import OwnPages, StsMode, autoconfig, sts_policy
from pabal.net.endpoint import Endpoint

LISTEN = {
    "imap": [Endpoint("0.0.0.0", 143), Endpoint("::", 143)],
    "imaps": [Endpoint("0.0.0.0", 20993)],
    "pop3s": [],
    "submission": [Endpoint("0.0.0.0", 587)],
}


def test_a_policy() -> None:
    lines = sts_policy(StsMode.ENFORCE, "mail.a.test").splitlines()
    assert lines == [
        "version: STSv1",
        "mode: enforce",
        "mx: mail.a.test",
        "max_age: 604800",
    ]


def test_what_mail_programs_read() -> None:
    root = ET.fromstring(autoconfig("a.test", "mail.a.test", LISTEN))
    provider = root.find("emailProvider")
    assert provider is not None
    assert provider.findtext("domain") == "a.test"
    servers = [
        (
            each.tag,
            each.get("type"),
            each.findtext("hostname"),
            each.findtext("port"),
            each.findtext("socketType"),
            each.findtext("username"),
        )
        for each in provider
        if each.tag.endswith("Server")
    ]
    user = "%EMAILADDRESS%"
    assert servers == [
        ("incomingServer", "imap", "mail.a.test", "20993", "SSL", user),
        ("incomingServer", "imap", "mail.a.test", "143", "STARTTLS", user),
        ("outgoingServer", "smtp", "mail.a.test", "587", "STARTTLS", user),
    ]


def pages() -> OwnPages:
    return OwnPages(
        lambda domain: domain in {"a.test", "b.test"},
        lambda domain: "a policy" if domain == "a.test" else "",
        "mail.a.test",
        LISTEN,
    )


def test_pages_of_hosted_domains() -> None:
    found = pages()
    sts = "/.well-known/mta-sts.txt"
    assert found.find("mta-sts.a.test", sts) == ("text/plain", "a policy")
    config = found.find("autoconfig.b.test", "/mail/config-v1.1.xml")
    assert config is not None
    assert config[0] == "text/xml"


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("mta-sts.b.test", "/.well-known/mta-sts.txt"),
        ("mta-sts.c.test", "/.well-known/mta-sts.txt"),
        ("a.test", "/.well-known/mta-sts.txt"),
        ("mta-sts.a.test", "/"),
        ("autoconfig.c.test", "/mail/config-v1.1.xml"),
        ("autoconfig.a.test", "/"),
        ("mta-sts.", "/.well-known/mta-sts.txt"),
    ],
)
def test_there_is_nothing_else(host: str, path: str) -> None:
    assert pages().find(host, path) is None
