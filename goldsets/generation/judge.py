"""The judge: which passages are worth a query, a criterion at a time, with a short reason.

A passage passes when every criterion says yes. An answer is kept by model, prompt and passage, so
that rewording one criterion asks for that one again and nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence

from goldsets.generation import offline
from goldsets.generation.ask import Answer, Asker, Task, Work
from goldsets.generation.spec import GenerationSpec, Model
from goldsets.generation.types import Passage, Prompted, Sampled, Verdict
from retrieval.providers.chat import Prompt
from retrieval.query.as_data import fenced, filled, mark_of, object_in, warning
from retrieval.stage import full
from retrieval.types import digest

TASK = "criterion"
CRITERION = """A team chooses passages of its documents for which test queries are written.
What the documents are searched for: {application}

Does the passage meet this criterion? {criterion}

{place}
{passage}

Answer with JSON and nothing else: {"reason": "one short sentence", "yes": true or false}"""
EXPECTED = 40
"""Tokens of an answer, for plans."""
LIKELY = '{"reason": "", "yes": true}'
MOST_CHARACTERS = 500
"""Of a reason that is kept."""
WORDS = {"yes": True, "true": True, "no": False, "false": False}


def judged(spec: GenerationSpec, sampled: Sequence[Sampled], asker: Asker) -> list[Verdict]:
    """Ask each criterion of each passage; what a criterion says of all passages stands together."""
    asked = [(name, s) for name in spec.criteria for s in sampled]
    keys = {name: version(spec, name).key for name in spec.criteria}
    tasks = [_task(spec, name, s.passage) for name, s in asked]
    answers = asker.ask(Work("Judge passages", spec.judge, tasks, usable, EXPECTED))
    return [
        Verdict(s.id, keys[name], name, *read(answer))
        for (name, s), answer in zip(asked, answers, strict=True)
    ]


def passing(spec: GenerationSpec, verdicts: Iterable[Verdict]) -> set[int]:
    """Return the passages of which every criterion, as the spec words it, says yes."""
    keys = {version(spec, name).key for name in spec.criteria}
    said: dict[int, set[str]] = {}
    for verdict in verdicts:
        if verdict.yes:
            said.setdefault(verdict.passage, set()).add(verdict.prompt)
    return {passage for passage, yes in said.items() if keys <= yes}


def version(spec: GenerationSpec, criterion: str) -> Prompted:
    """Return a criterion's prompt as it is asked of the spec's judge."""
    return prompted(TASK, criterion, _worded(spec, criterion), spec.judge)


def prompted(task: str, name: str, text: str, model: Model) -> Prompted:
    """Name a version of a prompt by its words, its model and the model's parameters."""
    key = digest(task, text, str(model.versions), str(full(model)))[:16]
    return Prompted(key, task, name, text, {"name": model.name, "stage": full(model)})


def read(answer: Answer) -> tuple[bool | None, str]:
    """Return yes or no with the reason; None and what is wrong where the answer says neither."""
    if answer.problem:
        return None, answer.problem
    said = object_in(answer.text)
    yes, reason = truth(said.get("yes")), said.get("reason")
    if yes is None:
        shown = " ".join(answer.text.split())[:120]
        return None, f"the answer is no JSON with a yes or no: {shown!r}"
    return yes, " ".join(reason.split())[:MOST_CHARACTERS] if isinstance(reason, str) else ""


def truth(value: object) -> bool | None:
    """Read a yes or no; None is neither."""
    if isinstance(value, bool):
        return value
    return WORDS.get(value.strip().lower()) if isinstance(value, str) else None


def usable(text: str) -> bool:
    """Tell whether an answer says yes or no."""
    return read(Answer(text))[0] is not None


def as_data(passages: Sequence[Passage], mark: str, *, place: bool = True) -> Mapping[str, str]:
    """Put passages and their places between tags that none of their texts can close."""
    several = len(passages) > 1
    numbers = [i if several else None for i in range(1, len(passages) + 1)]
    tagged = [fenced("passage", mark, p.text, n) for n, p in zip(numbers, passages, strict=True)]
    places = [fenced("place", mark, p.place, n) for n, p in zip(numbers, passages, strict=True)]
    return {"place": "\n".join(places) if place else "", "passage": "\n".join(tagged)}


def mark_for(passages: Sequence[Passage], *others: str) -> str:
    """Return the mark of the tags around passages and other texts."""
    return mark_of([*(t for p in passages for t in (p.place, p.text)), *others])


def _worded(spec: GenerationSpec, criterion: str) -> str:
    given = {"application": spec.application, "criterion": spec.criteria[criterion]}
    return filled(CRITERION, given)


def _task(spec: GenerationSpec, criterion: str, passage: Passage) -> Task:
    mark = mark_for([passage])
    ask = filled(_worded(spec, criterion), as_data([passage], mark))
    prompt = Prompt(ask, system=warning(mark), max_tokens=spec.max_tokens)
    return Task(prompt, lambda: offline.judged(passage), LIKELY)
