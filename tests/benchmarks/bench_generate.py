"""500 passages through judge, writer and checks, against the time that the model alone takes.

The model is a server of its own process that thinks for as long as it is told to; eight calls are
in flight, so that the ideal is calls x seconds / 8. Whatever is above that is ours.
"""

import multiprocessing
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from goldsets.generation import work
from goldsets.generation.spec import generation_of
from goldsets.store import open_workspace
from retrieval.providers.openai import VENDOR
from retrieval.runtime import Runtime
from retrieval.store import corpora, ledger
from retrieval.types import Document
from tests.benchmarks.harness import cost, heading
from tests.goldsets.generation.author import Author, passage
from tests.retrieval.providers.stub import KEY, Vendors

PASSAGES = 500
SECONDS = 0.25
MODEL = {"OpenAIChat": {"model": "gpt-4.1-mini"}}


def main() -> None:
    """Print how many times the ideal a generation takes."""
    heading(f"generate: {PASSAGES} passages, {VENDOR.at_once} calls of {SECONDS} s at once")
    with tempfile.TemporaryDirectory() as folder, thinking():
        workspace = open_workspace(Path(folder) / "workspace")
        documents = [Document(f"d{i}", passage(i, "")) for i in range(PASSAGES)]
        corpora.write(workspace, "handbook", documents)
        spec = generation_of(
            {
                **{"application": "A handbook.", "judge": MODEL, "writer": MODEL, "chunk": "Given"},
                **{"kinds": {"question": 1}, "sample": PASSAGES, "thresholds": {"neighbours": 0}},
            }
        )
        begun = work.begin(workspace, spec, "handbook", "made")
        seconds = timed(workspace, begun.id)
        calls = len(ledger.calls(workspace, -1))
        ideal = calls * SECONDS / VENDOR.at_once
        ours = 1000 * (seconds - ideal) / calls
        print(f"  {calls:,} calls in {seconds:.1f} s, {ours:.1f} ms a call not the model's")
        cost("judged, written and checked, the ideal being the model's", seconds, ideal, "<= 1.3x")
        again = timed(workspace, begun.id)
        print(f"  again, all kept: {again:.1f} s, {len(ledger.calls(workspace, -1)) - calls} calls")


def timed(workspace: Any, generation: int) -> float:
    """Time one walk."""
    begin = time.perf_counter()
    work.run(workspace, generation, Runtime(workspace), lambda *_: None)
    return time.perf_counter() - begin


@contextmanager
def thinking():
    """A model server in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    os.environ["OPENAI_API_KEY"], os.environ["OPENAI_BASE_URL"] = KEY, f"{ours.recv()}/v1"
    yield
    server.terminate()


def serve(pipe: Any) -> None:
    """Answer until the benchmark is over."""
    with Vendors(says=Author(), slow_seconds=SECONDS) as vendors:
        pipe.send(vendors.url)
        pipe.recv()


if __name__ == "__main__":
    main()
