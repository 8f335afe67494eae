"""What a sign-in needs: the section [auth] of Streamlit's secrets, looked at before serving.

No value of a secret is ever part of a sentence here.
"""

import tomllib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from retrieval.errors import InputError

NEEDED = ("client_id", "client_secret", "server_metadata_url")
CALLBACK = "/oauth2callback"
SHORTEST = 32
"""Characters of `cookie_secret`: whoever guesses it is whoever they like."""
PLACE = Path(".streamlit") / "secrets.toml"

Section = Mapping[str, Any]


def providers(auth: Section) -> dict[str, Section]:
    """Return the identity providers of a section [auth] by name; one without is `default`."""
    named = {n: s for n, s in auth.items() if isinstance(s, Mapping) and n != "client_kwargs"}
    return named if named and "client_id" not in auth else {"default": auth, **named}


def find(given: Path | None, folders: Sequence[Path]) -> tuple[Path, Section]:
    """Return the file of secrets and its section [auth]: that given, else the last of the usual.

    Raises:
        InputError: what signing in takes is not installed, no file has such a section, or the
            section lacks something.
    """
    if not all(map(find_spec, ("authlib", "httpx"))):
        raise InputError('signing in needs the extra "auth": pip install -e ".[auth]"')
    if given and given.suffix != ".toml":
        raise InputError(f"{given} does not end in .toml; Streamlit reads no other secrets")
    usual = [folder / PLACE for folder in reversed(folders)]
    for file in [given] if given else usual:
        auth = _read(file).get("auth") if given or file.is_file() else None
        if isinstance(auth, Mapping):
            _check(auth, file)
            return file.resolve(), auth
    places = str(given or " or ".join(map(str, usual)))
    raise InputError(
        f"signing in needs a section [auth] in {places}; docs/pizza-night.md shows one"
    )


def address(auth: Section, port: int) -> SplitResult:
    """Return where the provider sends people back to."""
    return urlsplit(str(auth["redirect_uri"]).replace("{port}", str(port)))


def _read(file: Path) -> Section:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as e:
        raise InputError(f"{file} cannot be read: {e.strerror}") from e
    except ValueError as e:
        raise InputError(f"{file} is not TOML; look at its quotes and brackets") from e


def _check(auth: Section, file: Path) -> None:
    missing = [key for key in ("redirect_uri", "cookie_secret") if not auth.get(key)]
    for name, section in providers(auth).items():
        if "_" in name:
            raise InputError(f"[auth.{name}] in {file} must have a name without underscore")
        missing += [key for key in NEEDED if not section.get(key)]
    if missing:
        raise InputError(f"[auth] in {file} lacks {', '.join(missing)}")
    where = address(auth, 1)
    if where.scheme not in ("http", "https") or where.path != CALLBACK or not where.hostname:
        raise InputError(
            f"redirect_uri in {file} must be this server's address with {CALLBACK},"
            f" like http://pizza.local:8501{CALLBACK}"
        )
    if len(str(auth["cookie_secret"])) < SHORTEST:
        raise InputError(
            f"cookie_secret in {file} needs {SHORTEST} characters or more: "
            "python -c 'import secrets; print(secrets.token_hex())' makes one"
        )
