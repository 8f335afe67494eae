"""Labelled passages: what people look at, and the judge asked about just what they labelled.

Criteria in other words are another generation over the same sample, so that every wording keeps
its answers and can be set beside the others.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from goldsets import jobs
from goldsets.generation import work
from goldsets.generation.align import Case
from goldsets.generation.ask import Foreseen, Live
from goldsets.generation.judge import judged, version
from goldsets.generation.passages import Ground
from goldsets.generation.plan import DOING
from goldsets.generation.spec import GenerationSpec, generation_of
from goldsets.generation.types import Generation, Sampled, Verdict
from goldsets.launch import outlay_line
from goldsets.store import generations
from retrieval.errors import InputError
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import digest

KIND = "judge"
LEAST, MOST = 30, 250
"""Passages to label: fewer say nothing of a judge, more hardly anything new."""

OnUnit = Callable[[int, str, str], None]


@dataclass(frozen=True)
class Wording:
    """The criteria as one generation words them, and what its judge said of labelled passages.

    `key` names the prompts and who answers them; `unasked` counts labelled passages that the judge
    was not asked about yet.
    """

    key: str
    judge: str
    generation: int
    criteria: Mapping[str, str]
    cases: tuple[Case, ...]
    unasked: int


def draw(workspace: Workspace, generation: int) -> list[Sampled]:
    """Draw a generation's sample where that was not done, and return it."""
    held = generations.sample(workspace, generation)
    if held:
        return held
    begun = generations.read(workspace, generation)
    corpus = corpora.read(workspace, begun.corpus, begun.corpus_version)
    ground = Ground.of(generation_of(begun.spec), corpus, Runtime(workspace))
    generations.keep_sample(workspace, generation, ground.sample())
    return generations.sample(workspace, generation)


def reworded(workspace: Workspace, generation: int, criteria: Mapping[str, str]) -> Generation:
    """Return the generation that differs by its criteria alone, with its sample drawn."""
    held = generations.read(workspace, generation)
    spec = replace(generation_of(held.spec), criteria=dict(criteria))
    other = work.begin(workspace, spec, held.corpus, held.goldset)
    draw(workspace, other.id)
    return other


def worth(workspace: Workspace, generation: int) -> dict[int, bool]:
    """Return which passages most people find worth a query; a tie leaves one out."""
    votes: dict[int, list[bool]] = defaultdict(list)
    for label in generations.labels(workspace, generation):
        votes[label.passage].append(bool(label.worth))
    return {p: 2 * sum(v) > len(v) for p, v in votes.items() if 2 * sum(v) != len(v)}


def start_judging(workspace: Workspace, generation: int) -> jobs.Job:
    """Have a worker ask the judge about what is labelled; what it said before is not asked again.

    Raises:
        InputError: nothing is labelled yet.
    """
    if not worth(workspace, generation):
        raise InputError("label some passages first: the judge is compared with people")
    spec = generation_of(generations.read(workspace, generation).spec)
    return jobs.start(workspace, KIND, {"generation": generation}, len(spec.criteria))


def judge_labelled(workspace: Workspace, generation: int, rt: Runtime, on_unit: OnUnit) -> None:
    """Ask each criterion of the labelled passages, and keep what the judge says.

    Raises:
        ProviderError: the vendor fails, or refuses most of what it is asked.
        OverBudget: a call would pass a budget.
        Stopped: the work is not wanted any more.
    """
    spec, asked = _asked(workspace, generation)
    for done, name in enumerate(spec.criteria, 1):
        alone = replace(spec, criteria={name: spec.criteria[name]})
        generations.keep_prompts(workspace, [version(alone, name)])
        generations.keep_verdicts(workspace, judged(alone, asked, Live(rt)))
        on_unit(done, name, "")


def judging_plan(
    workspace: Workspace, generation: int, criteria: Mapping[str, str] | None = None
) -> list[str]:
    """Say what asking about the labelled passages in these words takes, a line a fact."""
    spec, asked = _asked(workspace, generation)
    spec = replace(spec, criteria=dict(criteria)) if criteria else spec
    foreseen = Foreseen(Runtime(workspace))
    judged(spec, asked, foreseen)
    lines = [
        outlay_line(DOING[step][0], f"{DOING[step][1]} {model}", planned)
        for (step, model), planned in foreseen.outlays.items()
    ]
    return [*lines, *spec.judge.lacking]


def _asked(workspace: Workspace, generation: int) -> tuple[GenerationSpec, list[Sampled]]:
    spec = generation_of(generations.read(workspace, generation).spec)
    labelled = worth(workspace, generation)
    return spec, [s for s in generations.sample(workspace, generation) if s.id in labelled]


def wordings(workspace: Workspace, generation: int) -> list[Wording]:
    """Return every wording of the criteria for a generation's corpus and gold set, oldest first.

    Generations that ask the same of the same judge are one, the newest of them. The one that is
    asked about is there even if its judge has said nothing yet; of others those that have.
    """
    own = generations.read(workspace, generation)
    found: dict[tuple[str, ...], Wording] = {}
    for held in reversed(generations.recent(workspace, own.goldset)):
        if held.corpus == own.corpus:
            spec = generation_of(held.spec)
            keys = tuple(version(spec, name).key for name in spec.criteria)
            at = generation if keys in found and found[keys].generation == generation else held.id
            found[keys] = _wording(workspace, at, spec, keys)
    return [w for w in found.values() if w.cases or w.generation == generation]


def _wording(
    workspace: Workspace, generation: int, spec: GenerationSpec, keys: tuple[str, ...]
) -> Wording:
    said: dict[int, dict[str, Verdict]] = defaultdict(dict)
    for verdict in generations.verdicts(workspace, generation):
        said[verdict.passage][verdict.prompt] = verdict
    passages = {s.id: s.passage for s in generations.sample(workspace, generation)}
    cases, unasked = [], 0
    for passage, label in worth(workspace, generation).items():
        own = [said[passage].get(key) for key in keys]
        if any(v is None for v in own):
            unasked += 1
            continue
        verdicts = [v for v in own if v is not None]
        readable = all(v.yes is not None for v in verdicts)
        answers = tuple(bool(v.yes) for v in verdicts) if readable else ()
        reasons = tuple(v.reason for v in verdicts)
        cases.append(Case(passages[passage].key, label, answers, reasons))
    return Wording(digest(*keys), spec.judge.name, generation, spec.criteria, tuple(cases), unasked)
