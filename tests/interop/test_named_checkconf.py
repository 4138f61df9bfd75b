"""BIND's own verdict: what `named-checkconf` accepts, we accept too."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pabal.config.named.check import check
from pabal.config.named.definitions import BUILT_IN
from pabal.config.named.disk import DiskFiles
from pabal.config.named.grammar import Item, Options, Pattern
from pabal.config.named.schema import LISTS, SECTIONS, TOP

TOOL = shutil.which("named-checkconf")
pytestmark = pytest.mark.skipif(TOOL is None, reason="named-checkconf is not installed")

KEY = 'key k { algorithm hmac-sha256; secret "c2VjcmV0"; };\n'

ACCEPTED = {
    "empty": "",
    "comments": "// a\n# b\n/* c\n * d **/ options { /**/ }; # e",
    "one line": 'options{recursion no;};zone"a"{type primary;file"f";};',
    "case": 'OPTIONS { Recursion YES; }; Zone "a" IN { TYPE Primary; FILE "f"; };',
    "caching": """
        acl office { 10/8; 192.168/16; !10.9.9.9; 2001:db8::/32; fe80::1%lo; };
        options {
            directory "/tmp"; pid-file none; version none; hostname none;
            listen-on port 5353 { 127.0.0.1; !10.0.0.1; office; };
            listen-on-v6 { ::1; };
            allow-query { "office"; localhost; localnets; };
            allow-recursion { ! 10.1.0.0/16; { office; !{ any; }; }; };
            allow-query-cache { key k; any; };
            blackhole { none; };
            forwarders { 192.0.2.53; 2001:db8::53 port 5353; };
            forward first;
            max-cache-size 90%; max-cache-ttl 1w; min-cache-ttl 90;
            max-ncache-ttl PT1H; max-stale-ttl 1d12h; stale-answer-enable yes;
            stale-answer-client-timeout off;
            dnssec-validation auto; qname-minimization strict;
            prefetch 2 9; fetches-per-server 200 fail;
            fetch-quota-params 100 .1 0.3 1.0;
            minimal-responses no-auth-recursive; recursive-clients 2000;
            deny-answer-addresses { 10/8; } except-from { "example.com"; };
            deny-answer-aliases { "example.net"; };
            response-padding { any; } block-size 128;
            rrset-order { class IN type A name "www.example.com" order fixed;
                order cyclic; };
            rate-limit { responses-per-second 5; window 5; slip 2;
                exempt-clients { office; }; log-only yes; };
            disable-algorithms "example.org" { RSASHA1; };
            disable-empty-zone "10.in-addr.arpa";
            validate-except { "corp"; };
            dns64 64:ff9b::/96 { clients { any; }; mapped { !10/8; any; };
                suffix ::; break-dnssec no; };
            query-source address * ; query-source-v6 address ::1;
            transfer-source 127.0.0.1; notify-source *;
            dual-stack-servers port 53 { "ns.example.com" port 54; 192.0.2.1; };
            sortlist { { localhost; { localnets; }; }; };
            tcp-clients 100; edns-udp-size 1232; server-id hostname;
            querylog yes; zone-statistics full; max-udp-size 1232;
        };
        """
    + KEY,
    "authoritative": KEY
    + """
        primaries upstream port 53 { 192.0.2.1 key k; 192.0.2.2 port 54; };
        primaries more { upstream; 2001:db8::1; };
        options { allow-transfer { key k; 192.0.2.0/24; }; notify explicit;
            also-notify { upstream; 192.0.2.9 port 5353 key k; };
            serial-query-rate 50; max-zone-ttl unlimited; };
        zone "example.com" IN { type primary; file "example.com.zone";
            update-policy { grant k zonesub ANY; grant * self * A AAAA;
                deny k name x.example.com. TXT; };
            journal "j"; zone-statistics terse; check-names warn;
            ixfr-from-differences yes; masterfile-format text; };
        zone "b.example" { type master; file "b.zone"; allow-update { none; };
            update-check-ksk no; };
        zone "c.example" { type slave; masters { more; }; file "c.zone";
            allow-notify { 192.0.2.3; }; transfer-source *; };
        zone "d.example" { type secondary; primaries port 55 { upstream; }; };
        zone "e.example" { type stub; primaries { 192.0.2.1; }; file "e"; };
        zone "f.example" { type forward; forward only; forwarders { 192.0.2.1; }; };
        zone "g.example" { type static-stub; server-addresses { 192.0.2.1; };
            server-names { "ns.example.net"; }; };
        zone "." { type hint; file "root.hints"; };
        zone "2.0.192.in-addr.arpa" { type primary; file "rev"; };
        zone "h.example" { type primary; update-policy local; file "h"; };
        zone "i.example" { type primary; database "x y"; };
        """,
    "views": KEY
    + """
        acl inside { 10/8; };
        view "in" { match-clients { key k; inside; }; recursion yes;
            zone "a" { type primary; file "in/a"; };
            include "/etc/hostname"; };
        """.replace('include "/etc/hostname";', "")
    + """
        view "out" IN { match-clients { any; }; match-recursive-only no;
            allow-recursion { none; };
            server 192.0.2.7 { bogus yes; };
            zone "a" { type primary; file "out/a"; };
            zone "b" { type primary; file "out/b"; }; };
        view "third" { match-destinations { 192.0.2.1; };
            zone "b" { in-view "out"; }; };
        """,
    "signing": """
        dnssec-policy "mine" {
            keys { ksk key-directory lifetime unlimited algorithm ecdsap256sha256;
                zsk lifetime P30D algorithm ecdsap256sha256; };
            nsec3param iterations 0 optout no salt-length 0;
            dnskey-ttl 3600; max-zone-ttl 1d; signatures-refresh P5D;
            purge-keys P90D; parent-ds-ttl 86400;
        };
        options { dnssec-policy default; key-directory "/tmp"; };
        zone "a" { type primary; file "a"; dnssec-policy "mine"; inline-signing yes; };
        zone "b" { type primary; file "b"; dnssec-policy none; };
        trust-anchors { "." initial-ds 20326 8 2 "E06D44B80B8F1D39A95C0B0D7C65D08458
            E880409BBC683457104237C7F8EC8D"; };
        """,
    "channels": KEY
    + """
        controls { inet 127.0.0.1 port 953 allow { localhost; } keys { "k"; };
            inet ::1 allow { ::1; } keys { k; } read-only yes; };
        statistics-channels { inet 127.0.0.1 port 8053 allow { 127.0.0.1; };
            inet * port 8054; };
        server 192.0.2.1 { keys { k; }; edns no; transfer-format one-answer; };
        server 2001:db8::/32 { keys k; transfers 3; tcp-only yes; };
        """,
    "logging": """
        logging {
            channel a { file "/tmp/a.log" versions 3 size 5m; severity dynamic;
                print-time yes; print-category yes; print-severity no; buffered yes; };
            channel b { syslog daemon; severity debug 3; };
            channel c { stderr; severity info; };
            channel d { null; };
            channel e { syslog; print-time iso8601-utc; };
            channel f { file "f" versions unlimited size unlimited suffix timestamp; };
            category default { a; default_syslog; default_debug; };
            category queries { "b"; }; category lame-servers { null; };
            category rpz { c; d; e; f; };
        };
        """,
    "policies": """
        options {
            response-policy { zone "rpz" policy given log yes; zone "rpz2"
                max-policy-ttl 60; } break-dnssec yes min-ns-dots 1;
            catalog-zones { zone "cat" default-primaries { 192.0.2.1; } in-memory no
                zone-directory "/tmp" min-update-interval 10; };
        };
        zone "rpz" { type primary; file "rpz"; };
        zone "rpz2" { type secondary; primaries { 192.0.2.1; }; };
        zone "cat" { type primary; file "cat"; };
        """,
    "encrypted": """
        tls t { cert-file "/tmp/c"; key-file "/tmp/k"; protocols { TLSv1.2; TLSv1.3; };
            ciphers "HIGH"; prefer-server-ciphers yes; session-tickets no; };
        http h { endpoints { "/dns-query"; "/q"; }; listener-clients 10; };
        options { listen-on port 853 tls t { any; };
            listen-on port 443 tls t http h { any; };
            listen-on-v6 port 80 tls none http default { any; };
            listen-on tls ephemeral { 127.0.0.1; };
            tls-port 853; https-port 443; http-port 80; };
        """,
    "old": """
        options { glue-cache yes; dialup no; dscp 5; suppress-initial-notify no;
            use-v4-udp-ports { range 1024 65535; }; coresize unlimited; };
        managed-keys { . initial-key 257 3 8 "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJz
            kKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kv
            ArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/
            EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTId
            sIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8sub
            X2Nn6UwNR1AkUTV74bU="; };
        """,
    "things not there": """
        acl a { a; b; }; acl b { any; };
        options { allow-transfer { key nobody; }; forwarders { }; also-notify { }; };
        """,
}

REFUSED = [
    'options {\n directory "/tmp"\n recursion yes;\n};',
    "options { recursion yes; }\nacl a { any; };",
    "options { recursion yes;\nacl a { any; };",
    "options { allow-qurey { any; }; };",
    "options { recursion on; };",
    "options { recursion = yes; };",
    "options { directory /tmp; };",
    "options { allow-query { 10.0.0.1/8; }; };",
    "options { allow-query { any;; }; };",
    "options { allow-query any; };",
    "options { recursion yes; recursion no; };",
    "options { }; options { };",
    "options { }; }",
    "options { allow-query { nobody; }; };",
    "options { forward only; };",
    "options { max-cache-ttl 3x; };",
    "options { dnssec-enable yes; };",
    'options { listen-on port 70000 { any; }; version "x" "y"; };',
    'zone "a" { type primary; };',
    'zone "a" { file "f"; };',
    'zone "a" { type secondary; };',
    'zone "a" { type primary; file "f"; }; zone "A." { type primary; file "g"; };',
    'zone "a" { type primary; file "f"; }; view v { };',
    'zone "a..b" { type primary; file "f"; };',
    "acl a { any; }; acl a { any; };",
    "key k { algorithm hmac-sha256; };",
    'key k { algorithm hmac-x; secret "AAAA"; };',
    "logging { category querys { null; }; };",
    "server 192.0.2.1 { keys nobody; };",
    'include "/nope/nope.conf";',
    "/* never closed",
    '"options" { };',
]


def verdict(path: Path) -> bool:
    assert TOOL is not None
    done = subprocess.run([TOOL, path], capture_output=True, check=False, timeout=20)
    return done.returncode == 0


def errors(path: Path) -> list[str]:
    text = path.read_text()
    found = check(str(path), text, DiskFiles()).problems
    return [p.render() for p in found if not p.warning]


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_it_accepts_we_accept(name: str, tmp_path: Path) -> None:
    path = tmp_path / "named.conf"
    path.write_text(ACCEPTED[name])
    assert verdict(path)
    assert errors(path) == []


@pytest.mark.parametrize("text", REFUSED)
def test_what_it_refuses_we_refuse(text: str, tmp_path: Path) -> None:
    path = tmp_path / "named.conf"
    path.write_text(text)
    assert not verdict(path)
    assert errors(path)


def value(item: Item) -> str:
    if item.rest or item.optional:
        return ""
    if item.refers and not item.words:
        return (*BUILT_IN[item.refers], "text")[0]
    if item.words or item.kinds:
        return item.example()
    if item.braces in LISTS:
        return f"{{ {sample(LISTS[item.braces])}; }}"
    return "{ any; }" if item.braces == "match" else "{ }"


def sample(pattern: Pattern) -> str:
    parts: list[str] = []
    for part in pattern:
        if isinstance(part, Options):
            for word, items in part.items.items():
                parts += [word, *(value(item) for item in items)]
        else:
            parts.append(value(part))
    return " ".join(parts)


BLOCKS = {
    TOP: "{}",
    "options": "options {{ {} }};",
    "view": "view v {{ {} }};",
    "server": "server 192.0.2.1 {{ {} }};",
    "zone": 'zone "a" {{ type primary; file "f"; {} }};',
    "key": "key k {{ {} }};",
    "tls": "tls t {{ {} }};",
    "http": "http h {{ {} }};",
    "dnssec-policy": "dnssec-policy p {{ {} }};",
    "rate-limit": "options {{ rate-limit {{ {} }}; }};",
    "dns64": "options {{ dns64 64:ff9b::/96 {{ {} }}; }};",
    "channel": "logging {{ channel c {{ {} }}; }};",
    "logging": "logging {{ {} }};",
    "controls": "controls {{ {} }};",
    "statistics-channels": "statistics-channels {{ {} }};",
}


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS)
def test_every_statement_by_itself(block: str, tmp_path: Path) -> None:
    """A sample of each statement: where BIND says yes, so do we."""
    path = tmp_path / "named.conf"
    for name, clause in SECTIONS[block].items():
        path.write_text(BLOCKS[block].format(f"{name} {sample(clause.pattern)};"))
        assert not verdict(path) or errors(path) == []
