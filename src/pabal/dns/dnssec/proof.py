"""What a proof of absence says.

Sans-IO, pure.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Proof:
    """Something is not there.

    Attributes:
        cut: The name begins another zone: one without DS has no keys its parent knows.
        opt_out: Unsigned zones may hide here (RFC 5155 §6): not there, or not signed.
        weak: Why the proof is not worth its work, so that the answer counts as
            unsigned (RFC 9276 §3.2); empty otherwise.
    """

    cut: bool = False
    opt_out: bool = False
    weak: str = ""

    @property
    def is_secure(self) -> bool:
        """Whether it proves that nothing is there (RFC 5155 §9.2)."""
        return not (self.opt_out or self.weak)
