"""Orders: what is to be written of which passages, drawn by the seed, passage by passage.

What is drawn for a passage follows from the seed and the passage, so that a larger sample asks
nothing new of the passages that were there.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from goldsets.formats.base import language_of
from goldsets.generation.ask import Asker
from goldsets.generation.passages import Ground, drawn
from goldsets.generation.spec import AS_PASSAGE, GenerationSpec
from goldsets.generation.types import Sampled
from retrieval.errors import InputError
from retrieval.query.names import names_in
from retrieval.types import Float32

FEWEST = 20
"""Real queries from which on lengths and typos follow theirs."""
TWIN = 0.92
"""The cosine from which on two passages say the same, so that one of them is enough."""


@dataclass(frozen=True)
class Order:
    """One query to write of its passages, the first of which leads.

    `words` 0 leaves the length to the kind; `other` is a real query to write another than.
    """

    passages: tuple[Sampled, ...]
    kind: str
    persona: str = ""
    language: str = ""
    words: int = 0
    other: str = ""
    examples: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name the order by its leading passage: a generation writes one query of each."""
        return self.passages[0].passage.key


def orders(
    spec: GenerationSpec,
    chosen: Sequence[Sampled],
    real: Sequence[str],
    ground: Ground,
    asker: Asker,
) -> list[Order]:
    """Draw an order for each chosen passage that allows one of the kinds.

    Raises:
        InputError: other queries than real ones are wanted, and there are none.
    """
    if spec.contrast == "distinct" and not real:
        raise InputError(
            "contrast: distinct writes other queries than real ones, and the gold set has none"
        )
    apart = with_others(chosen)
    kinds = [kind_for(spec, s, several=s.id in apart) for s in chosen]
    chosen = [s for s, kind in zip(chosen, kinds, strict=True) if kind]
    kinds = [kind for kind in kinds if kind]
    wanted = "multi_hop" in kinds or spec.contrast == "distinct"
    vectors = vectors_of(ground, chosen, asker) if wanted else None
    partners = partners_of(chosen, vectors) if "multi_hop" in kinds else []
    others = others_of(spec, chosen, real, vectors, asker)
    return [
        Order(
            (s, partners[i]) if kind == "multi_hop" else (s,),
            kind,
            choice(dict.fromkeys(spec.personas, 1.0), spec.seed, s.passage.key, "persona"),
            _language(spec, s),
            _words(spec, s, real),
            others[i],
            _examples(spec, s, real),
        )
        for i, (s, kind) in enumerate(zip(chosen, kinds, strict=True))
    ]


def with_others(chosen: Sequence[Sampled]) -> set[int]:
    """Return the passages that have one of another document in their language beside them."""
    documents: dict[str, set[str]] = defaultdict(set)
    languages = {s.id: language_of([s.passage.text]) for s in chosen}
    for s in chosen:
        documents[languages[s.id]].add(s.passage.document)
    return {id_ for id_, language in languages.items() if len(documents[language]) > 1}


def kind_for(spec: GenerationSpec, s: Sampled, *, several: bool) -> str:
    """Draw a kind that the passage allows; the empty string where it allows none.

    Exact names need a passage with some, several hops one of another document in its language.
    """
    allowed = {
        kind: weight
        for kind, weight in spec.kinds.items()
        if (kind != "identifier" or names_in(s.passage.text)) and (kind != "multi_hop" or several)
    }
    return choice(allowed, spec.seed, s.passage.key, "kind")


def choice(weights: Mapping[str, float], seed: int, *what: str) -> str:
    """Draw one by weight; the empty string where there is none."""
    left = drawn(seed, *what) * sum(weights.values())
    for name, weight in weights.items():
        left -= weight
        if left < 0:
            return name
    return ""


def vectors_of(ground: Ground, chosen: Sequence[Sampled], asker: Asker) -> Float32 | None:
    """Return the passages' vectors, None in a plan that has none."""
    chunks = ground.index.chunks.value
    rows = [ground.row[s.passage.key] for s in chosen]
    texts = [chunks.indexed(ground.corpus, row) for row in rows]
    return asker.embed(ground.spec.embed, texts, "passage")


def partners_of(chosen: Sequence[Sampled], vectors: Float32 | None) -> list[Sampled]:
    """Return for each passage the most alike of another document in its language, but no twin.

    One without any is its own; a plan without vectors takes the next.
    """
    documents = np.array([s.passage.document for s in chosen])
    languages = np.array([language_of([s.passage.text]) for s in chosen])
    found = []
    for i, s in enumerate(chosen):
        apart = np.flatnonzero((documents != documents[i]) & (languages == languages[i]))
        if not len(apart):
            found.append(s)
        elif vectors is None:
            found.append(chosen[int(apart[np.searchsorted(apart, i) % len(apart)])])
        else:
            alike = vectors[apart] @ vectors[i]
            alike[alike >= TWIN] -= 2.0  # after all others
            found.append(chosen[int(apart[alike.argmax()])])
    return found


def others_of(
    spec: GenerationSpec,
    chosen: Sequence[Sampled],
    real: Sequence[str],
    vectors: Float32 | None,
    asker: Asker,
) -> list[str]:
    """Return for each passage the real query that is nearest to it, where one is wanted."""
    if spec.contrast != "distinct":
        return [""] * len(chosen)
    asked = asker.embed(spec.embed, real, "query")
    if asked is None or vectors is None:
        return [real[0]] * len(chosen)
    return [real[int(i)] for i in (vectors @ asked.T).argmax(axis=1)]


def _language(spec: GenerationSpec, s: Sampled) -> str:
    wanted = choice(spec.languages, spec.seed, s.passage.key, "language")
    return language_of([s.passage.text]) if wanted == AS_PASSAGE else wanted


def _words(spec: GenerationSpec, s: Sampled, real: Sequence[str]) -> int:
    if spec.lengths == "free" or len(real) < FEWEST:
        return 0
    return len(real[int(drawn(spec.seed, s.passage.key, "length") * len(real))].split())


def _examples(spec: GenerationSpec, s: Sampled, real: Sequence[str]) -> tuple[str, ...]:
    order = sorted(real, key=lambda text: drawn(spec.seed, s.passage.key, "example", text))
    return (*spec.examples, *order[: spec.real_examples])
