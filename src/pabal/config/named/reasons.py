"""Why a statement of a named.conf has no counterpart in pabal.toml, in plain words.

Sans-IO.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_GROUPS: Final = (
    (
        "pabal keeps its files in its data directory",
        (
            "directory pid-file dump-file statistics-file memstatistics-file lock-file"
            " session-keyfile managed-keys-directory new-zones-directory recursing-file"
            " secroots-file bindkeys-file geoip-directory journal"
        ),
    ),
    (
        "set log_level; `pabal trace` and `pabal dig` show what happened",
        "logging querylog responselog",
    ),
    ("the `pabal` commands reach a running server without it", "controls"),
    (
        "`pabal stats` shows them; [listen] metrics serves them to Prometheus",
        "statistics-channels zone-statistics",
    ),
    ("the certificate that pabal shows is that of [tls]", "tls"),
    ("pabal has one list for all copied zones: allow_notify in [dns]", "allow-notify"),
    (
        (
            "pabal has one list for all zones: allow_transfer and notify in [dns] say"
            " who may have them and who is told"
        ),
        (
            "allow-transfer also-notify notify notify-source notify-source-v6"
            " notify-to-soa notify-delay notify-rate startup-notify-rate provide-ixfr"
            " transfers-out transfer-format max-transfer-time-out max-transfer-idle-out"
            " primaries masters remote-servers ixfr-from-differences"
        ),
    ),
    ("say who may change zones in allow_update in [dns]", "allow-update update-policy"),
    (
        "pabal has one list for all copied zones: forward_updates in [dns]",
        "allow-update-forwarding",
    ),
    ("zones come with their files: no command is needed", "allow-new-zones"),
    ("each zone that has it says what to do", "dnssec-policy"),
    ("your file is never written, signed or not", "inline-signing"),
    ("each change raises the serial number by one", "serial-update-method"),
    (
        (
            "sign on with BIND's keys by `pabal zone dnssec DOMAIN import"
            " K….private` before the switch, or the DS at the parent makes validating"
            " resolvers refuse the domain"
        ),
        (
            "auto-dnssec key-directory dnskey-sig-validity"
            " sig-validity-interval dnssec-loadkeys-interval dnssec-dnskey-kskonly"
            " dnssec-secure-to-insecure dnssec-update-mode update-check-ksk"
            " parental-agents checkds"
        ),
    ),
    (
        (
            "the root's keys are built in and followed; set trust_anchors and"
            " negative_trust_anchors in [dns] for others"
        ),
        (
            "dnssec-validation trust-anchors managed-keys trusted-keys validate-except"
            " nta-lifetime nta-recheck"
        ),
    ),
    (
        "clients are told how long they may be silent: tcp_keepalive in [dns]",
        "tcp-advertised-timeout",
    ),
    (
        "set recursion_per_client_max in [dns]; pabal has no limit for all together",
        "recursive-clients",
    ),
    (
        "pabal has limits of its own, which fit most servers",
        (
            "max-cache-size max-cache-ttl"
            " max-ncache-ttl min-cache-ttl min-ncache-ttl clients-per-query"
            " max-clients-per-query fetches-per-server fetches-per-zone max-udp-size"
            " edns-udp-size max-recursion-depth max-recursion-queries"
            " tcp-initial-timeout tcp-listen-queue"
            " reserved-sockets"
        ),
    ),
    (
        "pabal tells its name only to who asks for it: set nsid in [dns]",
        "hostname",
    ),
    (
        "pabal tells nobody its version",
        "version",
    ),
    ("pabal decides it by itself", "auth-nxdomain minimal-responses minimal-any"),
    ("pabal always does", "qname-minimization empty-zones-enable prefetch"),
    (
        "clients get no order of their own; write a view, [dns.view.NAME]",
        "sortlist",
    ),
)

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {name: reason for reason, names in _GROUPS for name in names.split()}
)

OTHERWISE: Final = "pabal has no such setting"

ZONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "secondary": "no server it can be fetched from is named, or only with a key"
        " that was not taken over",
        "mirror": "zones are not fetched from other servers",
        "hint": "the root servers are built in; another list goes into root_hints",
        "stub": "no server is named, or only with a key",
        "static-stub": "no address of a server is named",
        "forward": "no forwarders are named",
        "redirect": "names that do not exist are never answered otherwise",
        "delegation-only": "BIND has given it up as well",
        "": "it has no type",
    }
)
"""Why a zone of a type other than primary is not taken over."""
