from pabal.config.named.grammar import names_in
from pabal.config.named.keys import key_text, names_of, without_key
from tests.support.configuration import checked


def text_of(body: str) -> str:
    (key,) = names_in(checked(f"key K.test {{ {body} }};").parsed.statements, "key")
    return key_text(key)


def test_keys() -> None:
    good = 'algorithm HMAC-SHA256; secret "c2VjcmV0";'
    assert text_of(good) == "hmac-sha256:K.test:c2VjcmV0"
    assert text_of(good.replace("SHA256", "MD5")) == ""
    assert text_of(good.replace("SHA256", "sha256-128")) == ""
    assert text_of("algorithm hmac-sha256;") == ""


def test_what_needs_a_key_that_is_not_there() -> None:
    known = names_of(["hmac-sha256:K.test.:x"])
    lost = ["key other", "192.0.2.1 key other"]
    kept = ["key k.TEST", "192.0.2.1 key K.test.", "192.0.2.1", "any"]
    assert without_key([*kept, *lost], known) == lost
