"""A workspace with a finished sweep, as the pages show it."""

import json
from collections.abc import Mapping
from typing import Any

from goldsets import sample
from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.jobs import Claim
from goldsets.store import gold, runs
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora

LEXICAL = {
    "grid": {
        "chunk": [{"FixedTokens": {"size": 200}}, {"ByHeading": {"size": 200}}],
        "first": ["BM25", {"BM25": {"tokenize": "Identifiers"}}],
    },
    "measures": ["R@5", "R@20", "EvidenceRecall@4000tok"],
}
"""A sweep without a model, so that it is quick."""


def with_sweep(workspace: Workspace, wanted: Mapping[str, Any] = LEXICAL) -> None:
    """Put the sample and a finished sweep of it into a workspace."""
    sample.load(workspace)
    swept(workspace, sample.NAME, wanted)


def swept(workspace: Workspace, goldset: str, wanted: Mapping[str, Any]) -> None:
    """Put a finished sweep of a gold set into a workspace."""
    held = gold.read(workspace, goldset)
    spec, corpus = sweep_of(wanted), corpora.read(workspace, held.corpus)
    with workspace.write() as db:
        job = db.execute(
            "INSERT INTO jobs (key, kind, spec, state, wanted, units, units_done, created)"
            " VALUES (?, 'sweep', ?, 'queued', 'run', 4, 4, '2026-01-01T00:00:00.000+00:00')",
            [str(wanted), json.dumps({"goldset": goldset})],
        ).lastrowid
    assert job
    claim = Claim(workspace, job)
    assert claim.take()
    runs.keep_sweep(workspace, job, held.name, sweep(spec, held, corpus, Runtime(workspace)))
    claim.finish("done")
