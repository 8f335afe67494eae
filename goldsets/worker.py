"""The worker process: claims one job, does it, leaves its result in the workspace.

python -m goldsets.worker WORKSPACE JOB
"""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from goldsets import jobs
from goldsets.diagnosis.work import run_loop, try_changes
from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.generation import labelled
from goldsets.generation import work as generation
from goldsets.labelling.pools import fill
from goldsets.store import evenings, gold, open_workspace, runs
from retrieval.errors import Cancelled, Paused, PizzaError
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora


def work(workspace: Workspace, job: int) -> None:
    """Do a job if nobody else is at it; leave its state and error in the ledger."""
    claim = jobs.Claim(workspace, job)
    if not claim.take():
        return
    claim.keep_beating()
    rt = Runtime(workspace, processes=os.cpu_count() or 1, progress=claim.progress, job=job)
    try:
        KINDS[jobs.get(workspace, job).kind](workspace, jobs.get(workspace, job), claim, rt)
        claim.finish("done")
    except Paused:
        claim.finish("paused")
    except Cancelled:
        claim.finish("cancelled")
    except PizzaError as e:
        claim.finish("failed", str(e))
    except Exception as e:
        traceback.print_exc()
        claim.finish(
            "failed", f"{type(e).__name__}: {e} (the whole trace is in logs/job-{job}.log)"
        )
    finally:
        rt.close()


def _sweep(workspace: Workspace, job: jobs.Job, claim: jobs.Claim, rt: Runtime) -> None:
    spec, goldset = sweep_of(job.spec["sweep"]), gold.read(workspace, job.spec["goldset"])
    corpus = corpora.read(workspace, job.spec["corpus"], job.spec["corpus_version"])
    result = sweep(spec, goldset, corpus, rt, claim.unit)
    runs.keep_sweep(workspace, job.id, goldset.name, result)


def _pool(workspace: Workspace, job: jobs.Job, claim: jobs.Claim, rt: Runtime) -> None:
    evening, queries = evenings.named(workspace, job.spec["evening"]), job.spec["queries"]
    fill(workspace, evening, queries, rt, imported=job.spec["runs"])
    claim.unit(len(queries), "pool", "")


def _try(workspace: Workspace, job: jobs.Job, claim: jobs.Claim, rt: Runtime) -> None:
    try_changes(workspace, job.spec, rt, claim.unit)


def _improve(workspace: Workspace, job: jobs.Job, claim: jobs.Claim, rt: Runtime) -> None:
    run_loop(workspace, job.id, job.spec, rt)
    claim.unit(1, "improve", "")


def _generate(workspace: Workspace, job: jobs.Job, claim: jobs.Claim, rt: Runtime) -> None:
    generation.run(workspace, job.spec["generation"], rt, claim.unit)


def _judge(workspace: Workspace, job: jobs.Job, claim: jobs.Claim, rt: Runtime) -> None:
    labelled.judge_labelled(workspace, job.spec["generation"], rt, claim.unit)


KINDS: dict[str, Callable[[Workspace, jobs.Job, jobs.Claim, Runtime], None]] = {
    "sweep": _sweep,
    "pool": _pool,
    "try": _try,
    "improve": _improve,
    generation.KIND: _generate,
    labelled.KIND: _judge,
}


def main() -> None:
    """Run the job named on the command line."""
    work(open_workspace(Path(sys.argv[1])), int(sys.argv[2]))


if __name__ == "__main__":
    main()
