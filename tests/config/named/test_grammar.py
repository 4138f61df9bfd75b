from pabal.config.named.grammar import Item, Options, pattern_of
from pabal.config.named.schema import LISTS, SECTIONS, TOP, homes
from pabal.config.named.values import KINDS


def items() -> list[Item]:
    patterns = [c.pattern for each in SECTIONS.values() for c in each.values()]
    found: list[Item] = []
    for pattern in (*patterns, *LISTS.values()):
        for part in pattern:
            if isinstance(part, Options):
                found += [item for each in part.items.values() for item in each]
            else:
                found.append(part)
    return found


def test_the_notation() -> None:
    options, value, braces = pattern_of(
        "[port:<port>|*] [key:@key,x?] a|<text> {match}?"
    )
    assert isinstance(options, Options)
    assert set(options.items) == {"port", "key"}
    assert options.items["port"] == (Item(("*",), ("port",)),)
    assert options.items["key"] == (
        Item(kinds=("text",), refers="key"),
        Item(("x",), optional=True),
    )
    assert value == Item(("a",), ("text",))
    assert braces == Item(braces="match", optional=True)


def test_the_schema_uses_only_what_there_is() -> None:
    for item in items():
        assert set(item.kinds) <= set(KINDS)
        assert not item.braces or item.braces in {"match", *LISTS, *SECTIONS}
        assert item.rest or item.optional or item.says()


def test_homes() -> None:
    assert homes("zone") == [TOP, "view"]
    assert homes("type") == ["zone"]
    assert homes("nothing") == []
