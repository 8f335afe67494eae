"""Starting the app's server, alone or for the network."""

import os
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldsets import sign_in
from goldsets.labelling.access import SignIn, hashed
from retrieval.errors import InputError

ROOT = Path(__file__).parents[1]
APP = ROOT / "pages" / "ui" / "server.py"


@dataclass(frozen=True)
class Share:
    """A way to share: the `door` that gate.py sets up, this server's names, what to tell people."""

    door: str
    names: tuple[str, ...]
    said: str
    secrets: Path | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """Return what the server is told."""
        return {"PIZZA_GATE": self.door, "PIZZA_HOSTS": ",".join(self.names).lower()}


def by_passphrase(passphrase: str, port: int, names: Sequence[str]) -> Share:
    """Share behind a passphrase: the server holds hashes, and a fresh secret.

    Raises:
        InputError: the passphrase is too short, or missing.
    """
    if not passphrase:
        raise InputError(
            "sharing needs a passphrase (set PIZZA_PASSPHRASE, or answer when --share asks for one)"
            " or a sign-in (--sign-in)"
        )
    code = secrets.token_urlsafe(9)
    parts = ("passphrase", hashed(passphrase), hashed(code), secrets.token_hex(32))
    said = (
        f"Raters: http://{names[-1]}:{port} and the passphrase\n"
        f"Hosts:  the same, and instead of the passphrase: {code}"
    )
    return Share("|".join(parts), tuple(names), said)


def by_sign_in(
    emails: Sequence[str], secrets_file: Path | None, port: int, names: Sequence[str]
) -> Share:
    """Share with whom the identity provider of Streamlit's secrets vouches for.

    Raises:
        InputError: no host is named, or the secrets lack what it takes.
    """
    SignIn.of(emails)
    file, auth = sign_in.find(secrets_file, (Path.home(), ROOT))
    back = sign_in.address(auth, port)
    said = (
        f"Raters: {back.scheme}://{back.netloc} and sign in\n"
        f"Hosts:  the same, as {' or '.join(emails)}"
    )
    return Share("|".join(("sign-in", *emails)), (*names, back.hostname or ""), said, file)


def command(port: int, share: Share | None = None) -> list[str]:
    """Return the command that serves the app: to this machine alone unless it is shared.

    Raises:
        InputError: the pages are not beside this package (it was installed without them).
    """
    if not APP.is_file():
        raise InputError(f"the pages are not at {APP.parent}; serve from a clone of the repository")
    return [
        *(sys.executable, "-m", "streamlit", "run", str(APP)),
        f"--server.address={'0.0.0.0' if share else '127.0.0.1'}",  # noqa: S104
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
        *([f"--secrets.files={share.secrets}"] if share and share.secrets else ()),
    ]


def names_here() -> list[str]:
    """Return the names and addresses this machine is reached by on its network."""
    host = socket.gethostname()
    found = [host, f"{host}.local"]
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("10.255.255.255", 1))  # sends nothing: it only picks a way out
            found.append(str(probe.getsockname()[0]))
    except OSError:
        pass
    return list(dict.fromkeys(found))


def run(parts: list[str], extra: Mapping[str, str]) -> None:
    """Become the server, in the folder of the repository; its passphrase is in no environment.

    The workspace is that of the folder one stands in, as with every other command.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PIZZA_PASSPHRASE"}
    workspace = environment.get("PIZZA_WORKSPACE") or "workspace"
    environment["PIZZA_WORKSPACE"] = str(Path(workspace).resolve())
    os.chdir(ROOT)
    os.execve(parts[0], parts, {**environment, **extra})  # noqa: S606
