"""A vendor: its key, its address and its SDK, and what of that is not set up here.

Keys come from the environment when they are used and go nowhere else.
"""

import importlib
import importlib.util
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from threading import Lock
from typing import Any
from urllib.parse import SplitResult, urlsplit

from retrieval.errors import InputError, MissingExtra, MissingKey


@dataclass(frozen=True)
class Vendor:
    """Whom we call: where its key and address are looked for, how many calls at once."""

    name: str
    id: str
    keys: tuple[str, ...]
    url: str
    """The variable that moves its address (a proxy, a test, another server of its kind)."""
    modules: tuple[str, ...]
    """Its SDK; of several the first that is installed is used, and the last is what is brought."""
    extra: str = ""
    """What brings the SDK; nothing where it comes with the product."""
    keyless: bool = False
    """Whether a server at another address may do without a key."""
    at_once: int = 4

    @property
    def key_name(self) -> str:
        """Return the variable that holds the key; nothing where none does."""
        return next((name for name in self.keys if os.environ.get(name, "").strip()), "")

    def key(self) -> str:
        """Return the key; nothing of a vendor that has no variable for one.

        Raises:
            MissingKey: none of its variables is set.
        """
        if not self.keys:
            return ""
        if not self.key_name and not (self.keyless and self.base):
            raise MissingKey(self.name, self.keys)
        return os.environ[self.key_name].strip() if self.key_name else "none"

    @property
    def base(self) -> str | None:
        """Return the address from the environment; None is the vendor's own."""
        return os.environ.get(self.url, "").strip() or None

    @property
    def shown_base(self) -> str:
        """Return the address without what may be secret in it: no user, password or query.

        Raises:
            InputError: it is none.
        """
        parts = self._parts()
        named = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{named}{parts.path}" if self.base else ""

    @property
    def source(self) -> str:
        """Name who answers: the vendor, or it with the host where its address was moved.

        Raises:
            InputError: the address is none.
        """
        if not (self.keyless and self.base):
            return self.id
        parts = self._parts()
        return f"{self.id}@{parts.hostname}" + (f":{parts.port}" if parts.port else "")

    def _parts(self) -> SplitResult:
        try:
            parts = urlsplit(self.base or "")
            fits = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
        except ValueError:
            fits = False
        if self.base and not fits:
            raise InputError(
                "is no address; give one such as https://example.org/v1", where=self.url
            )
        return parts

    @property
    def module(self) -> str:
        """Return the SDK that is installed; nothing where none is."""
        return next(filter(installed, self.modules), "")

    def sdk(self) -> Any:
        """Import the SDK.

        Raises:
            MissingExtra: it is not installed.
        """
        return load(self.module or self.modules[-1], self.extra)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Say what must be set up before it can be called, a sentence each with the fix."""
        problems = []
        if not self.module:
            problems.append(str(missing(self.modules[-1], self.extra)))
        try:
            self.key()
            self._parts()
        except (MissingKey, InputError) as e:
            problems.append(str(e))
        return tuple(problems)


def one_client(make: Callable[[str, str | None], Any]) -> Callable[[str, str | None], Any]:
    """Make a vendor's client once a key and address, however many threads ask for it first.

    `functools.cache` would let each make one, and some SDKs close a client that is dropped while
    another thread calls through it.
    """
    kept, turn = cache(make), Lock()

    @wraps(make)
    def client(key: str, base: str | None) -> Any:
        with turn:
            return kept(key, base)

    return client


def load(module: str, extra: str) -> Any:
    """Import a package.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # one SDK says that it has ended
            return importlib.import_module(module)
    except ModuleNotFoundError as e:
        raise missing(module, extra) from e


def missing(module: str, extra: str) -> MissingExtra:
    """Make the error that names what brings a package."""
    return MissingExtra(f"the package {module}", extra)


def installed(module: str) -> bool:
    """Tell whether a package can be imported, without doing so."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # nor can the package that it is in
        return False
