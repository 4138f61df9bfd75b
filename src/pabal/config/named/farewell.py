"""Statements of a named.conf that BIND is about to drop or dropped.

Written like the rules of ``pabal.config.named.schema``, with the status first and
what to do last. Sans-IO.
"""

from typing import Final

from pabal.config.named.grammar import Status

OLD: Final = (
    # places, pattern, names, what to do
    (Status.DEPRECATED, "^V", "{anchors}", "managed-keys", "use trust-anchors"),
    (
        Status.DEPRECATED,
        "^V",
        "{old-keys}",
        "trusted-keys",
        "use trust-anchors with static-key",
    ),
    (
        Status.DEPRECATED,
        "OVps",
        "allow|maintain|off",
        "auto-dnssec",
        "use dnssec-policy",
    ),
    (
        Status.DEPRECATED,
        "OVpsm",
        "<ipv4>|* [port:<port>|*] [dscp:<integer>]",
        "alt-transfer-source",
        "remove it",
    ),
    (
        Status.DEPRECATED,
        "OVpsm",
        "<ipv6>|* [port:<port>|*] [dscp:<integer>]",
        "alt-transfer-source-v6",
        "remove it",
    ),
    (Status.DEPRECATED, "OVsmu", "<boolean>", "use-alt-transfer-source", "remove it"),
    (
        Status.DEPRECATED,
        "OVpsu",
        "notify|notify-passive|passive|refresh|<boolean>",
        "dialup",
        "remove it",
    ),
    (Status.DEPRECATED, "fhu", "<boolean>", "delegation-only", "remove it"),
    (Status.DEPRECATED, "OV", "<boolean>", "glue-cache", "remove it"),
    (
        Status.DEPRECATED,
        "OV",
        "<integer>",
        "resolver-nonbackoff-tries resolver-retry-interval",
        "remove it",
    ),
    (Status.DEPRECATED, "OV", "<text> <boolean>", "dnssec-must-be-secure", "remove it"),
    (Status.DEPRECATED, "OV", "[exclude:{names}]", "root-delegation-only", "remove it"),
    (
        Status.DEPRECATED,
        "O",
        "default|unlimited|<size>",
        "coresize datasize files stacksize",
        "let the service manager limit it",
    ),
    (Status.DEPRECATED, "O", "<integer>", "heartbeat-interval", "remove it"),
    (Status.DEPRECATED, "O", "<integer>", "reserved-sockets", "remove it"),
    (Status.DEPRECATED, "O", "<quoted> <integer>", "tkey-dhkey", "remove it"),
    (
        Status.DEPRECATED,
        "O",
        "<quoted>",
        "tkey-domain tkey-gssapi-credential",
        "use tkey-gssapi-keytab",
    ),
    (
        Status.DEPRECATED,
        "O",
        "{ranges}",
        "avoid-v4-udp-ports avoid-v6-udp-ports use-v4-udp-ports use-v6-udp-ports",
        "let the kernel choose the ports",
    ),
    (Status.OBSOLETE, "O", "<quoted>|none", "random-device", "remove it"),
    (Status.OBSOLETE, "O", "<integer>", "dscp", "remove it"),
    (Status.OBSOLETE, "OV", "<boolean>", "suppress-initial-notify", "remove it"),
    (
        Status.OBSOLETE,
        "in dnssec-policy",
        "<duration>",
        "parent-registration-delay",
        "remove it",
    ),
    (
        Status.REMOVED,
        "O",
        "...",
        (
            "deallocate-on-exit fake-iquery has-old-clients host-statistics"
            " host-statistics-max multiple-cnames named-xfer serial-queries sit-secret"
            " statistics-interval treat-cr-as-space use-id-pool use-ixfr"
        ),
        "remove it",
    ),
    (
        Status.REMOVED,
        "OV",
        "...",
        (
            "acache-cleaning-interval acache-enable additional-from-auth"
            " additional-from-cache allow-v6-synthesis cleaning-interval fetch-glue"
            " filter-aaaa max-acache-size min-roots nosit-udp-size queryport-pool-ports"
            " queryport-pool-updateinterval request-sit rfc2308-type1 topology"
            " use-queryport-pool"
        ),
        "remove it",
    ),
    (
        Status.REMOVED,
        "OV",
        "...",
        "filter-aaaa-on-v4 filter-aaaa-on-v6",
        "use the plugin filter-aaaa",
    ),
    (
        Status.REMOVED,
        "OV",
        "...",
        "dnssec-enable",
        "remove it: DNSSEC is always answered",
    ),
    (
        Status.REMOVED,
        "OV",
        "...",
        "dnssec-lookaside",
        "remove it: the registry it asked is gone",
    ),
    (
        Status.REMOVED,
        "OVpsm",
        "...",
        "maintain-ixfr-base max-ixfr-log-size",
        "use max-journal-size",
    ),
    (Status.REMOVED, "psm", "...", "ixfr-base ixfr-tmp-file", "use journal"),
    (Status.REMOVED, "psmhu", "...", "pubkey", "remove it"),
    (Status.REMOVED, "OVS", "...", "support-ixfr", "use provide-ixfr"),
    (Status.REMOVED, "^", "...", "lwres", "remove it"),
)
"""What BIND says goodbye to."""
