"""How long to try again what left the process and failed: one policy for every vendor."""

from dataclasses import dataclass

from retrieval.errors import SpecError


@dataclass(frozen=True)
class Retry:
    """At most `attempts`, within `deadline_seconds` in all, each of at most `timeout_seconds`.

    Delays double from `first_seconds` to `longest_seconds`; where a vendor says how long to wait
    (Retry-After), that long is waited instead, or nothing is tried again if the deadline is nearer.
    """

    attempts: int = 8
    first_seconds: float = 1.0
    longest_seconds: float = 30.0
    deadline_seconds: float = 300.0
    timeout_seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.timeout_seconds <= 0:
            raise SpecError(f"{self!r} allows no attempt; give one at least, and some time")

    def delay(self, attempt: int, share: float) -> float:
        """Return the seconds to wait after an attempt (from 1); `share` in [0, 1) is the jitter.

        Half is fixed and half is random, so that calls that failed together do not return together.
        """
        whole = min(self.longest_seconds, self.first_seconds * 2.0 ** (attempt - 1))
        return whole * (0.5 + share / 2)
