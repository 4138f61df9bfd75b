import pytest

from pabal.config.named.copies import copies_of
from pabal.config.named.outcome import ZoneFile
from tests.support.configuration import MemoryFiles

ZONE = ZoneFile("a.test", "/etc/bind/db.a", "named.conf:1")


def test_a_zone_alone() -> None:
    files = MemoryFiles({"/etc/bind/db.a": "; kept\n@ IN SOA …\n"})
    assert copies_of(ZONE, files, "/etc/bind") == {
        "a.test.zone": "; kept\n@ IN SOA …\n"
    }


def test_what_it_includes_comes_with_it() -> None:
    files = MemoryFiles(
        {
            "/etc/bind/db.a": '$INCLUDE hosts ; x\n$include "/srv/hosts" sub\n',
            "/etc/bind/hosts": "$INCLUDE deep/er\n; $INCLUDE no\n",
            "/etc/bind/deep/er": "x A 192.0.2.1\n",
            "/srv/hosts": "$INCLUDE hosts\n",
        }
    )
    assert copies_of(ZONE, files, "/etc/bind") == {
        "a.test.zone": '$INCLUDE "a.test.d/hosts" ; x\n'
        '$include "a.test.d/2-hosts" sub\n',
        "a.test.d/hosts": '$INCLUDE "a.test.d/er"\n; $INCLUDE no\n',
        "a.test.d/er": "x A 192.0.2.1\n",
        "a.test.d/2-hosts": '$INCLUDE "a.test.d/hosts"\n',
    }


def test_what_is_missing_is_an_error() -> None:
    files = MemoryFiles({"/etc/bind/db.a": "$INCLUDE hosts\n"})
    with pytest.raises(OSError, match="hosts"):
        copies_of(ZONE, files, "/etc/bind")


def test_the_root() -> None:
    files = MemoryFiles({"x": ""})
    assert list(copies_of(ZoneFile(".", "x", ""), files, "")) == ["root.zone"]
