"""Every statement of a named.conf: where it may stand and what follows it.

The facts are those of the BIND 9.18 and 9.20 reference manuals, in the notation of
``pabal.config.named.grammar``. Each rule reads: places, pattern, names. The places:

``O`` options, ``V`` view, ``S`` server, and the types of zones: ``p`` primary,
``s`` secondary, ``m`` mirror, ``h`` hint, ``u`` stub, ``t`` static-stub,
``f`` forward, ``r`` redirect, ``i`` of another view; ``^`` outside all blocks; or
``in`` and the name of another block.

Sans-IO.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pabal.config.named.farewell import OLD
from pabal.config.named.grammar import Clause, Pattern, Status, pattern_of

ZONE_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "primary": "p",
        "master": "p",
        "secondary": "s",
        "slave": "s",
        "mirror": "m",
        "hint": "h",
        "stub": "u",
        "static-stub": "t",
        "forward": "f",
        "redirect": "r",
        "delegation-only": "d",
    }
)
"""The letter of each type of zone in the table below."""

TOP: Final = "the top level"
"""The place outside all blocks."""

_SERVERS: Final = "[port:<port>] [dscp:<integer>] [source:<ipv4>|*] {servers}"
_DEFINED_SERVERS: Final = "<text> " + _SERVERS
_ANSWER: Final = "fail|warn|ignore"

RULES: Final = (
    # Outside all blocks; acl, key, zone and view may be there many times.
    ("^", "{options}", "options"),
    ("^", "{logging}", "logging"),
    # Some may be in views as well.
    ("V", "{match}", "match-clients match-destinations"),
    ("V", "<boolean>", "match-recursive-only"),
    # Lists of who may do what
    ("OVpsmrtu", "{match}", "allow-query allow-query-on"),
    ("OVpsm", "[port:<port>] [transport:<text>] {match}", "allow-transfer"),
    ("OVp", "{match}", "allow-update"),
    ("OVsm", "{match}", "allow-notify allow-update-forwarding"),
    (
        "OV",
        "{match}",
        (
            "allow-query-cache allow-query-cache-on allow-recursion allow-recursion-on"
            " no-case-compress sortlist"
        ),
    ),
    ("O", "{match}", "blackhole keep-response-order allow-proxy allow-proxy-on"),
    # Files
    (
        "O",
        "<quoted>",
        (
            "bindkeys-file directory dump-file managed-keys-directory"
            " memstatistics-file recursing-file secroots-file statistics-file"
            " tkey-gssapi-keytab"
        ),
    ),
    ("O", "<quoted>|none", "geoip-directory hostname lock-file pid-file version"),
    ("O", "<quoted>|none", "session-keyfile dnstap-version"),
    ("O", "<quoted>|none|hostname", "server-id dnstap-identity"),
    ("OV", "<quoted>", "new-zones-directory"),
    ("OVps", "<quoted>", "key-directory"),
    ("psm", "<quoted>", "journal"),
    ("psmhru", "<quoted>", "file"),
    # Zones: what they are
    ("psmhutfrd", "|".join(ZONE_TYPES), "type"),
    ("i", "@view", "in-view"),
    ("psmu", "<text>", "database"),
    ("psr", "<text>", "dlz"),
    ("smru", _SERVERS, "primaries masters"),
    ("ps", _SERVERS, "parental-agents"),
    ("t", "{addresses}", "server-addresses"),
    ("t", "{names}", "server-names"),
    ("p", "local|{grants}", "update-policy"),
    ("ps", "<boolean>", "inline-signing"),
    ("ps", "<boolean>|explicit", "checkds"),
    ("OVpsm", _SERVERS, "also-notify"),
    ("OVpsm", "explicit|master-only|primary-only|<boolean>", "notify"),
    ("OVpsftu", "[port:<port>] [tls:@tls] {forwarders}", "forwarders"),
    ("OVpsftu", "first|only", "forward"),
    # Zones: how they are read, checked, sent and signed
    ("OV", "primary|master|secondary|slave|response " + _ANSWER, "check-names"),
    ("psmhu", _ANSWER, "check-names"),
    ("OVp", _ANSWER, "check-dup-records check-mx check-mx-cname check-srv-cname"),
    ("OVp", "warn|ignore", "check-spf"),
    ("OVp", "<boolean>", "check-integrity check-sibling check-wildcard check-svcb"),
    ("OVp", "<boolean>", "dnssec-secure-to-insecure"),
    ("OVp", "date|increment|unixtime", "serial-update-method"),
    ("OVps", "maintain|no-resign", "dnssec-update-mode"),
    ("OVps", "<boolean>", "dnssec-dnskey-kskonly notify-to-soa update-check-ksk"),
    ("OVps", "<boolean>", "nsec3-test-zone"),
    ("OVps", "<integer> <integer>?", "sig-validity-interval"),
    (
        "OVps",
        "<integer>",
        (
            "dnskey-sig-validity dnssec-loadkeys-interval sig-signing-nodes"
            " sig-signing-signatures sig-signing-type"
        ),
    ),
    ("OVps", "@dnssec-policy", "dnssec-policy"),
    ("OVps", "<ipv4>|* [port:<port>|*]", "parental-source"),
    ("OVps", "<ipv6>|* [port:<port>|*]", "parental-source-v6"),
    ("OVpr", "unlimited|<duration>", "max-zone-ttl"),
    ("OVpsm", "default|unlimited|<size>", "max-journal-size"),
    ("OVpsm", "unlimited|<percent>", "max-ixfr-ratio"),
    ("OVpsm", "<boolean>", "zero-no-soa-ttl"),
    ("OVpsm", "<integer>", "max-transfer-idle-out max-transfer-time-out notify-delay"),
    ("OVpsmrtu", "full|terse|none|<boolean>", "zone-statistics"),
    ("OVpsmrtu", "<integer>", "max-records max-records-per-type max-types-per-name"),
    ("OVpsmru", "full|relative", "masterfile-style"),
    ("OVpsmru", "raw|text", "masterfile-format"),
    ("OVsm", "<boolean>", "try-tcp-refresh"),
    ("OVsmu", "<boolean>", "multi-master"),
    (
        "OVsmu",
        "<integer>",
        (
            "max-refresh-time max-retry-time max-transfer-idle-in max-transfer-time-in"
            " min-refresh-time min-retry-time min-transfer-rate-in"
        ),
    ),
    ("OV", "primary|master|secondary|slave|<boolean>", "ixfr-from-differences"),
    ("psm", "<boolean>", "ixfr-from-differences"),
    ("OVp", "<boolean>", "provide-zoneversion"),
    # Where questions come from; server blocks have these too
    ("OVSpsm", "<ipv4>|* [port:<port>|*] [dscp:<integer>]", "notify-source"),
    ("OVSpsm", "<ipv6>|* [port:<port>|*] [dscp:<integer>]", "notify-source-v6"),
    ("OVSsmu", "<ipv4>|* [port:<port>|*] [dscp:<integer>]", "transfer-source"),
    ("OVSsmu", "<ipv6>|* [port:<port>|*] [dscp:<integer>]", "transfer-source-v6"),
    ("OVS", "[address:<ipv4>|*] [port:<port>|*] <ipv4>|*|none?", "query-source"),
    ("OVS", "[address:<ipv6>|*] [port:<port>|*] <ipv6>|*|none?", "query-source-v6"),
    ("OVSsm", "<boolean>", "request-expire request-ixfr"),
    ("OVS", "<boolean>", "provide-ixfr request-nsid send-cookie request-zoneversion"),
    ("OVS", "<integer>", "edns-udp-size max-udp-size"),
    ("OVS", "many-answers|one-answer", "transfer-format"),
    ("S", "<boolean>", "bogus edns tcp-keepalive tcp-only require-cookie"),
    ("S", "<integer>", "edns-version padding transfers"),
    ("S", "@key|{keys}", "keys"),
    # The resolver
    ("OV", "default|unlimited|<size>|<percent>", "max-cache-size"),
    ("OV", "disabled|off|<integer>", "stale-answer-client-timeout"),
    ("OV", "no-auth|no-auth-recursive|<boolean>", "minimal-responses"),
    ("OV", "strict|relaxed|disabled|off", "qname-minimization"),
    ("OV", "auto|<boolean>", "dnssec-validation"),
    (
        "OV",
        "<boolean>",
        (
            "allow-new-zones auth-nxdomain dnssec-accept-expired dnsrps-enable"
            " empty-zones-enable ipv4only-enable message-compression minimal-any"
            " recursion require-server-cookie root-key-sentinel stale-answer-enable"
            " stale-cache-enable synth-from-dnssec trust-anchor-telemetry"
            " zero-no-soa-ttl-cache"
        ),
    ),
    (
        "OV",
        "<duration>",
        (
            "lame-ttl max-cache-ttl max-ncache-ttl max-stale-ttl min-cache-ttl"
            " min-ncache-ttl nta-lifetime nta-recheck servfail-ttl stale-answer-ttl"
            " stale-refresh-time"
        ),
    ),
    ("OV", "<integer> <fixed> <fixed> <fixed>", "fetch-quota-params"),
    ("OV", "<integer> drop|fail?", "fetches-per-server fetches-per-zone"),
    ("OV", "<integer> <integer>?", "prefetch"),
    (
        "OV",
        "<integer>",
        (
            "clients-per-query max-clients-per-query max-query-count max-query-restarts"
            " max-recursion-depth max-recursion-queries nocookie-udp-size"
            " resolver-query-timeout v6-bias max-validations-per-fetch"
            " max-validation-failures-per-fetch max-delegation-servers"
        ),
    ),
    ("OV", "<network> {dns64}", "dns64"),
    ("OV", "<size>", "lmdb-mapsize"),
    (
        "OV",
        "<text>",
        (
            "attach-cache dns64-contact dns64-server empty-contact empty-server"
            " ipv4only-contact ipv4only-server nxdomain-redirect preferred-glue"
            " send-report-channel"
        ),
    ),
    ("OV", "[port:<port>] {hosts}", "dual-stack-servers"),
    ("OV", "{rate-limit}", "rate-limit"),
    ("OV", "{taps}", "dnstap"),
    ("OV", "{match} [except-from:{names}]", "deny-answer-addresses"),
    ("OV", "{names} [except-from:{names}]", "deny-answer-aliases"),
    ("OV", "{match} [block-size:<integer>]", "response-padding"),
    ("OV", "{names}", "validate-except"),
    ("OV", "...", "dnsrps-options"),
    ("OV", "{orders}", "rrset-order"),
    (
        "OV",
        (
            "{policies} [add-soa:<boolean>] [break-dnssec:<boolean>]"
            " [max-policy-ttl:<duration>] [min-update-interval:<duration>]"
            " [min-ns-dots:<integer>] [nsip-wait-recurse:<boolean>]"
            " [nsdname-wait-recurse:<boolean>] [qname-wait-recurse:<boolean>]"
            " [recursive-only:<boolean>] [nsip-enable:<boolean>]"
            " [nsdname-enable:<boolean>] [dnsrps-enable:<boolean>]"
            " [dnsrps-options:...]"
        ),
        "response-policy",
    ),
    ("OV", "{catalogs}", "catalog-zones"),
    # The whole server
    ("O", "aes|siphash24", "cookie-algorithm"),
    ("O", "file|unix <quoted> ...", "dnstap-output"),
    ("O", "mpsc|spsc", "fstrm-set-output-queue-model"),
    (
        "O",
        "<boolean>",
        (
            "answer-cookie automatic-interface-scan flush-zones-on-shutdown"
            " match-mapped-addresses memstatistics querylog responselog reuseport"
        ),
    ),
    ("O", "<duration>", "interface-interval fstrm-set-reopen-interval"),
    ("O", "<port>", "port tls-port http-port https-port"),
    (
        "O",
        "<integer>",
        (
            "http-listener-clients http-streams-per-connection max-rsa-exponent-size"
            " notify-rate recursive-clients serial-query-rate startup-notify-rate"
            " tcp-advertised-timeout tcp-clients tcp-idle-timeout tcp-initial-timeout"
            " tcp-keepalive-timeout tcp-listen-queue tcp-primaries-timeout"
            " tcp-receive-buffer tcp-send-buffer transfer-message-size transfers-in"
            " transfers-out transfers-per-ns udp-receive-buffer udp-send-buffer"
            " update-quota sig0checks-quota sig0key-checks-limit"
            " sig0message-checks-limit fstrm-set-buffer-hint fstrm-set-flush-timeout"
            " fstrm-set-input-queue-size"
            " fstrm-set-output-notify-threshold fstrm-set-output-queue-size"
        ),
    ),
    ("O", "{match}", "sig0checks-quota-exempt"),
    ("O", "<text>", "session-keyalg session-keyname"),
    # Smaller blocks
    ("in key", "<text>", "algorithm"),
    ("in key", "<base64>", "secret"),
    ("in dlz", "<text>", "database"),
    ("in dlz", "<boolean>", "search"),
    ("in tls", "<quoted>", "ca-file cert-file dhparam-file key-file remote-hostname"),
    ("in tls", "<text>", "ciphers cipher-suites"),
    ("in tls", "<boolean>", "prefer-server-ciphers session-tickets"),
    ("in tls", "{names}", "protocols"),
    ("in http", "{paths}", "endpoints"),
    ("in http", "<integer>", "listener-clients streams-per-connection"),
    ("in key-store", "<quoted>", "directory pkcs11-uri"),
    (
        "in dnssec-policy",
        "<duration>",
        (
            "dnskey-ttl parent-ds-ttl parent-propagation-delay publish-safety"
            " purge-keys retire-safety signatures-jitter signatures-refresh"
            " signatures-validity"
            " signatures-validity-dnskey zone-propagation-delay"
        ),
    ),
    ("in dnssec-policy", "unlimited|<duration>", "max-zone-ttl"),
    (
        "in dnssec-policy",
        "[iterations:<integer>] [optout:<boolean>] [salt-length:<integer>]",
        "nsec3param",
    ),
    ("in dnssec-policy", "{policy-keys}", "keys"),
    ("in dnssec-policy", "<boolean>", "cdnskey inline-signing offline-ksk manual-mode"),
    ("in dnssec-policy", "{names}", "cds-digest-types"),
    (
        "in rate-limit",
        "<integer>",
        (
            "all-per-second errors-per-second ipv4-prefix-length ipv6-prefix-length"
            " max-table-size min-table-size nodata-per-second nxdomains-per-second"
            " referrals-per-second responses-per-second slip window"
        ),
    ),
    ("in rate-limit", "<fixed>", "qps-scale"),
    ("in rate-limit", "{match}", "exempt-clients"),
    ("in rate-limit", "<boolean>", "log-only"),
    ("in dns64", "<boolean>", "break-dnssec recursive-only"),
    ("in dns64", "{match}", "clients exclude mapped"),
    ("in dns64", "<ipv6>", "suffix"),
    ("in channel", "<boolean>", "buffered print-category print-severity"),
    ("in channel", "iso8601|iso8601-utc|local|<boolean>", "print-time"),
    (
        "in channel",
        (
            "<quoted> [versions:unlimited|<integer>] [size:unlimited|default|<size>]"
            " [suffix:increment|timestamp]"
        ),
        "file",
    ),
    ("in channel", "", "null stderr"),
    (
        "in channel",
        "critical|error|warning|notice|info|debug|dynamic <integer>?",
        "severity",
    ),
    (
        "in channel",
        (
            "kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local0|"
            "local1|local2|local3|local4|local5|local6|local7?"
        ),
        "syslog",
    ),
)
"""What may stand in a block once."""

REPEATED: Final = (
    ("^", "<text> {match}", "acl"),
    ("^", "{controls}", "controls"),
    ("^", "<text> {dnssec-policy}", "dnssec-policy"),
    ("^", "<text> {http}", "http"),
    ("^", "<text> {tls}", "tls"),
    ("^", "<text> {key-store}", "key-store"),
    ("^", _DEFINED_SERVERS, "primaries masters parental-agents remote-servers"),
    ("^", "{statistics-channels}", "statistics-channels"),
    ("^", "<text> in|ch|hs|any|internet|chaos|hesiod? {view}", "view"),
    ("^V", "<text> {key}", "key"),
    ("^V", "<text> {dlz}", "dlz"),
    ("^V", "<text> <quoted> ...", "dyndb"),
    ("^V", "query <text> ...", "plugin"),
    ("^V", "<network> {server}", "server"),
    ("^V", "{anchors}", "trust-anchors"),
    ("^V", "<text> in|ch|hs|any|internet|chaos|hesiod? {zone}", "zone"),
    ("O", "[port:<port>] [tls:@tls] [http:@http] [proxy:<text>] {match}", "listen-on"),
    (
        "O",
        "[port:<port>] [tls:@tls] [http:@http] [proxy:<text>] {match}",
        "listen-on-v6",
    ),
    ("O", "<text>", "cookie-secret"),
    ("OV", "<text> {names}", "disable-algorithms disable-ds-digests"),
    ("OV", "<text>", "disable-empty-zone"),
    (
        "in controls",
        (
            "<address>|* [port:<port>|*] [allow:{match}] [keys:{keys}]"
            " [read-only:<boolean>]"
        ),
        "inet",
    ),
    (
        "in controls",
        (
            "<quoted> [perm:<integer>] [owner:<integer>] [group:<integer>]"
            " [keys:{keys}] [read-only:<boolean>]"
        ),
        "unix",
    ),
    ("in statistics-channels", "<address>|* [port:<port>|*] [allow:{match}]", "inet"),
    ("in logging", "<text> {channels}", "category"),
    ("in logging", "<text> {channel}", "channel"),
)
"""What may stand in a block many times."""

LISTS: Final[Mapping[str, Pattern]] = MappingProxyType(
    {
        name: pattern_of(notation)
        for name, notation in {
            "servers": "<address>|@list [port:<port>] [key:@key] [tls:@tls]"
            " [dscp:<integer>] [source:<address>|*]",
            "forwarders": "<address> [port:<port>] [dscp:<integer>] [tls:@tls]",
            "addresses": "<address>",
            "hosts": "<address>|<text> [port:<port>] [dscp:<integer>]",
            "names": "<text>",
            "taps": "all|auth|client|forwarder|resolver|update query|response?",
            "paths": "<quoted>",
            "keys": "@key",
            "channels": "@channel",
            "grants": "deny|grant <text> ...",
            "ranges": "range? <port> <port>?",
            "anchors": "<text> static-key|initial-key|static-ds|initial-ds"
            " <integer> <integer> <integer> <quoted>",
            "old-keys": "<text> <integer> <integer> <integer> <quoted>",
            "orders": "[class:<text>] [type:<text>] [name:<text>]"
            " order fixed|random|cyclic|none",
            "policies": "zone <text> ...",
            "catalogs": "zone <text> ...",
            "policy-keys": "csk|ksk|zsk key-directory|key-store? ...",
        }.items()
    }
)
"""What an element of each list looks like; ``match`` is built into the parser."""


_BLOCKS: Final[Mapping[str, str]] = MappingProxyType(
    {"^": TOP, "O": "options", "V": "view", "S": "server"}
)


def _places(places: str) -> list[tuple[str, str]]:
    """Return the blocks of a rule, and for zones the types it holds for."""
    if places.startswith("in "):
        return [(places.removeprefix("in "), "")]
    types = "".join(c for c in places if c.islower())
    found = [(_BLOCKS[c], "") for c in places if c in _BLOCKS]
    return [*found, ("zone", types)] if types else found


def _sections() -> dict[str, dict[str, Clause]]:
    """Return the clauses of every block, ``include`` among them."""
    found: dict[str, dict[str, Clause]] = {}
    current = [(Status.CURRENT, *rule, "") for rule in RULES]
    repeated = [(Status.CURRENT, *rule, "") for rule in REPEATED]
    for many, rules in ((False, current), (True, repeated), (True, OLD)):
        for status, places, notation, names, hint in rules:
            pattern = pattern_of(notation)
            for block, types in _places(places):
                for name in names.split():
                    clause = Clause(name, pattern, many, types, status, hint)
                    found.setdefault(block, {})[name] = clause
    include = Clause("include", pattern_of("<quoted>"), multiple=True)
    for clauses in found.values():
        clauses["include"] = include
    found["options"]["check-names"] = _many(found["options"]["check-names"])
    found["view"]["check-names"] = _many(found["view"]["check-names"])
    return found


def _many(clause: Clause) -> Clause:
    return Clause(clause.name, clause.pattern, multiple=True, zones=clause.zones)


SECTIONS: Final[Mapping[str, Mapping[str, Clause]]] = MappingProxyType(
    {block: MappingProxyType(clauses) for block, clauses in _sections().items()}
)
"""The clauses of every block by name; ``TOP`` is the file itself."""


def homes(name: str) -> list[str]:
    """Return the blocks that take a statement of this name."""
    return [block for block, clauses in SECTIONS.items() if name in clauses]
