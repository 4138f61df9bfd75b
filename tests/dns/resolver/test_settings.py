from pabal.dns.resolver.hints import ROOT_SERVERS
from pabal.dns.resolver.settings import ResolverSettings


def test_defaults_work_on_the_internet() -> None:
    settings = ResolverSettings()
    assert settings.root_hints == ROOT_SERVERS
    assert settings.port == 53
    assert settings.minimise
    assert settings.mixed_case
