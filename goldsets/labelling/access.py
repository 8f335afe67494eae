"""Who may come in when an evening is shared on the network: by a passphrase, or by signing in.

The passphrase is never kept in clear: the server holds salted scrypt hashes. Whoever has said it is
known by a signed cookie until it runs out. Whoever signs in is known by what the identity provider
says of them; hosts are those whose e-mail was named when the server was started.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldsets.labelling.types import Role
from retrieval.errors import Forbidden, InputError

SHORTEST = 8
ATTEMPTS, WINDOW_SECONDS = 5, 60.0
EVERYBODY = 50
"""Failed attempts in a window: of one address, and of all together."""
COOKIE_SECONDS = 16 * 3600.0
COST = {"n": 2**14, "r": 8, "p": 1}
EMAIL = re.compile(r"[^@\s|]+@[^@\s|]+")


@dataclass(frozen=True)
class Viewer:
    """Somebody at a browser; `identity` is theirs alone, empty where the server is not shared.

    `name` is what an identity provider calls them.
    """

    role: Role
    identity: str = ""
    name: str = ""


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


@dataclass(frozen=True)
class SignIn:
    """The other door: whom an identity provider vouches for comes in; `hosts` are e-mails."""

    hosts: frozenset[str]

    @classmethod
    def of(cls, emails: Sequence[str]) -> "SignIn":
        """Make the door whose hosts have these e-mails.

        Raises:
            InputError: there is none, or one is not an e-mail.
        """
        for email in emails:
            if not EMAIL.fullmatch(email):
                raise InputError(f"{email!r} is not an e-mail; name hosts like ann@example.org")
        if not emails:
            raise InputError("say who is a host: --host-email ann@example.org, once for each")
        return cls(frozenset(map(_lower, emails)))

    def viewer(self, claims: Mapping[str, Any], clock: float | None = None) -> Viewer | None:
        """Return who signed in with these claims; None if nobody did, or too long ago."""
        issuer, subject, issued = (claims.get(c) for c in ("iss", "sub", "iat"))
        if claims.get("is_logged_in") is not True or not issuer or not subject:
            return None
        moment = time.time() if clock is None else clock
        if not isinstance(issued, int | float) or issued + COOKIE_SECONDS < moment:
            return None
        email = str(claims.get("email") or "")
        verified = str(claims.get("email_verified", True)).lower() == "true"
        role: Role = "host" if verified and _lower(email) in self.hosts else "rater"
        name = str(claims.get("name") or email.partition("@")[0])
        return Viewer(role, f"{issuer} {subject}", "".join(filter(str.isprintable, name)))


def _lower(email: str) -> str:
    """Lower the letters of ASCII alone, lest a look-alike of a letter becomes that letter."""
    return "".join(c.lower() if c.isascii() else c for c in email)
