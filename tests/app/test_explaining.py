from dataclasses import replace

import dns.name
import dns.rdatatype
import pytest

from pabal.app.explaining import explain_name
from pabal.base.errors import OperatorError
from pabal.config.settings import Settings
from pabal.config.views import ViewClients, ViewResolver, ViewSection


async def test_an_own_name_is_explained_without_a_network(settings: Settings) -> None:
    found = await explain_name(settings, dns.name.from_text("a.test"), dns.rdatatype.MX)
    assert found.answer == ("a.test. 3600 IN MX 10 mail.a.test.",)
    assert found.trouble == ""


async def test_a_view_has_its_own_zones_and_servers(settings: Settings) -> None:
    inside = settings.directory / "inside"
    inside.mkdir()
    (inside / "a.test.zone").write_text("$TTL 60\nmail A 10.0.0.25\n")
    view = ViewSection(
        "inside",
        ViewClients(("10.0.0.0/8",)),
        zones=str(inside),
        resolver=ViewResolver(dns64="64:ff9b::/96"),
    )
    settings = replace(settings, dns=replace(settings.dns, views=(view,)))
    mail = dns.name.from_text("mail.a.test")
    found = await explain_name(settings, mail, dns.rdatatype.AAAA, "inside")
    assert found.answer == ("mail.a.test. 60 IN AAAA 64:ff9b::a00:19",)
    found = await explain_name(settings, mail, dns.rdatatype.A)
    assert "10.0.0.25" not in found.answer[0]
    with pytest.raises(OperatorError, match="no view"):
        await explain_name(settings, mail, dns.rdatatype.A, "outside")
