"""Who may come in when an evening is shared on the network: a passphrase, and what it opens.

The passphrase is never kept in clear: the server holds salted scrypt hashes. Whoever has said it is
known by a signed cookie until it runs out.
"""

import hashlib
import hmac
import secrets
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

from goldsets.labelling.types import Role
from retrieval.errors import Forbidden, InputError

SHORTEST = 8
ATTEMPTS, WINDOW_SECONDS = 5, 60.0
EVERYBODY = 50
"""Failed attempts in a window: of one address, and of all together."""
COOKIE_SECONDS = 16 * 3600.0
COST = {"n": 2**14, "r": 8, "p": 1}


@dataclass(frozen=True)
class Viewer:
    """Somebody at a browser; `identity` is theirs alone, empty where nobody has to sign in."""

    role: Role
    identity: str = ""


def hashed(passphrase: str) -> str:
    """Hash a passphrase with a fresh salt (scrypt), as text.

    Raises:
        InputError: it is too short.
    """
    if len(passphrase.strip()) < SHORTEST:
        raise InputError(f"a passphrase needs {SHORTEST} characters or more")
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_scrypt(passphrase, salt).hex()}"


def matches(passphrase: str, kept: str) -> bool:
    """Compare a passphrase with a hash, in constant time."""
    salt, digest = (bytes.fromhex(part) for part in kept.split(":"))
    return hmac.compare_digest(_scrypt(passphrase, salt), digest)


def _scrypt(passphrase: str, salt: bytes) -> bytes:
    return hashlib.scrypt(passphrase.strip().encode(), salt=salt, **COST)


@dataclass
class Gate:
    """The door of a shared evening: `raters` and `hosts` are hashes of what each has to say."""

    raters: str
    hosts: str
    secret: bytes
    failed: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def enter(self, passphrase: str, address: str, clock: float | None = None) -> str:
        """Return the cookie of whoever says the passphrase.

        Raises:
            Forbidden: it is wrong, or there have been too many attempts.
        """
        moment = time.monotonic() if clock is None else clock
        for who, most in ((address, ATTEMPTS), ("", EVERYBODY)):
            held = self.failed[who]
            while held and held[0] < moment - WINDOW_SECONDS:
                held.popleft()
            if len(held) >= most:
                raise Forbidden("too many attempts; wait a minute")
        host, rater = matches(passphrase, self.hosts), matches(passphrase, self.raters)
        if host or rater:
            return self.cookie("host" if host else "rater")
        for who in (address, ""):
            self.failed[who].append(moment)
        if len(self.failed) > 10_000:
            self.failed.clear()
        raise Forbidden("that is not the passphrase")

    def cookie(self, role: Role, clock: float | None = None) -> str:
        """Make the signed cookie of somebody new."""
        until = int((time.time() if clock is None else clock) + COOKIE_SECONDS)
        said = f"{role}.{secrets.token_urlsafe(12)}.{until}"
        return f"{said}.{self._signed(said)}"

    def viewer(self, cookie: str, clock: float | None = None) -> Viewer | None:
        """Return who a cookie belongs to; None if it is not ours or has run out."""
        said, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(self._signed(said).encode(), signature.encode()):
            return None
        role, identity, until = said.split(".")
        if int(until) < (time.time() if clock is None else clock):
            return None
        return Viewer("host" if role == "host" else "rater", identity)

    def _signed(self, said: str) -> str:
        return hmac.new(self.secret, said.encode(), "sha256").hexdigest()
