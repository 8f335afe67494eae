"""How far synthetic queries can be trusted to rank pipelines as real ones would.

Real queries are the gold set's own, or a log's: those have no evidence, so they say how queries
look and not how they rank. The two are compared and never averaged.

What a query shares with its evidence is measured in the passages that hold it, cut as for the
generation: the gold of one query may be a page and that of another a sentence.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldsets.evaluation.sweep import Board
from goldsets.evaluation.words import coefficient, count, points
from goldsets.generation import likeness
from goldsets.generation.filters import Rarity, common_run
from goldsets.generation.likeness import Likeness, Seen
from goldsets.generation.passages import Ground
from goldsets.generation.ranking import Flip, Ranking, ranked_alike
from goldsets.store.drafts import run_of
from goldsets.types import STAND_IN, Query
from retrieval.errors import InputError
from retrieval.ingest.embed import embed
from retrieval.types import Float32, Float64, Int64

OTHER = "other"
"""The kind of a synthetic query without tags."""


@dataclass(frozen=True)
class Trust:
    """What synthetic queries, all or those of a kind, are against the real ones.

    `reviewed` and `stand_in` count those that somebody reviewed and that no model wrote. Where one
    of the comparisons cannot be made it is None, and `problems` says why.
    """

    name: str
    queries: int
    reviewed: int
    stand_in: int
    likeness: Likeness | None
    ranking: Ranking | None
    problems: tuple[str, ...] = ()

    @property
    def leaky(self) -> bool:
        """Tell whether the queries repeat their evidence more than real ones do."""
        return bool(self.likeness and self.likeness.leaks)


@dataclass(frozen=True)
class Sides:
    """A gold set's queries by who asked them, in its order; `real` may be a log's instead.

    `made` are the rows of the synthetic ones that are compared.
    """

    board: Board
    real: Seen
    synthetic: Seen
    made: Sequence[int]
    logged: bool

    @property
    def queries(self) -> list[Query]:
        """Return the synthetic queries that are compared."""
        return [self.board.gold.queries[i] for i in self.made]


def kind_of(query: Query) -> str:
    """Return the kind that a synthetic query was asked for: its first tag."""
    return next(iter(query.tags), OTHER)


def made_by(queries: Sequence[Query], run: int) -> list[int]:
    """Return the rows of synthetic queries but for those of other runs than this one."""
    own = (None, run)
    return [i for i, q in enumerate(queries) if q.synthetic and run_of(q.id) in own]


def sides(board: Board, ground: Ground, run: int, log: Sequence[str] = ()) -> Sides:
    """Measure the synthetic queries of a run, and a gold set's real ones or those of a log.

    Synthetic queries that are of no run, having been imported, count too. Passages and queries are
    embedded by the model of the ground's spec.
    """
    queries, measuring = board.gold.queries, _Measuring(board, ground)
    own = [i for i, q in enumerate(queries) if not q.synthetic]
    made = made_by(queries, run)
    asked = list(log) or [queries[i].text for i in own]
    vectors = measuring.embedded(asked)
    real = measuring.seen(asked, [] if log else own, vectors, vectors)
    texts = [queries[i].text for i in made]
    synthetic = measuring.seen(texts, made, measuring.embedded(texts), vectors)
    kinds = tuple(kind_of(queries[i]) for i in made)
    return Sides(board, real, Seen(synthetic.texts, kinds, synthetic.measured), made, bool(log))


class _Measuring:
    """Measures queries against the passages that hold their evidence."""

    def __init__(self, board: Board, ground: Ground) -> None:
        self.board, self.ground, self.rarity = board, ground, Rarity(ground)
        self.near = _passages_of(board, ground)

    def embedded(self, texts: Sequence[str]) -> Float32:
        return embed(self.ground.spec.embed, texts, "query", self.board.rt)

    def seen(self, texts: Sequence[str], rows: Sequence[int], own: Float32, real: Float32) -> Seen:
        """Measure queries by their texts; `rows` are theirs in the gold set, none for a log's."""
        places = [self.near[row] for row in rows] or [[] for _ in texts]
        passages = [[self.ground.passages[i] for i in near] for near in places]
        pairs = list(zip(texts, passages, strict=True))
        measured = {
            likeness.WORDS: [float(len(text.split())) for text in texts],
            likeness.RUN: [_most([common_run(t, p.text) for p in its]) for t, its in pairs],
            likeness.RARE: [_most([self.rarity.share(t, p, "") for p in its]) for t, its in pairs],
            likeness.COSINE: self._cosines(own, places),
            likeness.NEAREST: likeness.nearest(own, real, own=own is real),
        }
        values = {name: np.asarray(v, np.float64) for name, v in measured.items()}
        return Seen(tuple(texts), ("",) * len(texts), values)

    def _cosines(self, own: Float32, places: Sequence[Sequence[int]]) -> list[float]:
        chunks = self.ground.index.chunks.value
        rows = sorted({i for near in places for i in near})
        texts = [chunks.indexed(self.ground.corpus, i) for i in rows]
        vectors = embed(self.ground.spec.embed, texts, "passage", self.board.rt)
        at = {row: place for place, row in enumerate(rows)}
        return [
            _most([float(query @ vectors[at[i]]) for i in near])
            for query, near in zip(own, places, strict=True)
        ]


