"""Starting the app's server, alone or for the network."""

import os
import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from goldsets.labelling.access import hashed
from retrieval.errors import InputError

APP = Path(__file__).parents[1] / "pages" / "ui" / "server.py"


def command(port: int, address: str) -> list[str]:
    """Return the command that serves the app.

    Raises:
        InputError: the pages are not beside this package (it was installed without them).
    """
    if not APP.is_file():
        raise InputError(f"the pages are not at {APP.parent}; serve from a clone of the repository")
    return [
        *(sys.executable, "-m", "streamlit", "run", str(APP)),
        f"--server.address={address}",
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
    ]


def shared(passphrase: str, names: list[str], host_code: str) -> Mapping[str, str]:
    """Return what the environment of a shared server holds: hashes, and a fresh secret.

    Raises:
        InputError: the passphrase is too short, or missing.
    """
    if not passphrase:
        raise InputError(
            "sharing needs a passphrase: set PIZZA_PASSPHRASE, or answer when --share asks for one"
        )
    gate = "|".join((hashed(passphrase), hashed(host_code), secrets.token_hex(32)))
    return {"PIZZA_GATE": gate, "PIZZA_HOSTS": ",".join(names)}


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
    """Become the server, in the folder of the repository; its passphrase is in no environment."""
    environment = {k: v for k, v in os.environ.items() if k != "PIZZA_PASSPHRASE"}
    workspace = environment.get("PIZZA_WORKSPACE")
    if workspace:
        environment["PIZZA_WORKSPACE"] = str(Path(workspace).resolve())
    os.chdir(APP.parents[2])
    os.execve(parts[0], parts, {**environment, **extra})  # noqa: S606
