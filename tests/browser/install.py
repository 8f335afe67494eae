"""See to a browser for the tests: one that is there, else Debian's, else Playwright's own.

python -m tests.browser.install
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find() -> str | None:
    """Return the path of a Chromium or Chrome, or None."""
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    return str(MAC) if MAC.exists() else _playwrights()


def _playwrights() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> None:
    """Install a browser with what this machine has."""
    if os.name == "posix" and shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"stdout": subprocess.DEVNULL}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        command = [
            "apt-get",
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "chromium",
            "fonts-nanum",
        ]
        if subprocess.run(command, check=False, **quiet).returncode == 0:
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def main() -> int:
    """Find or install a browser; fail in one sentence without one."""
    if os.environ.get("PIZZA_NO_BROWSER") == "1" or find():
        return 0
    print("No Chromium or Chrome is here; installing one for the browser tests ...")
    install()
    if find():
        return 0
    print(
        "No browser could be installed; install Chromium, or set PIZZA_NO_BROWSER=1 to go without."
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
