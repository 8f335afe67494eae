"""Workspaces to work on, and worker processes that are forks of the test's own."""

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from goldsets import jobs, worker
from goldsets.store import gold, open_workspace
from retrieval.store import Workspace, corpora
from tests.goldsets.making import sample_corpus, sample_gold


def furnished(path: Path) -> Workspace:
    workspace = open_workspace(path)
    corpora.write(workspace, "corpus", sample_corpus().documents)
    gold.write(workspace, sample_gold(), "test")
    return workspace


def until(holds: Callable[[], Any]) -> None:
    """Wait for something to become true; a minute is for the slowest of machines."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def over(workspace: Workspace, job: int) -> jobs.Job:
    until(lambda: jobs.get(workspace, job).over)
    return jobs.get(workspace, job)


class Workers:
    """Worker processes that are forks of this process; all are dead when the test is over."""

    def __init__(self) -> None:
        self.pids: list[int] = []
        self.ended: set[int] = set()

    def spawn(self, workspace: Workspace, job: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork, from 3.12 on
            pid = os.fork()
        if pid == 0:
            os.setsid()
            code = 1
            try:
                worker.work(workspace, job)
                code = 0
            finally:
                os._exit(code)
        self.pids.append(pid)
        threading.Thread(target=self._reap, args=(pid,), daemon=True).start()

    def _reap(self, pid: int) -> None:
        os.waitpid(pid, 0)
        self.ended.add(pid)

    def kill(self, pid: int) -> None:
        with suppress(ProcessLookupError):  # it may just have ended by itself
            os.kill(pid, signal.SIGKILL)
        until(lambda: pid in self.ended)
