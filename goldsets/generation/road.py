"""The road of a generation: judge, write, measure, check. It is walked alike to plan and to work.

Passages that are not kept yet have numbers below 0.
"""

from collections.abc import Sequence

from goldsets.generation.ask import Asker
from goldsets.generation.check import checked
from goldsets.generation.filters import CHEAP, measured, sieved
from goldsets.generation.judge import passing
from goldsets.generation.orders import FEWEST, orders
from goldsets.generation.passages import Ground
from goldsets.generation.spec import GenerationSpec
from goldsets.generation.types import Draft, Sampled, Verdict
from goldsets.generation.typos import typo_rate
from goldsets.generation.write import written
from retrieval.ingest.tokenize import folded, words


def write_all(
    spec: GenerationSpec,
    sampled: Sequence[Sampled],
    verdicts: Sequence[Verdict],
    real: Sequence[str],
    ground: Ground,
    asker: Asker,
) -> list[Draft]:
    """Write a query for each passage that meets every criterion."""
    passes = passing(spec, verdicts)
    chosen = [s for s in sampled if s.id in passes]
    given = orders(spec, chosen, real, ground, asker)
    return written(spec, given, ground.corpus, _typos(spec, real, ground), asker)


def filter_all(
    spec: GenerationSpec,
    sampled: Sequence[Sampled],
    drafts: Sequence[Draft],
    ground: Ground,
    asker: Asker,
) -> list[Draft]:
    """Measure all drafts; the judge is asked about those that pass what needs none."""
    passages = {s.id: s.passage for s in sampled}
    found = measured(spec, drafts, passages, ground, asker)
    left = sieved(found, spec.thresholds, CHEAP).survivors
    asked = checked(spec, [d for d in found if d.name in left], passages, ground, asker)
    judged = {d.name: d for d in asked}
    return [judged.get(d.name, d) for d in found]


def _typos(spec: GenerationSpec, real: Sequence[str], ground: Ground) -> float:
    """Return the share of queries with a typo: the spec's, or that of the real ones."""
    if spec.typos is not None:
        return spec.typos
    if len(real) < FEWEST:
        return 0.0
    runs = {run for d in ground.corpus.documents for run in words().findall(d.text)}
    return typo_rate(real, {folded(run) for run in runs})
