from pabal.dns.zone.whole import Differences, WholeFiles
from tests.support.zones import HEAD, MemorySource


def test_an_soa_makes_a_file_a_whole_zone() -> None:
    source = MemorySource(
        {
            "a.test.zone": HEAD,
            "b.test.zone": "mail A 10.0.0.1\n",
            "c.test.zone": 'x TXT "no SOA here"\n',
            "d.test.zone": "$INCLUDE d.inc\n",
            "d.inc": HEAD,
            "e.test.zone": "$TTL 60\nsub.e.test. SOA ns h 1 1 1 1 1\n",
        }
    )
    whole = WholeFiles(source)
    assert sorted(whole.stamps()) == ["a.test.zone", "d.test.zone"]
    assert sorted(whole.files().values()) == sorted(whole.stamps())
    rest = Differences(source, whole)
    assert sorted(rest.stamps()) == ["b.test.zone", "c.test.zone", "e.test.zone"]
    assert sorted(rest.files().values()) == sorted(rest.stamps())
    assert rest.read("b.test.zone") == source.read("b.test.zone")
    assert rest.stamp("b.test.zone") == source.stamp("b.test.zone")


def test_what_was_whole_stays_so_while_it_is_wrong() -> None:
    """Else its clients would see what everybody sees."""
    source = MemorySource({"a.test.zone": HEAD, "b.test.zone": HEAD})
    whole = WholeFiles(source)
    assert len(whole.stamps()) == 2
    source.texts["a.test.zone"] = HEAD.replace("SOA", "SOAP")
    source.texts["b.test.zone"] = "mail A 10.0.0.1\n"
    assert sorted(whole.stamps()) == ["a.test.zone"]
    # Also when nobody knows what it was.
    fresh = MemorySource({"a.test.zone": HEAD.replace("300\n", "x\n", 1)})
    assert list(WholeFiles(fresh).stamps()) == ["a.test.zone"]


def test_a_file_is_read_once_and_forgotten_with_it() -> None:
    source = MemorySource({"a.test.zone": HEAD})
    whole = WholeFiles(source)
    assert whole.stamps()
    del source.texts["a.test.zone"]
    assert not whole.stamps()
    source.texts["a.test.zone"] = "mail A 10.0.0.1\n"
    assert not whole.stamps()
