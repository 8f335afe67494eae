"""Write: a query for each order, with quotes of the evidence that are found in the text."""

import json
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from goldsets.evidence import Status, locate
from goldsets.formats.base import language_of
from goldsets.generation import offline, wording
from goldsets.generation.ask import Answer, Asker, Task, Work
from goldsets.generation.judge import as_data, mark_for, prompted
from goldsets.generation.orders import Order
from goldsets.generation.spec import GenerationSpec
from goldsets.generation.types import Draft, Measured, Passage, Prompted
from goldsets.generation.typos import mistyped
from goldsets.types import Evidence
from retrieval.providers.chat import Prompt
from retrieval.query.as_data import fenced, filled, object_in, warning
from retrieval.types import Corpus

EXPECTED = 90
"""Tokens of an answer, for plans."""
LONGEST = 400
"""Characters of a query."""
MOST_QUOTES = 6
DECLINED = "the writer found no such query in the passage"
"""What is wrong with an answer whose query is empty, as the writer may leave it."""
NEARLY = 0.9
"""How alike a quote must be to its place where it is not copied exactly: a mark or two changed."""


def written(
    spec: GenerationSpec, given: Sequence[Order], corpus: Corpus, typos: float, asker: Asker
) -> list[Draft]:
    """Have the writer answer every order; what it wrote that cannot be used says why."""
    tasks = [task_of(spec, order) for order in given]
    answers = asker.ask(Work("Write queries", spec.writer, tasks, usable, EXPECTED))
    drafts = []
    for order, task, answer in zip(given, tasks, answers, strict=True):
        drafts.append(draft_of(spec, order, task.prompt.ask, answer, corpus, typos))
    return drafts


def version(spec: GenerationSpec) -> Prompted:
    """Return what the spec's writer is asked, its kinds and all, before an order is filled in."""
    template = wording.NAIVE if spec.contrast == "naive" else wording.ASK
    parts = (template, wording.NO_ANSWER, wording.ANSWER, wording.ANSWER_PARTS)
    kinds = (f"{kind}: {said}" for kind, said in wording.KINDS.items())
    text = "\n\n".join((*parts, *kinds))
    return prompted("write", spec.contrast, text, spec.writer)


def draft_of(
    spec: GenerationSpec, order: Order, prompt: str, answer: Answer, corpus: Corpus, typos: float
) -> Draft:
    """Read one answer: the query, its quotes found in the passages, typos put in."""
    query, quotes, malformed = read(answer)
    evidence, misquoted = ((), "") if malformed else quoted(order, quotes, corpus)
    text = mistyped(query, typos, spec.seed, order.name)
    return Draft(
        order.name,
        order.kind,
        tuple(s.id for s in order.passages),
        order.persona,
        order.language,
        prompt,
        answer.text,
        query,
        text,
        evidence,
        Measured(malformed=malformed, misquoted=misquoted),
    )


def read(answer: Answer) -> tuple[str, list[str], str]:
    """Return the query and the quotes of an answer, and what is wrong with it, if anything is."""
    if answer.problem:
        return "", [], answer.problem
    said = object_in(answer.text)
    query, quotes = said.get("query"), said.get("quotes")
    shown = " ".join(answer.text.split())[:120]
    if not said:
        return "", [], f"no JSON, a refusal perhaps: {shown!r}"
    if query == "":
        return "", [], DECLINED
    if not isinstance(query, str) or not any(c.isalnum() for c in query):
        return "", [], f"JSON without a query: {shown!r}"
    query = " ".join(query.split())
    if len(query) > LONGEST:
        return "", [], f"a query of {len(query):,} characters, at most {LONGEST} are one"
    if not isinstance(quotes, list) or not all(isinstance(q, str) for q in quotes):
        return query, [], f"JSON without a list of quotes: {shown!r}"
    return query, [q for q in quotes if q.strip()][:MOST_QUOTES], ""


def usable(text: str) -> bool:
    """Tell whether an answer can be read."""
    return read(Answer(text))[2] in ("", DECLINED)


