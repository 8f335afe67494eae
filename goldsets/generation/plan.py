"""The plan of a generation: what it would ask, embed and pay, and what is kept of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from goldsets.evaluation.words import count
from goldsets.generation.ask import Foreseen
from goldsets.generation.judge import judged
from goldsets.generation.offline import Offline
from goldsets.generation.passages import Ground
from goldsets.generation.road import filter_all, write_all
from goldsets.generation.spec import GenerationSpec
from goldsets.generation.types import Sampled
from goldsets.launch import outlay_line, price_line
from retrieval.cost import Outlay, total
from retrieval.runtime import Runtime
from retrieval.types import Corpus

DOING: Mapping[str, tuple[str, str]] = {
    "Judge passages": ("answer", "to judge passages with"),
    "Write queries": ("answer", "to write queries with"),
    "Check queries": ("answer", "to check queries with"),
    "Embed": ("text", "to embed with"),
}


@dataclass(frozen=True)
class Plan:
    """What a generation would do, known before it starts.

    `outlays` are by step and model. They are the most there can be while answers are still to come:
    every passage is taken to pass, every query to need a check.
    """

    passages: int
    outlays: Mapping[tuple[str, str], Outlay]
    to_embed: Mapping[str, int]
    lacking: Sequence[str]
    stand_in: bool

    @property
    def calls(self) -> int:
        """Count the calls to come."""
        return sum(o.calls for o in self.outlays.values())

    def lines(self) -> Iterator[str]:
        """Phrase the plan, a line a fact."""
        yield f"{count(self.passages, 'passage')} drawn"
        if self.stand_in:
            yield "the offline stand-in asks nobody; its queries say that it wrote them"
        for model, texts in self.to_embed.items():
            yield f"{count(texts, 'text')} to embed with {model}, at no cost (on this machine)"
        for (step, model), planned in self.outlays.items():
            noun, doing = DOING[step]
            yield outlay_line(noun, f"{doing} {model}", planned)
        if self.calls:
            yield "at the most: passages that do not pass and queries that are filtered ask less"
        if len(self.outlays) > 1:
            yield f"{price_line(total(o.usd for o in self.outlays.values()))} in all"
        yield from self.lacking


def plan(spec: GenerationSpec, corpus: Corpus, real: Sequence[str], rt: Runtime) -> Plan:
    """Count what a generation would ask and pay; passages are cut for it, nobody is asked."""
    ground, asker = Ground.of(spec, corpus, rt), Foreseen(rt)
    sampled = [Sampled(-i, p) for i, p in enumerate(ground.sample(), 1)]
    verdicts = judged(spec, sampled, asker)
    drafts = write_all(spec, sampled, verdicts, real, ground, asker)
    filter_all(spec, sampled, drafts, ground, asker)
    models = (spec.judge, spec.writer)
    stages = (*models, spec.embed)
    return Plan(
        len(sampled),
        asker.outlays,
        asker.to_embed,
        tuple(dict.fromkeys(problem for stage in stages for problem in stage.lacking)),
        any(isinstance(m, Offline) for m in models),
    )
