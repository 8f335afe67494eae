"""Work: start a generation, walk its road in a worker, say what came of it.

Every answer is kept as it comes and everything else follows from the answers, so that a generation
that was killed or paused goes on where it was, and one that is done runs again without a call.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from goldsets import jobs
from goldsets.evaluation.words import count
from goldsets.generation import check, judge, write
from goldsets.generation.ask import Live
from goldsets.generation.filters import NAMES
from goldsets.generation.passages import Ground
from goldsets.generation.plan import Plan, plan
from goldsets.generation.review import settle, table
from goldsets.generation.road import filter_all, write_all
from goldsets.generation.spec import GenerationSpec, generation_of, thresholds_of
from goldsets.generation.types import Generation
from goldsets.labelling.querylog import logged
from goldsets.store import drafts as store
from goldsets.store import generations, gold
from retrieval.errors import InputError
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora

KIND = "generate"
MOST_LOGGED = 1_000
"""Queries of a log that a generation goes by."""
STEPS = ("draw passages", "judge passages", "write queries", "filter queries")
OnUnit = Callable[[int, str, str], None]


def begin(workspace: Workspace, spec: GenerationSpec, corpus: str, goldset: str) -> Generation:
    """Enter a generation for a gold set, which is started if there is none of that name.

    Raises:
        NotFound: there is no such corpus.
        InputError: the gold set is of another corpus.
    """
    version = corpora.read(workspace, corpus).version
    if goldset not in {s.name for s in gold.summaries(workspace)}:
        gold.create(workspace, goldset, corpus)
    real = real_of(workspace, spec, corpus, goldset)
    return generations.begin(workspace, spec.plain(), corpus, version, goldset, real)


def start(workspace: Workspace, spec: GenerationSpec, corpus: str, goldset: str) -> jobs.Job:
    """Put a generation into the ledger and see to a worker; the same one again is joined."""
    begun = begin(workspace, spec, corpus, goldset)
    return jobs.start(workspace, KIND, {"generation": begun.id}, len(STEPS))


def plan_of(workspace: Workspace, spec: GenerationSpec, corpus: str, goldset: str) -> Plan:
    """Say what a generation would ask and pay, before it is started."""
    held = corpora.read(workspace, corpus)
    return plan(spec, held, real_of(workspace, spec, corpus, goldset), Runtime(workspace))


def real_queries(workspace: Workspace, corpus: str, goldset: str) -> list[str]:
    """Return the texts of a gold set's queries that no model wrote; none where there is no set.

    Raises:
        InputError: the gold set is of another corpus.
    """
    if goldset not in {s.name for s in gold.summaries(workspace)}:
        return []
    held = gold.read(workspace, goldset)
    if held.corpus != corpus:
        raise InputError(f"gold set {goldset!r} is of the corpus {held.corpus!r}, not {corpus!r}")
    return [q.text for q in held.queries if not q.synthetic]


def real_of(workspace: Workspace, spec: GenerationSpec, corpus: str, goldset: str) -> list[str]:
    """Return the real queries that a generation goes by: the gold set's, then the log's.

    Of a log those that were asked most often, each once.

    Raises:
        InputError: the log cannot be read, or the gold set is of another corpus.
    """
    found = real_queries(workspace, corpus, goldset)
    if spec.log:
        counts = logged(Path(spec.log), spec.log).counts
        found += sorted(counts, key=lambda text: (-counts[text], text))[:MOST_LOGGED]
    return list(dict.fromkeys(found))


def run(workspace: Workspace, generation: int, rt: Runtime, on_unit: OnUnit) -> None:
    """Walk the whole road; what survives stands in the gold set, unreviewed.

    Raises:
        NotFound: there is no such generation, or its corpus has gone.
        ProviderError: a vendor fails, or refuses most of what it is asked.
        OverBudget: a call would pass a budget.
        Stopped: the work is not wanted any more.
    """
    held = generations.read(workspace, generation)
    spec, live = generation_of(held.spec), Live(rt)
    corpus = corpora.read(workspace, held.corpus, held.corpus_version)
    ground = Ground.of(spec, corpus, rt)
    generations.keep_sample(workspace, generation, ground.sample())
    sampled = generations.sample(workspace, generation)
    on_unit(1, STEPS[0], "")

    asked = [judge.version(spec, name) for name in spec.criteria]
    generations.keep_prompts(workspace, [*asked, write.version(spec), check.version(spec)])
    verdicts = judge.judged(spec, sampled, live)
    generations.keep_verdicts(workspace, verdicts)
    on_unit(2, STEPS[1], "")

    drafts = write_all(spec, sampled, verdicts, held.real, ground, live)
    on_unit(3, STEPS[2], "")

    dial = replace(spec, thresholds=thresholds_of(held.thresholds))
    store.keep(workspace, generation, filter_all(dial, sampled, drafts, ground, live))
    settle(workspace, generation)
    on_unit(4, STEPS[3], "")


def outcome(workspace: Workspace, generation: int) -> Iterator[str]:
    """Phrase what came of a generation, a line a fact."""
    t = table(workspace, generation)
    sampled = len(generations.sample(workspace, generation))
    worth = len(judge.passing(t.spec, generations.verdicts(workspace, generation)))
    yield f"{count(sampled, 'passage')} drawn, {worth:,} worth a query by the judge"
    if worth > len(t.drafts):
        yield f"{worth - len(t.drafts):,} of them allow none of the kinds of query"
    counts = t.sieved.counts
    for name in NAMES:
        if counts[name]:
            yield f"{counts[name]:,} dropped: {name}"
    held, left = t.counts, len(store.left(workspace, t.generation))
    yield (
        f"{held['unreviewed'] + held['reviewed']:,} in gold set {t.generation.goldset!r}"
        f" ({held['reviewed']:,} reviewed, {held['unreviewed']:,} not), written by"
        f" {t.spec.writer.name}"
    )
    if left:
        yield f"{left:,} of earlier runs stand there unreviewed too; Review drops them at once"