def quoted(order: Order, quotes: Sequence[str], corpus: Corpus) -> tuple[tuple[Evidence, ...], str]:
    """Find the quotes in the order's passages; return the evidence, and what is wrong with it.

    Of several hops each passage needs a quote, and is a part of the answer; so is each quote of a
    comparison. Elsewhere the first quote that is found is the evidence.
    """
    if order.kind == "unanswerable":
        return (), ""
    passages = [s.passage for s in order.passages]
    found = [(q, *_place(q, passages)) for q in quotes]
    missing = next((q for q, number, _ in found if number < 0), "")
    if not quotes:
        return (), "no quote was given"
    if missing:
        return (), f"not in the passage: {missing[:120]!r}"
    unquoted = {*range(len(passages))} - {number for _, number, _ in found}
    if unquoted:
        return (), f"nothing is quoted of passage {min(unquoted) + 1}"
    several = order.kind in ("multi_hop", "comparison")
    evidence = {}
    for i, (_, number, span) in enumerate(found if several else found[:1]):
        passage = passages[number]
        text = corpus.documents[corpus.row[passage.document]].text
        part = str(number + 1 if order.kind == "multi_hop" else i + 1) if several else ""
        evidence[passage.document, span] = Evidence.of(passage.document, text, *span, part=part)
    return tuple(evidence.values()), ""


def _place(quote: str, passages: Sequence[Passage]) -> tuple[int, tuple[int, int]]:
    """Return the number of the passage that holds a quote, and where; -1 for none."""
    for number, passage in enumerate(passages):
        span = place_in(quote, passage)
        if span:
            return number, span
    return -1, (0, 0)


def place_in(quote: str, passage: Passage) -> tuple[int, int] | None:
    """Return where in its document a passage says what is quoted; white space may differ."""
    wanted = Evidence(passage.document, 0, len(quote), quote)
    status, span = locate(wanted, passage.text)
    if status is Status.EDITED and span is not None:
        there = passage.text[span.start : span.end]
        alike = Levenshtein.normalized_similarity(" ".join(quote.split()), " ".join(there.split()))
        span = span if alike >= NEARLY else None
    return None if span is None else (passage.start + span.start, passage.start + span.end)


def task_of(spec: GenerationSpec, order: Order) -> Task:
    """Put an order into words; everything from a document or a user stands between tags."""
    passages = [s.passage for s in order.passages]
    naive = spec.contrast == "naive"
    mark = mark_for(passages, order.other, *order.examples)
    several = len(passages) > 1
    values = {
        "shown": wording.SEVERAL if several else wording.ONE,
        "application": spec.application,
        "kind": wording.KINDS.get(order.kind, ""),
        "details": "\n".join(_details(order, mark, naive=naive)),
        "answer": _how(order),
        **as_data(passages, mark),
    }
    template = wording.NAIVE if naive else wording.ASK
    if order.kind == "unanswerable":
        template = wording.NO_ANSWER
    prompt = Prompt(filled(template, values), system=warning(mark), max_tokens=spec.max_tokens)
    return Task(prompt, lambda: offline.written(order), _likely(passages))


def _how(order: Order) -> str:
    if order.kind not in ("multi_hop", "comparison"):
        return wording.ANSWER
    each = ", at least one of each passage" if order.kind == "multi_hop" else ""
    return wording.ANSWER_PARTS.replace("{each}", each)


def _details(order: Order, mark: str, *, naive: bool) -> list[str]:
    """Return what there is to say besides the kind, a line each."""
    own = language_of([order.passages[0].passage.text]) == order.language
    named = wording.LANGUAGES.get(order.language, order.language)
    known = order.language and not own
    said = [wording.LANGUAGE.replace("{language}", named) if known else wording.SAME_LANGUAGE]
    if naive:
        return said
    if order.persona:
        said.append(wording.PERSONA.replace("{persona}", order.persona))
    if order.words:
        said.append(wording.LENGTH.replace("{words}", str(order.words)))
    if order.examples:
        shown = "\n".join(fenced("example", mark, text) for text in order.examples)
        said.append(wording.STYLE.replace("{examples}", shown))
    if order.other:
        said.append(wording.OTHER.replace("{other}", fenced("asked", mark, order.other)))
    return said


def _likely(passages: Sequence[Passage]) -> str:
    """Return an answer of ordinary length, for plans."""
    quotes = [" ".join(p.text.split()[:12]) for p in passages]
    return json.dumps({"query": f"{passages[0].key} what is this", "quotes": quotes})
