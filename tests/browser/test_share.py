"""A server shared on the network: nothing before the passphrase, and then what the role allows."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from goldsets import sample
from goldsets.labelling.types import Settings
from goldsets.store import evenings, gold, open_workspace
from goldsets.types import GoldSet
from tests.browser.conftest import ROOT, await_server, free_port, settled, shot

PASSPHRASE = "margherita please"


@pytest.fixture
def workspace(tmp_path):
    workspace = open_workspace(tmp_path / "workspace")
    corpus = sample.load(workspace)
    held = gold.read(workspace, sample.NAME)
    gold.write(workspace, GoldSet("friday", corpus.name, held.queries[:3]), "test")
    evenings.create(workspace, "friday", "friday", Settings())
    return workspace


def pizza(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from goldsets.cli import main; main()", "serve", *arguments]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PIZZA_NO_SAMPLE": "1", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_it_is_not_shared_without_a_passphrase(workspace):
    environment = dict.fromkeys(("PIZZA_PASSPHRASE",), "")
    process = pizza("--share", "--workspace", str(workspace.path), **environment)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.count("\n") == 1
    assert "sharing needs a passphrase" in said


def status(url: str, **headers: str) -> int:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as e:
        return e.code


def test_a_rater_comes_in_by_the_passphrase_and_the_host_by_the_code(workspace, browser: Browser):
    port = free_port()
    arguments = ("--share", "--port", str(port), "--workspace", str(workspace.path))
    process = pizza(*arguments, PIZZA_PASSPHRASE=PASSPHRASE)
    try:
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        assert PASSPHRASE not in first + second
        code = second.split()[-1]
        await_server(f"http://127.0.0.1:{port}/_stcore/health")
        address = first.split()[1]  # as somebody on the network reaches it
        assert PASSPHRASE.encode() not in Path(f"/proc/{process.pid}/environ").read_bytes()
        assert status(f"{address}/_stcore/host-config") == 403
        assert status(f"{address}/", Host="evil.example", Accept="text/html") == 403

        rater = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        rater.goto(address)
        expect(rater.get_by_label("Passphrase · 암호")).to_be_visible()
        rater.get_by_label("Passphrase · 암호").fill("quattro formaggi")
        rater.keyboard.press("Enter")
        expect(rater.get_by_text("that is not the passphrase")).to_be_visible()
        shot(rater, "door")
        rater.get_by_label("Passphrase · 암호").fill(PASSPHRASE)
        rater.keyboard.press("Enter")
        rater.get_by_label("Your name").fill("Ann")
        rater.keyboard.press("Enter")
        expect(rater.get_by_text("Queries done")).to_be_visible()
        settled(rater)
        assert "Sweep" not in rater.locator("[data-testid=stSidebar]").inner_text()
        expect(rater.get_by_text("New evening")).to_have_count(0)
        for name in ("Sweep", "Providers", "Cost"):
            rater.goto(f"{address}/{name.lower()}")
            expect(rater.get_by_text(f"{name} is the host's")).to_be_visible()
            expect(rater.get_by_role("button", name="Check")).to_have_count(0)
            expect(rater.get_by_role("button", name="Set budgets")).to_have_count(0)

        thief = browser.new_context().new_page()
        thief.goto(address)
        thief.get_by_label("Passphrase · 암호").fill(PASSPHRASE)
        thief.keyboard.press("Enter")
        settled(thief)
        thief.goto(f"{address}/label?evening=friday&rater=Ann")
        thief.get_by_label("Your name").fill("Ann")
        thief.keyboard.press("Enter")
        expect(thief.get_by_text("is taken tonight")).to_be_visible()

        host = browser.new_context().new_page()
        host.goto(address)
        host.get_by_label("Passphrase · 암호").fill(code)
        host.keyboard.press("Enter")
        expect(host.get_by_label("Your name")).to_be_visible()
        settled(host)
        assert "Sweep" in host.locator("[data-testid=stSidebar]").inner_text()
        for page in (rater, thief, host):
            page.context.close()
    finally:
        process.kill()
        process.communicate()
    people = {
        m.name: m.role for m in evenings.members(workspace, evenings.named(workspace, "friday"))
    }
    assert people == {"Ann": "rater"}


def test_alone_it_listens_on_this_machine_only(workspace):
    port = free_port()
    process = pizza("--port", str(port), "--workspace", str(workspace.path))
    try:
        await_server(f"http://127.0.0.1:{port}/_stcore/health")
        listening = {
            row[1].split(":")[0]
            for name in ("tcp", "tcp6")
            for row in map(str.split, Path(f"/proc/net/{name}").read_text().splitlines()[1:])
            if row[3] == "0A" and int(row[1].split(":")[1], 16) == port
        }
        assert listening == {"0100007F"}
    finally:
        process.kill()
        process.communicate()
