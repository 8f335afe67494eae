"""The ledger, with real processes; most are forks of this one, which need no imports."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from goldsets import jobs, worker
from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.launch import start_sweep
from goldsets.store import gold, open_workspace, runs
from retrieval.errors import Cancelled, InputError, NotFound, PizzaError
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import Document
from tests.goldsets.making import lasting, sample_corpus, sample_gold
from tests.goldsets.processes import Workers, furnished, over, until

pytestmark = pytest.mark.slow

SPEC = sweep_of(
    {
        "base": {"chunk": {"FixedTokens": {"size": 10}}},
        "grid": {"contextualize": [None, "Headings"], "first": [["BM25"], ["BM25", "BM25"]]},
        "measures": ["R@1", "nDCG@10"],
    }
)
DENSE = sweep_of({"base": {"chunk": {"FixedTokens": {"size": 80}}, "first": ["Dense"]}})

Kind = Callable[[Workspace, jobs.Job, jobs.Claim, Runtime], None]


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Callable[[Kind], None]:
    return lambda work: monkeypatch.setitem(worker.KINDS, "test", work)


def endless(workspace: Workspace, job: jobs.Job, claim: jobs.Claim, rt: Runtime) -> None:
    """Work until there is a file `enough`, and leave a line in `done`."""
    step = 0
    while not (workspace.path / "enough").exists():
        step += 1
        rt.progress("stirring", step, 0)
        time.sleep(0.005)
    with (workspace.path / "done").open("a") as file:
        file.write(f"{os.getpid()}\n")


def enough(workspace: Workspace) -> None:
    (workspace.path / "enough").touch()


def at_work(workspace: Workspace, job: int) -> bool:
    return jobs.get(workspace, job).step == "stirring"


# Sweeps


def test_a_sweep_is_done_by_a_worker(workspace: Workspace, workers: Workers) -> None:
    job = start_sweep(workspace, SPEC, "gold")
    assert job.kind == "sweep"
    done = over(workspace, job.id)
    assert (done.state, done.error, done.units_done, done.units) == ("done", "", 4, 4)
    assert done.finished
    result = runs.sweep(workspace, job.id)
    other = sweep(SPEC, sample_gold(), corpora.read(workspace, "corpus"), Runtime())
    assert result
    assert lasting(result) == lasting(other)
    (listed,) = runs.sweeps(workspace, "gold")
    assert listed["job"] == job.id
    assert lasting(listed)["variants"] == lasting(result)["variants"]
    assert [j.id for j in jobs.recent(workspace, "sweep")] == [job.id]


def test_the_same_sweep_again_is_the_same_job_and_makes_nothing(
    workspace: Workspace, workers: Workers
) -> None:
    first = start_sweep(workspace, SPEC, "gold")
    over(workspace, first.id)
    before = runs.sweep(workspace, first.id)
    again = start_sweep(workspace, SPEC, "gold")
    assert over(workspace, again.id).id == first.id
    after = runs.sweep(workspace, first.id)
    assert before
    assert after
    assert after["stages"]["computed"] == 0
    assert lasting(after) == lasting(before)


def test_other_gold_or_another_version_is_another_job(
    workspace: Workspace, workers: Workers
) -> None:
    ids = [start_sweep(workspace, SPEC, "gold").id]
    (last,) = gold.judgments(workspace, "gold", "q5")
    gold.withdraw(workspace, "gold", last.id, "me")
    ids.append(start_sweep(workspace, SPEC, "gold").id)
    corpora.write(workspace, "corpus", sample_corpus().documents[:4], prune=True)
    ids.append(start_sweep(workspace, SPEC, "gold").id)
    ids.append(start_sweep(workspace, SPEC, "gold", 1).id)
    assert len(set(ids)) == 3
    assert ids[3] == ids[1]
    assert [over(workspace, j).state for j in set(ids)] == ["done"] * 3
    assert [(runs.sweep(workspace, j) or {})["corpus"]["version"] for j in ids] == [1, 1, 2, 1]


def test_gold_without_queries_cannot_be_swept(workspace: Workspace) -> None:
    gold.create(workspace, "empty", "corpus")
    with pytest.raises(InputError, match="'empty' has no queries"):
        start_sweep(workspace, SPEC, "empty")
    with pytest.raises(NotFound, match="known: empty, gold"):
        start_sweep(workspace, SPEC, "god")


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_moments_and_resumed_the_result_is_equal(
    tmp_path: Path, workers: Workers, slow_model: None, seed: int
) -> None:
    spec = sweep_of(
        {
            "base": {"embed": "Letters", "pool": 20},
            "grid": {
                "chunk": [{"FixedTokens": {"size": 8}}, {"FixedTokens": {"size": 12}}],
                "first": [["BM25"], ["Dense"], ["BM25", "Dense"]],
            },
            "measures": ["R@1", "nDCG@10", "EvidenceRecall@20tok"],
        }
    )
    rng = random.Random(seed)
    disturbed, quiet = furnished(tmp_path / "a"), furnished(tmp_path / "b")
    job = start_sweep(disturbed, spec, "gold").id
    kills = 0
    for _ in range(6):
        time.sleep(rng.uniform(0.01, 0.35))
        workers.kill(workers.pids[-1])
        if jobs.get(disturbed, job).state == "queued":  # dead before it had claimed the job
            age(disturbed, job)
        state = jobs.get(disturbed, job).state
        assert state in ("interrupted", "done")
        kills += state == "interrupted"
        start_sweep(disturbed, spec, "gold")
    assert over(disturbed, job).state == "done"
    assert kills
    corpus = corpora.read(quiet, "corpus")
    expected = sweep(spec, gold.read(quiet, "gold"), corpus, Runtime(quiet))
    found = runs.sweep(disturbed, job)
    assert found
    assert lasting(found) == lasting(expected)
    ids = [row["run"] for row in found["variants"]]
    for one, other in zip(runs.read(disturbed, ids), runs.read(quiet, ids), strict=True):
        assert (one.candidates.ids == other.candidates.ids).all()
        assert (one.candidates.scores == other.candidates.scores).all()


def test_a_variant_that_fails_is_in_the_ledger(
    workspace: Workspace, workers: Workers, slow_model: None
) -> None:
    spec = sweep_of(
        {
            "base": {"first": ["Dense"]},
            "grid": {"embed": [{"Letters": {"fails": True}}, "Letters"]},
        }
    )
    job = start_sweep(workspace, spec, "gold").id
    assert over(workspace, job).state == "done"
    assert jobs.errors(workspace, job) == {"Letters(fails=True)": "the model is out of letters"}
    jobs.resume(workspace, job)
    assert over(workspace, job).state == "done"
    assert list(jobs.errors(workspace, job)) == ["Letters(fails=True)"]


# The life of a job


def test_starting_twice_joins(workspace: Workspace, workers: Workers, kind: Any) -> None:
    kind(endless)
    first = jobs.start(workspace, "test", {"a": 1, "b": 2}, 1)
    until(lambda: at_work(workspace, first.id))
    again = jobs.start(workspace, "test", {"b": 2, "a": 1}, 1)
    other = jobs.start(workspace, "test", {"a": 1}, 1)
    assert (again.id, again.state) == (first.id, "running")
    assert other.id != first.id
    enough(workspace)
    assert over(workspace, first.id).state == over(workspace, other.id).state == "done"
    assert len(workers.pids) == 2


def test_pause_and_resume(workspace: Workspace, workers: Workers, kind: Any) -> None:
    kind(endless)
    job = jobs.start(workspace, "test", {}, 1).id
    until(lambda: at_work(workspace, job))
    jobs.ask(workspace, job, "pause")
    assert over(workspace, job).state == "paused"
    assert jobs.resume(workspace, job).state in ("queued", "running")
    until(lambda: at_work(workspace, job))
    enough(workspace)
    assert over(workspace, job).state == "done"
    assert len(workers.pids) == 2


def test_cancel_and_start_again(workspace: Workspace, workers: Workers, kind: Any) -> None:
    kind(endless)
    job = jobs.start(workspace, "test", {}, 1).id
    until(lambda: at_work(workspace, job))
    jobs.ask(workspace, job, "cancel")
    assert over(workspace, job).state == "cancelled"
    enough(workspace)
    assert jobs.start(workspace, "test", {}, 1).id == job
    assert over(workspace, job).state == "done"


def test_a_pause_not_come_to_yet_is_taken_back_by_resuming(
    workspace: Workspace, workers: Workers, kind: Any
) -> None:
    def deaf(workspace: Workspace, job: jobs.Job, claim: jobs.Claim, rt: Runtime) -> None:
        until((workspace.path / "enough").exists)
        claim.unit(1, "one", "")

    kind(deaf)
    job = jobs.start(workspace, "test", {}, 1).id
    until(lambda: jobs.get(workspace, job).state == "running")
    jobs.ask(workspace, job, "pause")
    assert jobs.resume(workspace, job).wanted == "run"
    enough(workspace)
    assert over(workspace, job).state == "done"
    assert len(workers.pids) == 1


def test_a_wish_while_queued_is_heeded_at_the_first_step(
    workspace: Workspace, workers: Workers, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind(endless)
    monkeypatch.setattr(jobs, "spawn", lambda *_: None)
    job = jobs.start(workspace, "test", {}, 1).id
    jobs.ask(workspace, job, "cancel")
    assert jobs.get(workspace, job).state == "queued"
    workers.spawn(workspace, job)
    assert over(workspace, job).state == "cancelled"


@pytest.mark.parametrize("wish", ["pause", "cancel"])
def test_what_is_done_stays_done(
    workspace: Workspace, workers: Workers, kind: Any, wish: jobs.Wish
) -> None:
    kind(endless)
    enough(workspace)
    job = jobs.start(workspace, "test", {}, 1).id
    assert over(workspace, job).state == "done"
    jobs.ask(workspace, job, wish)
    assert jobs.get(workspace, job).state == "done"


def test_a_paused_or_interrupted_job_is_cancelled_at_once(
    workspace: Workspace, workers: Workers, kind: Any
) -> None:
    kind(endless)
    job = jobs.start(workspace, "test", {}, 1).id
    until(lambda: at_work(workspace, job))
    workers.kill(workers.pids[0])
    assert jobs.get(workspace, job).state == "interrupted"
    jobs.ask(workspace, job, "pause")
    assert jobs.get(workspace, job).state == "paused"
    jobs.ask(workspace, job, "cancel")
    assert jobs.get(workspace, job).state == "cancelled"


def test_a_job_whose_heart_stopped_is_interrupted(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "spawn", lambda *_: None)
    job = jobs.start(workspace, "test", {}, 1).id
    assert jobs.get(workspace, job).state == "queued"
    assert jobs.Claim(workspace, job).take()  # this process is alive, and does nothing
    assert jobs.get(workspace, job).state == "running"
    age(workspace, job)
    assert jobs.get(workspace, job).state == "interrupted"


def age(workspace: Workspace, job: int) -> None:
    with workspace.write() as db:
        db.execute(
            "UPDATE jobs SET heartbeat = heartbeat - ? WHERE id = ?", [jobs.STALE_SECONDS + 1, job]
        )


def test_a_heartbeat_is_shown_while_a_step_takes_long(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "spawn", lambda *_: None)
    monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 0.01)
    job = jobs.start(workspace, "test", {}, 1).id
    claim = jobs.Claim(workspace, job)
    claim.take()
    claim.keep_beating()
    age(workspace, job)
    until(lambda: jobs.get(workspace, job).state == "running")
    claim.finish("done")
    assert jobs.get(workspace, job).state == "done"


def test_of_many_workers_one_gets_the_job(
    workspace: Workspace, workers: Workers, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind(endless)
    monkeypatch.setattr(jobs, "spawn", lambda *_: None)
    job = jobs.start(workspace, "test", {}, 1).id
    for _ in range(6):
        workers.spawn(workspace, job)
    until(lambda: len(workers.ended) == 5)
    enough(workspace)
    assert over(workspace, job).state == "done"
    until(lambda: len(workers.ended) == 6)
    assert len((workspace.path / "done").read_text().split()) == 1


def test_a_worker_whose_job_was_taken_over_steps_back(
    workspace: Workspace, workers: Workers, kind: Any
) -> None:
    kind(endless)
    job = jobs.start(workspace, "test", {}, 1).id
    until(lambda: at_work(workspace, job))
    slept = workers.pids[0]
    os.kill(slept, signal.SIGSTOP)
    age(workspace, job)
    jobs.resume(workspace, job)
    until(lambda: at_work(workspace, job))
    os.kill(slept, signal.SIGCONT)
    until(lambda: slept in workers.ended)
    assert jobs.get(workspace, job).state == "running"
    enough(workspace)
    assert over(workspace, job).state == "done"
    assert (workspace.path / "done").read_text().split() == [str(workers.pids[1])]


def test_a_claim_that_was_lost_changes_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "spawn", lambda *_: None)
    job = jobs.start(workspace, "test", {}, 1).id
    lost = jobs.Claim(workspace, job)
    assert lost.take()
    assert not jobs.Claim(workspace, job).take()
    with workspace.write() as db:
        db.execute("UPDATE jobs SET pid = ? WHERE id = ?", [os.getppid(), job])
    before = jobs.get(workspace, job)
    for report in (lambda: lost.progress("x", 1, 2), lambda: lost.unit(9, "x", "")):
        with pytest.raises(Cancelled):
            report()
    lost.finish("failed", "?")
    assert jobs.get(workspace, job) == before


def test_work_that_fails_on_purpose_says_why(
    workspace: Workspace, workers: Workers, kind: Any
) -> None:
    def refuse(workspace: Workspace, job: jobs.Job, claim: jobs.Claim, rt: Runtime) -> None:
        claim.unit(1, "dough", "too wet")
        raise PizzaError("the oven is cold; light it")

    kind(refuse)
    job = jobs.start(workspace, "test", {}, 2).id
    failed = over(workspace, job)
    assert (failed.state, failed.error) == ("failed", "the oven is cold; light it")
    assert jobs.errors(workspace, job) == {"dough": "too wet"}
    kind(endless)
    enough(workspace)
    jobs.resume(workspace, job)
    done = over(workspace, job)
    assert (done.state, done.error, jobs.errors(workspace, job)) == ("done", "", {})


def test_a_job_that_is_not_there(workspace: Workspace) -> None:
    for act in (jobs.get, jobs.resume, lambda w, j: jobs.ask(w, j, "pause")):
        with pytest.raises(NotFound, match="job 7"):
            act(workspace, 7)


# Processes started as users start them


def test_work_that_raises_unexpectedly_leaves_a_message_and_a_log(workspace: Workspace) -> None:
    job = jobs.start(workspace, "sweep", {"sweep": SPEC.plain()}, 1).id
    failed = over(workspace, job)
    assert failed.state == "failed"
    assert failed.error == f"KeyError: 'goldset' (the whole trace is in logs/job-{job}.log)"
    assert "Traceback" in (workspace.path / "logs" / f"job-{job}.log").read_text()


def children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(c) for t in threads for c in (t / "children").read_text().split()]
    except FileNotFoundError:
        return []


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor takes no pool")
def test_a_killed_worker_leaves_no_process_behind(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "workspace")
    text = "\n".join(f"Pizza number {i} is better than number {i - 1}." for i in range(2000))
    corpora.write(workspace, "corpus", [*sample_corpus().documents, Document("long", text)])
    gold.write(workspace, sample_gold(), "test")
    job = start_sweep(workspace, DENSE, "gold").id
    until(lambda: jobs.get(workspace, job).state == "running")
    with workspace.read() as db:
        pid = db.execute("SELECT pid FROM jobs WHERE id = ?", [job]).fetchone()["pid"]
    until(lambda: len(children(pid)) > 2)  # two that embed, and Python's own resource tracker
    pool = children(pid)
    os.kill(pid, signal.SIGKILL)
    until(lambda: not any(map(alive, pool)))
    assert jobs.get(workspace, job).state == "interrupted"


def test_the_worker_outlives_the_process_that_started_it(workspace: Workspace) -> None:
    script = (
        "import sys, yaml; from goldsets.launch import start_sweep;"
        "from goldsets.store import open_workspace; from goldsets.evaluation.spec import sweep_of;"
        "start_sweep(open_workspace(sys.argv[1]), sweep_of({}), 'gold')"
    )
    subprocess.run([sys.executable, "-c", script, str(workspace.path)], check=True, timeout=60)
    (job,) = jobs.recent(workspace, "sweep")
    assert over(workspace, job.id).state == "done"
