"""The numbers of DNS this program decides on.

Sans-IO. Source: RFC 1035 §3.2 and §4.1.1, RFC 2136 §1.3 and §2.2,
RFC 6891 §6, RFC 6895.
"""

from typing import Final

A: Final = 1
NS: Final = 2
CNAME: Final = 5
SOA: Final = 6
PTR: Final = 12
MX: Final = 15
TXT: Final = 16
AAAA: Final = 28
SRV: Final = 33
DNAME: Final = 39
OPT: Final = 41
DS: Final = 43
RRSIG: Final = 46
NSEC: Final = 47
DNSKEY: Final = 48
NSEC3: Final = 50
NSEC3PARAM: Final = 51
CDS: Final = 59
CDNSKEY: Final = 60
SVCB: Final = 64
HTTPS: Final = 65
TSIG: Final = 250
IXFR: Final = 251
AXFR: Final = 252
ANY: Final = 255
CAA: Final = 257

ALIAS: Final = 65_401
"""Of private use (RFC 6895 §3.1), as PowerDNS numbers it: the addresses of another
name. In master files only; what is served has the addresses in its place."""

FIRST_META_TYPE: Final = 128
LAST_META_TYPE: Final = 255
"""Question and meta types: never data in a zone (RFC 6895 §3.1)."""

IN: Final = 1
CLASS_NONE: Final = 254
CLASS_ANY: Final = 255

OPCODE_QUERY: Final = 0
OPCODE_NOTIFY: Final = 4
OPCODE_UPDATE: Final = 5

NOERROR: Final = 0
FORMERR: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
NOTIMP: Final = 4
REFUSED: Final = 5
YXDOMAIN: Final = 6
YXRRSET: Final = 7
NXRRSET: Final = 8
NOTAUTH: Final = 9
NOTZONE: Final = 10
BADVERS: Final = 16

QR: Final = 0x8000
AA: Final = 0x0400
TC: Final = 0x0200
RD: Final = 0x0100
RA: Final = 0x0080
AD: Final = 0x0020
CD: Final = 0x0010
OPCODE_MASK: Final = 0x7800
OPCODE_SHIFT: Final = 11

HEADER_OCTETS: Final = 12
"""RFC 1035 §4.1.1."""

UDP_PLAIN_MAX_OCTETS: Final = 512
"""What a client without EDNS takes over UDP (RFC 1035 §4.2.1)."""

MESSAGE_MAX_OCTETS: Final = 65_535
"""What the length prefix of TCP can say (RFC 1035 §4.2.2)."""
