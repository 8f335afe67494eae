"""A reranker's prompt, and what it put too low: for people to edit, or a model to draft anew."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from goldsets.diagnosis.attribute import Diagnosis
from goldsets.diagnosis.causes import Cause
from goldsets.diagnosis.suggest import Suggestion
from retrieval.errors import BadAnswer, InputError
from retrieval.providers.chat import Prompt
from retrieval.query.as_data import fenced, lacks, mark_of, warning
from retrieval.query.chat_rerank import ChatReranker
from retrieval.runtime import Runtime

MOST = 8
"""Examples that a model is shown."""

CHARACTERS = 1_500
"""Of each passage that it is shown."""

ASK = """Below is the prompt of a reranker, and queries for which it ranked the passage that \
answers too low. Write a better prompt. Say in general terms what to prefer; do not copy from the \
examples, and name none of them. Keep these placeholders, in braces, each at least once: {needs}. \
Answer with the new prompt alone."""


@dataclass(frozen=True)
class Example:
    """A query, the evidence that was put too low, and the passage that was put first."""

    query: str
    evidence: str
    first: str


def chat_reranker(diagnosis: Diagnosis) -> ChatReranker | None:
    """Return the reranker whose prompt may be edited, None where there is none."""
    rerank = diagnosis.trail.pipeline.rerank
    return rerank if isinstance(rerank, ChatReranker) else None


def examples(diagnosis: Diagnosis) -> list[Example]:
    """Return what the reranker put too low, a query once."""
    t = diagnosis.trail
    chunks, ids = t.steps.index.chunks.value, t.steps.reranked.value.ids
    losses = {loss.query: loss for loss in reversed(diagnosis.of(Cause.RERANK_DEMOTED))}
    return [
        Example(
            t.board.queries.texts[query],
            t.board.anchored.found[losses[query].row].evidence.exact,
            chunks.text(t.board.corpus, int(ids[query, 0])),
        )
        for query in sorted(losses)
    ]


def draft(reranker: ChatReranker, shown: Sequence[Example], rt: Runtime) -> str:
    """Ask the reranker's own model for a better prompt.

    Raises:
        BadAnswer: the draft lacks a placeholder.
        ProviderError: the model cannot be asked.
    """
    texts = [t[:CHARACTERS] for e in shown[:MOST] for t in (e.query, e.evidence, e.first)]
    mark = mark_of([reranker.prompt, *texts])
    names = ("query", "answers", "ranked-first")
    data = [fenced(names[i % 3], mark, text) for i, text in enumerate(texts)]
    needs = ", ".join(f"{{{name}}}" for name in reranker.needs)
    ask = "\n\n".join(
        [ASK.replace("{needs}", needs), fenced("prompt", mark, reranker.prompt), *data]
    )
    written = reranker.model.write(Prompt(ask, system=warning(mark), max_tokens=2_000), rt)
    missing = lacks(written, reranker.needs)
    if missing:
        raise BadAnswer(reranker.model.vendor.name, f"wrote a prompt without {{{missing[0]}}}")
    return written


def with_prompt(diagnosis: Diagnosis, prompt: str) -> Suggestion:
    """Return the edited prompt as a change to try.

    Raises:
        SpecError: the prompt lacks a placeholder.
        InputError: it is the prompt there is, or no model reranks.
    """
    reranker = chat_reranker(diagnosis)
    if reranker is None or prompt == reranker.prompt:
        raise InputError("the prompt is as it was; edit it first")
    queries = diagnosis.trail.board.gold.queries
    helps = (queries[loss.query].id for loss in diagnosis.of(Cause.RERANK_DEMOTED))
    return Suggestion(
        f"Another prompt for {type(reranker).__name__}",
        f"Edited: {' '.join(prompt.split())[:100]} …",
        (Cause.RERANK_DEMOTED,),
        tuple(dict.fromkeys(helps)),
        replace(diagnosis.trail.pipeline, rerank=replace(reranker, prompt=prompt)),
    )
