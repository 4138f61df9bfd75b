"""The algorithms of the console: what is known to be good, and nothing else.

Everybody's client of the last ten years has one of each. No SHA-1, no CBC, no finite
field (a Diffie-Hellman of 8,192 bits would keep the event loop for a tenth of a
second), no compression (it tells lengths, and a bomb fits into it), no MAC over the
plain text.

Without ChaCha20-Poly1305 and CBC there is nothing in which Terrapin (CVE-2023-48795)
could drop a message unseen, also with a client that does not know of its cure.
"""

from typing import Final

KEY_EXCHANGES: Final = (
    # Safe from who records now and has a quantum computer later.
    "mlkem768x25519-sha256",
    "curve25519-sha256",  # RFC 8731
    "curve25519-sha256@libssh.org",  # the same before it had a number
)
CIPHERS: Final = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr")
MACS: Final = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
COMPRESSIONS: Final = ("none",)

SIGNATURES: Final = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",  # RFC 8332: RSA without SHA-1
    "rsa-sha2-256",
)
"""With which clients prove their keys."""
