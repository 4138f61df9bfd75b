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
            "pabal tells those whom notify names, in [dns] or for a zone, and nobody"
            " else; it sends what is asked for, as fast as it is taken"
        ),
        (
            "allow-transfer also-notify notify"
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
        (
            "what goes to other servers comes from the address pabal listens at, if"
            " that is one, else from the one the system chooses"
        ),
        (
            "notify-source notify-source-v6 transfer-source transfer-source-v6"
            " alt-transfer-source alt-transfer-source-v6 use-alt-transfer-source"
            " query-source query-source-v6 parental-source parental-source-v6"
        ),
    ),
    (
        "who asks which address of this server is told apart by a view: destinations",
        "allow-query-on allow-recursion-on allow-query-cache-on",
    ),
    (
        "whoever may not ask is told so; let the firewall drop what is to get nothing",
        "blackhole",
    ),
    (
        "pabal finds out by itself what each server can",
        (
            "edns edns-version tcp-only tcp-keepalive padding transfers bogus"
            " require-cookie send-cookie request-nsid request-ixfr request-expire"
            " request-zoneversion try-tcp-refresh"
        ),
    ),
    (
        "`pabal check` always looks at that, and so does pabal when it loads a zone",
        (
            "check-names check-mx check-mx-cname check-srv-cname check-dup-records"
            " check-integrity check-sibling check-spf check-svcb check-wildcard"
            " max-zone-ttl"
        ),
    ),
    (
        "a copied zone follows its SOA record, within bounds of pabal",
        (
            "min-refresh-time max-refresh-time min-retry-time max-retry-time"
            " multi-master serial-query-rate transfers-in transfers-per-ns"
            " max-transfer-time-in max-transfer-idle-in min-transfer-rate-in"
            " tcp-primaries-timeout"
        ),
    ),
    (
        "pabal keeps journals and copies in forms of its own",
        (
            "max-journal-size max-ixfr-ratio masterfile-format masterfile-style"
            " flush-zones-on-shutdown lmdb-mapsize"
        ),
    ),
    (
        "follow_catalogs in [dns] names catalogs and the servers they come from",
        "catalog-zones",
    ),
    (
        "records come from master files, copies and updates only",
        "dlz database dyndb plugin",
    ),
    ("pabal writes no dnstap: `pabal dig --trace` shows one question", "dnstap"),
    (
        "write a response policy: policy_zones in [dns]",
        "deny-answer-addresses deny-answer-aliases nxdomain-redirect",
    ),
    (
        "pabal answers from what is too old only when nobody else answers",
        (
            "stale-answer-enable stale-cache-enable stale-answer-ttl"
            " stale-answer-client-timeout stale-refresh-time max-stale-ttl"
        ),
    ),
    ("pabal answers with cookies as RFC 9018 has them", "answer-cookie cookie-secret"),
    ("there is TSIG, not Kerberos", "tkey-gssapi-keytab tkey-gssapi-credential"),
    (
        "pabal tells its name only to who asks for it: set nsid in [dns]",
        "hostname",
    ),
    (
        "pabal tells nobody its version",
        "version",
    ),
    ("pabal decides it by itself", "auth-nxdomain minimal-responses minimal-any"),
    (
        "pabal always does",
        "qname-minimization empty-zones-enable prefetch synth-from-dnssec",
    ),
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
