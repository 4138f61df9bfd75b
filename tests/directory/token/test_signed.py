import pytest

from pabal.base.errors import UnavailableError
from pabal.directory.token.claims import TokenError, TokenRules
from pabal.directory.token.signed import (
    ASK_AGAIN_S,
    KEYS_FRESH_S,
    KEYS_USABLE_S,
    SignedTokens,
)
from tests.directory.clock import FakeClock
from tests.directory.token.issuer import AUDIENCE, ISSUER, Issuer, claims_of


class Site:
    def __init__(self) -> None:
        self.issuer = Issuer()
        self.issuer.add_ec("k1")
        self.clock = FakeClock()
        self.asked = 0
        self.down = False
        self.check = SignedTokens(self.fetch, TokenRules(ISSUER, AUDIENCE), self.clock)

    async def fetch(self) -> bytes:
        self.asked += 1
        if self.down:
            raise UnavailableError("down")
        return self.issuer.jwks()

    async def user(self, kid: str) -> str:
        claims = claims_of("a@example.com", self.clock.now() + 600)
        return (await self.check(self.issuer.token(claims, kid))).user


async def test_keys_are_fetched_once() -> None:
    site = Site()
    for _ in range(3):
        assert await site.user("k1") == "a@example.com"
    assert site.asked == 1
    site.clock.time += KEYS_FRESH_S
    await site.user("k1")
    assert site.asked == 2


async def test_a_new_key_is_learnt() -> None:
    site = Site()
    await site.user("k1")
    site.issuer.add_ec("k2")
    with pytest.raises(TokenError, match="does not have"):
        await site.user("k2")  # asked a moment ago
    site.clock.time += ASK_AGAIN_S
    assert await site.user("k2") == "a@example.com"
    assert site.asked == 2


async def test_invented_key_names_do_not_make_requests() -> None:
    site = Site()
    await site.user("k1")
    stranger = Issuer()
    for n in range(20):
        stranger.add_ec(f"x{n}")
        with pytest.raises(TokenError, match="does not have"):
            await site.check(stranger.token({}, f"x{n}"))
    assert site.asked == 1


async def test_a_token_without_the_name_of_a_key() -> None:
    site = Site()
    site.issuer.add_ec("k2")
    claims = claims_of("a@example.com", site.clock.now() + 600)
    token = site.issuer.token(claims, "k2", kid="")
    assert (await site.check(token)).user == "a@example.com"


async def test_the_endpoint_is_away() -> None:
    site = Site()
    site.down = True
    with pytest.raises(UnavailableError):
        await site.user("k1")
    site.down = False
    site.clock.time += ASK_AGAIN_S
    await site.user("k1")
    site.down = True
    site.clock.time += KEYS_USABLE_S - 1
    assert await site.user("k1")
    site.clock.time += ASK_AGAIN_S
    with pytest.raises(UnavailableError):
        await site.user("k1")


async def test_claims_are_checked_too() -> None:
    site = Site()
    claims = claims_of("a@example.com", site.clock.now() - 600)
    with pytest.raises(TokenError, match="expired"):
        await site.check(site.issuer.token(claims, "k1"))