def _most(values: Sequence[float]) -> float:
    return float(max(values, default=np.nan))


def _passages_of(board: Board, ground: Ground) -> list[list[int]]:
    """Return for each query of the board the passages that overlap its relevant evidence."""
    by_document: dict[str, list[int]] = defaultdict(list)
    for i, passage in enumerate(ground.passages):
        by_document[passage.document].append(i)
    found: list[list[int]] = [[] for _ in board.gold.queries]
    a = board.anchored
    for e in np.flatnonzero((a.grade > 0) & (a.document >= 0)).tolist():
        document = board.corpus.documents[int(a.document[e])].id
        for i in by_document[document]:
            p = ground.passages[i]
            if p.start < a.end[e] and a.start[e] < p.end:
                found[int(a.query[e])].append(i)
    return found


def trusted(held: Sides, names: Sequence[str], values: Float64) -> list[Trust]:
    """Compare all synthetic queries with the real ones, then those of each kind.

    `values` `(V, Q)` are of one measure, for pipelines by `names` and the gold set's queries in
    their order.
    """
    real = np.array([not q.synthetic for q in held.board.gold.queries], bool)
    own, made = values[:, real], values[:, list(held.made)]
    kinds = sorted(set(held.synthetic.kinds), key=lambda k: (-held.synthetic.kinds.count(k), k))
    every = np.arange(len(held.synthetic.kinds))
    found = [_one(held, "all", every, names, own, made)]
    for kind in kinds if len(kinds) > 1 else ():
        rows = np.flatnonzero([k == kind for k in held.synthetic.kinds])
        found.append(_one(held, kind, rows, names, own, made))
    return found


def _one(
    held: Sides, name: str, rows: Int64, names: Sequence[str], real: Float64, made: Float64
) -> Trust:
    queries = [held.queries[i] for i in rows]
    problems: list[str] = []
    looks = ranks = None
    try:
        looks = likeness.compared(held.real, held.synthetic.only(rows))
    except InputError as e:
        problems.append(str(e))
    try:
        if held.logged:
            raise InputError("queries of a log have no evidence, so that they rank nothing")
        ranks = ranked_alike(names, real, made[:, rows])
    except InputError as e:
        problems.append(str(e))
    return Trust(
        name,
        len(queries),
        sum(q.reviewed for q in queries),
        sum(q.origin.startswith(STAND_IN) for q in queries),
        looks,
        ranks,
        tuple(problems),
    )


def verdict(found: Trust) -> str:
    """Say plainly how far the queries can be trusted to rank pipelines."""
    said = [_of_ranking(found.ranking)] if found.ranking else []
    if found.leaky:
        said.append(
            "They repeat the text they should find more than real queries do, which is what turns"
            " rankings round."
        )
    if found.likeness and found.likeness.told_apart:
        area = found.likeness.told_apart
        said.append(
            f"A classifier tells them from real ones in {points(area.value)} of 100 pairs"
            f" ({points(area.low)} to {points(area.high)}); 50 is the aim."
        )
    return " ".join(said) or f"Cannot tell: {'; '.join(found.problems)}."


def _of_ranking(r: Ranking) -> str:
    pairs = count(r.pairs, "pair")
    if r.sure_flips:
        first = f"{_pair(r, r.sure_flips[0])}"
        flips = count(len(r.sure_flips), "surely flips", "surely flip")
        return f"Not to be trusted to rank these pipelines: of {pairs} {flips}. {first}"
    if r.alike == r.pairs:
        return f"They rank {pairs} of pipelines as real queries do, every one surely."
    known = (
        ""
        if r.tau is None
        else f" tau is {coefficient(r.tau)} ({coefficient(r.low)} to {coefficient(r.high)})"
    )
    among = (
        ""
        if r.among_real is None
        else (f", where halves of the real queries agree to {coefficient(r.among_real)}")
    )
    if not r.alike:
        said = (
            f"Cannot tell yet whether they rank pipelines alike: of {pairs} none is surely ordered"
        )
    else:
        said = (
            f"Of {pairs} of pipelines {r.alike:,} surely stand in the same order, none surely"
            " flips, the others are too near to tell"
        )
    return f"{said};{known}{among}."


def _pair(r: Ranking, flip: Flip) -> str:
    real, made = flip.real.mean or 0.0, flip.synthetic.mean or 0.0
    return (
        f"“{r.names[flip.a]}” leads “{r.names[flip.b]}” by {points(real)} points with real queries"
        f" and trails it by {points(-made)} with synthetic ones."
    )
