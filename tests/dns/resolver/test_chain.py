import dns.rrset
import pytest

from pabal.dns.dnssec.fault import BogusError, EffortError, ExtendedError
from pabal.dns.dnssec.signature import VERIFICATIONS_MAX
from pabal.dns.ports import Resolved, Security
from pabal.dns.resolver.chain import KEYS_MAX, Need, _dnskeys
from pabal.dns.resolver.iterator import Done
from tests.dns.resolver.signedworld import NOW, chain_of, name, run, zones
from tests.scenario.dns.signed import fixed_key


def test_from_the_anchor_down() -> None:
    asked: list[str] = []
    chain = chain_of()
    standing = run(chain.standing(name("test.")), zones(), asked)
    assert standing.security is Security.SECURE
    assert standing.zone == name("test.")
    assert asked == [". DNSKEY", "test. DS", "test. DNSKEY"]
    assert [claim.rdtype for claim, _ in chain.judged] == [48, 43, 48]
    assert all(v.security is Security.SECURE for _, v in chain.judged)


def test_what_was_found_is_remembered() -> None:
    asked: list[str] = []
    chain = chain_of()
    run(chain.standing(name("www.test.")), zones())
    standing = run(chain.standing(name("www.test.")), zones(), asked)
    assert standing.zone == name("test.")
    assert asked == []
    chain.now = standing.expires_at + 1
    run(chain.standing(name("www.test.")), zones(), asked)
    assert asked


def test_a_cut_without_ds_is_insecure_and_ends_the_way() -> None:
    asked: list[str] = []
    standing = run(chain_of().standing(name("a.b.plain.")), zones(), asked)
    assert standing.security is Security.INSECURE
    assert standing.zone == name("plain.")
    assert asked == [". DNSKEY", "plain. DS"]


def test_below_what_does_not_exist_nothing_is_asked() -> None:
    asked: list[str] = []
    standing = run(chain_of().standing(name("a.b.nowhere.")), zones(), asked)
    assert standing.is_last
    assert standing.security is Security.SECURE
    assert asked == [". DNSKEY", "nowhere. DS"]


def test_keys_that_do_not_fit_are_bogus_and_remembered_shortly() -> None:
    chain = chain_of()
    standing = run(chain.standing(name("test.")), zones("rogue"))
    assert standing.security is Security.BOGUS
    assert standing.code is ExtendedError.DNSKEY_MISSING
    assert standing.expires_at <= NOW + 60
    chain.trust.retract(name("www.test."))
    assert run(chain.standing(name("test.")), zones()).security is Security.SECURE


def test_servers_away_are_not_remembered() -> None:
    chain = chain_of()
    with pytest.raises(BogusError, match="all servers are away") as caught:
        run(chain.standing(name("test.")), zones(), failing="DS")
    assert caught.value.code is ExtendedError.NO_REACHABLE_AUTHORITY
    assert run(chain.standing(name("test.")), zones()).security is Security.SECURE


def test_above_and_beside_the_anchor_nothing_is_known() -> None:
    chain = chain_of("test.")
    assert run(chain.standing(name(".")), zones()).security is Security.INDETERMINATE
    assert (
        run(chain.standing(name("plain.")), zones()).security is Security.INDETERMINATE
    )
    assert run(chain.standing(name("www.test.")), zones()).security is Security.SECURE


def test_a_negative_anchor_ends_trust() -> None:
    chain = chain_of(".", "test.")
    assert run(chain.standing(name("www.test.")), zones()).security is Security.INSECURE
    assert run(chain.standing(name(".")), zones()).security is Security.SECURE


def test_the_way_has_an_end() -> None:
    chain = chain_of()
    chain._effort.verifications = VERIFICATIONS_MAX
    with pytest.raises(EffortError, match="signatures to verify"):
        run(chain.standing(name("test.")), zones())


def test_of_many_keys_some_are_used() -> None:
    keys = [fixed_key(str(number)).dnskey for number in range(60)]
    rrset = dns.rrset.from_rdata_list(name("test."), 60, keys)
    assert _dnskeys(rrset) == list(rrset)[:24]
    assert KEYS_MAX == 24


def test_what_a_negative_anchor_lets_through_ends_with_it() -> None:
    chain = chain_of(".", "test.")
    chain.trust.negative = {name("test."): chain.wall + 90.5}
    standing = run(chain.standing(name("www.test.")), zones())
    assert standing.ttl_max_s == 90
    assert run(chain.standing(name("plain.")), zones()).ttl_max_s is None


def test_what_is_served_here_is_not_judged() -> None:
    chain = chain_of()
    asking = chain.standing(name("plain."))
    need = next(asking)
    assert need == Need(name("."), need.rdtype)
    from_root = run(chain_of().standing(name(".")), zones())
    chain.trust.put(name("."), from_root)
    asking = chain.standing(name("plain."))
    next(asking)
    with pytest.raises(StopIteration) as stop:
        asking.send(Done(Resolved(0, ())))
    assert stop.value.value.security is Security.INDETERMINATE
