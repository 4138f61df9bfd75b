"""The other side of SCRAM-SHA-256, written from RFC 5802 alone."""

import base64
import hashlib
import hmac


class ScramClient:
    def __init__(
        self, user: str, password: str, gs2: str = "n,,", binding: bytes = b""
    ) -> None:
        self.password = password.encode()
        self.gs2 = gs2
        self.binding = binding
        self.bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r=fyko+d2l"
        self.signature = b""

    def first(self) -> bytes:
        return f"{self.gs2}{self.bare}".encode()

    def last(self, challenge: bytes) -> bytes:
        fields = dict(part.split("=", 1) for part in challenge.decode().split(","))
        salted = hashlib.pbkdf2_hmac(
            "sha256", self.password, base64.b64decode(fields["s"]), int(fields["i"])
        )
        key = hmac.digest(salted, b"Client Key", "sha256")
        binding = base64.b64encode(self.gs2.encode() + self.binding).decode()
        without = f"c={binding},r={fields['r']}"
        said = f"{self.bare},{challenge.decode()},{without}".encode()
        stored = hashlib.sha256(key).digest()
        mask = hmac.digest(stored, said, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, mask, strict=True))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        signature = hmac.digest(server_key, said, "sha256")
        self.signature = b"v=" + base64.b64encode(signature)
        return f"{without},p={base64.b64encode(proof).decode()}".encode()
