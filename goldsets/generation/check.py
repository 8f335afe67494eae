"""Checks by the judge: does the query's own passage answer it, and do others that are near it?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldsets.generation import offline
from goldsets.generation.ask import Answer, Asker, Task, Work
from goldsets.generation.judge import LIKELY, as_data, mark_for, prompted, truth
from goldsets.generation.passages import Ground
from goldsets.generation.spec import GenerationSpec
from goldsets.generation.types import Draft, Passage, Prompted
from goldsets.generation.write import place_in
from goldsets.types import Evidence
from retrieval.providers.chat import Prompt
from retrieval.query.as_data import fenced, filled, object_in, warning

TASK = "answers"
ANSWERS = """Does {what} answer the query? What is about its subject but does not say what is \
asked for is no answer.

{query}

{place}
{passage}

Answer with JSON and nothing else: {"reason": "one short sentence", "yes": true or false, \
"quote": "the shortest stretch that answers, copied character for character, or nothing"}"""
EXPECTED = 60
"""Tokens of an answer, for plans."""
ONE, SEVERAL = "the passage", "what the passages say together"


@dataclass(frozen=True)
class Checked:
    """What the judge says of a query and passages; `yes` None where the answer says neither."""

    yes: bool | None
    reason: str
    quote: str


def checked(
    spec: GenerationSpec,
    drafts: Sequence[Draft],
    passages: Mapping[int, Passage],
    ground: Ground,
    asker: Asker,
) -> list[Draft]:
    """Ask of each draft whether its own passages answer it, and which of its neighbours do.

    A neighbour that answers is further evidence where any evidence will do. Of several hops it is
    asked whether one passage is enough; of what has no answer, whether one is there after all.
    """
    own = [[passages[i] for i in d.passages] for d in drafts]
    near = neighbours(spec, drafts, own, ground, asker)
    asked = [
        _groups(draft, held, around) for draft, held, around in zip(drafts, own, near, strict=True)
    ]
    pairs = [(d, group) for d, groups in zip(drafts, asked, strict=True) for group in groups]
    tasks = [_task(spec, draft, group) for draft, group in pairs]
    answers = iter(asker.ask(Work("Check queries", spec.judge, tasks, usable, EXPECTED)))
    return [
        _noted(draft, around, [read(next(answers)) for _ in groups], ground)
        for draft, around, groups in zip(drafts, near, asked, strict=True)
    ]


def version(spec: GenerationSpec) -> Prompted:
    """Return what the spec's judge is asked of a query, before it is filled in."""
    return prompted(TASK, TASK, ANSWERS, spec.judge)


def neighbours(
    spec: GenerationSpec,
    drafts: Sequence[Draft],
    own: Sequence[Sequence[Passage]],
    ground: Ground,
    asker: Asker,
) -> list[list[Passage]]:
    """Return for each draft the passages nearest to its query but for its own."""
    n = spec.thresholds.neighbours
    if not n or not drafts:
        return [[] for _ in drafts]
    chunks = ground.index.chunks.value
    texts = [chunks.indexed(ground.corpus, i) for i in range(len(chunks))]
    vectors = asker.embed(spec.embed, texts, "passage")
    queries = asker.embed(spec.embed, [d.query for d in drafts], "query")
    found = []
    for i, held in enumerate(own):
        if vectors is None or queries is None:
            order = np.arange(len(chunks))
        else:
            order = np.argsort(-(vectors @ queries[i]), kind="stable")
        mine = {p.key for p in held}
        around = (ground.passages[row] for row in order[: n + len(held)].tolist())
        found.append([p for p in around if p.key not in mine][:n])
    return found


def _groups(draft: Draft, own: Sequence[Passage], near: Sequence[Passage]) -> list[list[Passage]]:
    """Return what is shown at once: its passages together, then each by itself, or neighbours."""
    if draft.kind == "multi_hop":
        return [list(own), *([p] for p in own)]
    return [list(own), *([p] for p in near)]


def _noted(
    draft: Draft,
    near: Sequence[Passage],
    said: Sequence[Checked],
    ground: Ground,
) -> Draft:
    first, rest = said[0], said[1:]
    noted = replace(draft.measured, answered=bool(first.yes), answered_reason=first.reason)
    if draft.kind == "multi_hop":
        alone = any(s.yes for s in rest)
        return replace(draft, measured=replace(noted, alone=alone))
    answering = [(p, s.quote) for p, s in zip(near, rest, strict=True) if s.yes]
    noted = replace(noted, answering=len(answering), neighbours=len(near))
    further: list[Evidence] = []
    if draft.kind not in ("comparison", "unanswerable"):
        further = [_evidence(p, quote, ground) for p, quote in answering]
    apart = [e for e in further if not any(_overlap(e, held) for held in draft.evidence)]
    return replace(draft, measured=noted, evidence=(*draft.evidence, *apart))


def _evidence(passage: Passage, quote: str, ground: Ground) -> Evidence:
    """Return what a neighbour answers with: its quote where that is found, else all of it."""
    found = place_in(quote, passage) if quote.strip() else None
    start, end = found or (passage.start, passage.end)
    text = ground.corpus.documents[ground.corpus.row[passage.document]].text
    return Evidence.of(passage.document, text, start, end)


def _overlap(a: Evidence, b: Evidence) -> bool:
    return a.document == b.document and a.start < b.end and b.start < a.end


def read(answer: Answer) -> Checked:
    """Read a yes or no with its reason and quote."""
    if answer.problem:
        return Checked(None, answer.problem, "")
    said = object_in(answer.text)
    yes, reason, quote = truth(said.get("yes")), said.get("reason"), said.get("quote")
    if yes is None:
        return Checked(None, f"the answer is no yes or no: {answer.text[:120]!r}", "")
    return Checked(
        yes, str(reason)[:500] if reason else "", quote if isinstance(quote, str) else ""
    )


def usable(text: str) -> bool:
    """Tell whether an answer says yes or no."""
    return read(Answer(text)).yes is not None


def _task(spec: GenerationSpec, draft: Draft, passages: Sequence[Passage]) -> Task:
    mark = mark_for(passages, draft.query)
    values = {
        "what": SEVERAL if len(passages) > 1 else ONE,
        "query": fenced("query", mark, draft.query),
        **as_data(passages, mark),
    }
    prompt = Prompt(filled(ANSWERS, values), system=warning(mark), max_tokens=spec.max_tokens)
    return Task(prompt, lambda: offline.answers(draft.query, passages), LIKELY)
