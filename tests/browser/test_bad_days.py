"""Bad days of an evening: many raters at once, and a server that is killed while they judge.

Real processes over real sockets. PIZZA_LABELS and PIZZA_KILLS make them longer: 2,000 and 50 by
hand, less in every run.
"""

import http.client
import itertools
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from goldsets.labelling.types import Settings
from goldsets.store import evenings, gold, labels, open_workspace
from goldsets.store.labels import Passage
from goldsets.types import GoldSet, Query
from retrieval.store import corpora
from retrieval.types import Document
from tests.browser.conftest import ROOT, await_server, free_port

LABELS = int(os.environ.get("PIZZA_LABELS", "400"))
KILLS = int(os.environ.get("PIZZA_KILLS", "3"))
RATERS = 20
WIDTH = len("passage 0000 says something. ")


@pytest.fixture
def evening(tmp_path):
    """Twenty raters with a queue of LABELS judgments, two raters an item."""
    workspace = open_workspace(tmp_path / "workspace")
    items = LABELS // 2
    text = "".join(f"passage {i:04} says something. " for i in range(items))
    corpora.write(workspace, "guide", [Document("guide.md", text)])
    queries = tuple(Query(f"q{i}", f"query {i}", needs="any") for i in range(-(-items // 10)))
    gold.write(workspace, GoldSet("tonight", "guide", queries), "test")
    held = evenings.create(workspace, "friday", "tonight", Settings(raters=2))
    rows = [
        Passage(f"q{n // 10}", "guide.md", n * WIDTH, n * WIDTH + WIDTH - 1) for n in range(items)
    ]
    labels.add(workspace, held, "guide", 1, rows)
    members = [evenings.join(workspace, held, f"rater {i}") for i in range(RATERS)]
    return workspace, held, [evenings.token(workspace, m) for m in members]


class Server:
    """The real server; `kill` is SIGKILL, `start` brings it back on the same port."""

    def __init__(self, workspace: Path) -> None:
        self.port, self.workspace = free_port(), workspace
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "pages/ui/server.py"]
        self.process = subprocess.Popen(
            [*command, "--server.headless=true", f"--server.port={self.port}"],
            cwd=ROOT,
            env={**os.environ, "PIZZA_WORKSPACE": str(self.workspace), "PIZZA_NO_SAMPLE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Rater(threading.Thread):
    """Judges as the page does: what is not known to be saved is sent again with the same key."""

    def __init__(self, server: Server, token: str, number: int) -> None:
        super().__init__(daemon=True)
        self.host = urlsplit(server.address).netloc
        self.token, self.tab, self.number = token, f"tab-{number}", number
        self.told: dict[str, int] = {}
        self.took: list[float] = []
        self.connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        keys = (f"key-{self.number}-{i:06}" for i in itertools.count())
        while True:
            items = self.ask("next", {"token": self.token, "tab": self.tab, "number": 5})["items"]
            if not items:
                self.hang_up()
                return
            for item in items:
                self.judge(item, next(keys))

    def judge(self, item: dict, key: str) -> None:
        spans = [[item["start"], item["start"] + 7]]
        grade = (item["item"] + self.number) % 4
        body = {"lease": item["lease"], "key": key, "action": "grade", "grade": grade}
        begun = time.perf_counter()
        answer = self.ask("save", {**body, "spans": spans if grade > 1 else []})
        self.took.append(time.perf_counter() - begun)
        self.told[key] = answer["saved"]

    def ask(self, name: str, body: dict) -> dict:
        while True:
            try:
                return self.once(name, body)
            except (OSError, http.client.HTTPException):
                self.hang_up()
                time.sleep(0.05)

    def hang_up(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def once(self, name: str, body: dict) -> dict:
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, timeout=30)
        origin = {"Origin": f"http://{self.host}", "Content-Type": "application/json"}
        self.connection.request("POST", f"/api/label/{name}", json.dumps(body), origin)
        response = self.connection.getresponse()
        raw = response.read()
        assert response.status == 200, raw
        return dict(json.loads(raw))


def in_the_log(workspace) -> dict[str, int]:
    with closing(sqlite3.connect(workspace.database)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return dict(db.execute("SELECT key, id FROM labels"))


def test_twenty_raters_at_once_lose_nothing_and_double_nothing(evening):
    workspace, held, tokens = evening
    server = Server(workspace.path)
    try:
        await_server(f"{server.address}/_stcore/health")
        raters = [Rater(server, token, i) for i, token in enumerate(tokens)]
        begun = time.perf_counter()
        for rater in raters:
            rater.start()
        for rater in raters:
            rater.join(300)
        seconds = time.perf_counter() - begun
    finally:
        server.kill()
    told = {k: v for r in raters for k, v in r.told.items()}
    assert in_the_log(workspace) == told
    assert len(told) == LABELS
    standing = labels.labels(workspace, held)
    assert len({(x.item, x.rater) for x in standing}) == LABELS
    by_item = [x.item for x in standing]
    assert all(by_item.count(i) == 2 for i in set(by_item))
    took = sorted(t * 1000 for r in raters for t in r.took)
    print(
        f"\n{LABELS} labels by {RATERS} raters in {seconds:.1f} s; from key to saved: median"
        f" {statistics.median(took):.1f} ms, 95th percentile {took[int(0.95 * len(took))]:.1f} ms"
    )


def test_a_server_killed_while_they_judge_loses_nothing_it_called_saved(evening):
    workspace, _, tokens = evening
    server = Server(workspace.path)
    chance = random.Random(7)
    try:
        await_server(f"{server.address}/_stcore/health")
        raters = [Rater(server, token, i) for i, token in enumerate(tokens[:3])]
        for rater in raters:
            rater.start()
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.01, 0.6))
            told = {k: v for r in raters for k, v in dict(r.told).items()}
            server.kill()
            log = in_the_log(workspace)
            assert told.items() <= log.items()
            server.start()
            await_server(f"{server.address}/_stcore/health")
        for rater in raters:
            rater.join(300)
            assert not rater.is_alive()
    finally:
        server.kill()
    told = {k: v for r in raters for k, v in r.told.items()}
    assert in_the_log(workspace) == told
