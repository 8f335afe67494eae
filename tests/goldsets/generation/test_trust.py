"""Planted: queries made of the docstrings that are indexed, beside what people would ask."""

from dataclasses import replace

import numpy as np
import pytest

from goldsets.evaluation.measures import parse_measure
from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import Board
from goldsets.generation.likeness import COSINE, NEAREST, RARE, RUN, WORDS
from goldsets.generation.offline import Offline
from goldsets.generation.passages import Ground
from goldsets.generation.spec import GenerationSpec
from goldsets.generation.trust import Sides, Trust, made_by, sides, trusted, verdict
from goldsets.types import REVIEWED, STAND_IN, SYNTHETIC, GoldSet, Query
from retrieval.ingest.chunk import FixedTokens
from retrieval.runtime import Runtime
from tests.goldsets.generation.docstrings import ASKED, corpus, evidence, said
from tests.goldsets.letters import Letters

pytestmark = pytest.mark.slow

CHUNK = {"FixedTokens": {"size": 400}}
DENSE = {"chunk": CHUNK, "first": ["Dense"], "embed": {"Local": {"model": "use-m3"}}}
SWEEP = sweep_of(
    {
        "variants": {
            "BM25": {"chunk": CHUNK, "first": ["BM25"]},
            "identifiers": {"chunk": CHUNK, "first": [{"BM25": {"tokenize": "Identifiers"}}]},
            "dense": DENSE,
        },
        "measures": ["nDCG@50"],
    }
)
NAMES = [v.name for v in SWEEP.variants]


def asked(origin: str, names: list[str], tag: str = "") -> dict[Query, str]:
    tags = (tag,) if tag else ()
    return {Query(f"{origin}-{n}", ASKED[n], tags=tags, origin=origin): n for n in names}


def of_docstrings() -> dict[Query, str]:
    """Ask for the last thing that each docstring says, in its words."""
    made = {}
    for d in corpus().documents:
        held = [s for s in said(d) if 4 <= len(s.split()) <= 25]
        if held:
            made[Query(f"doc-{d.id}", held[-1], tags=("docstring",), origin=SYNTHETIC)] = d.id
    return made


def board_of(queries: dict[Query, str]) -> Board:
    c = corpus()
    found = {q.id: evidence(c.documents[c.row[name]]) for q, name in queries.items()}
    return Board(GoldSet("asked", "std", tuple(queries), found), c, Runtime(None))


def held(queries: dict[Query, str], log: tuple[str, ...] = ()) -> Sides:
    board = board_of(queries)
    spec = GenerationSpec("Python", Offline(), Offline(), chunk=FixedTokens(400), embed=Letters())
    return sides(board, Ground.of(spec, board.corpus, board.rt), 1, log)


def values_of(board: Board) -> np.ndarray:
    found = []
    for variant in SWEEP.variants:
        p = board.prepare(variant)
        found.append(board.values(p.index, p.ranking.value.ids, [parse_measure("nDCG@50")])[0])
    return np.array(found)


def invented(queries: dict[Query, str], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((3, len(queries)))


@pytest.mark.slow
def test_queries_made_of_docstrings_leak_and_turn_the_ranking_round() -> None:
    names, queries = list(ASKED), asked("written", list(ASKED)) | of_docstrings()
    found = trusted(both := held(queries), NAMES, values_of(both.board))[0]
    assert found.leaky
    assert found.likeness is not None
    assert {d.name for d in found.likeness.leaks} == {RUN, RARE}
    assert found.likeness.told_apart is not None
    assert found.likeness.told_apart.low > 0.9
    r = found.ranking
    assert r is not None
    assert r.real[2].mean > r.real[0].mean > 0
    assert r.synthetic[0].mean > r.synthetic[2].mean
    assert {(r.names[f.a], r.names[f.b]) for f in r.sure_flips} == {
        ("dense", "BM25"),
        ("dense", "identifiers"),
    }
    assert r.high < 0
    words = verdict(found)
    assert words.startswith("Not to be trusted to rank these pipelines: of 3 pairs 2 surely flip.")
    assert "They repeat the text they should find more than real queries do" in words
    assert len(both.real.texts) == len(names)


@pytest.mark.slow
def test_queries_that_people_would_ask_neither_leak_nor_flip() -> None:
    names = list(ASKED)
    free = asked("written", names[::2]) | asked(SYNTHETIC, names[1::2], "question")
    both = held(free)
    found = trusted(both, NAMES, values_of(both.board))[0]
    assert not found.leaky
    assert found.ranking is not None
    assert not found.ranking.sure_flips
    assert found.ranking.high == 1
    assert found.likeness is not None
    assert found.likeness.told_apart is not None
    assert found.likeness.told_apart.low < 0.5
    assert "surely flip." not in verdict(found)
    assert "repeat the text" not in verdict(found)


def test_each_kind_is_compared_by_itself() -> None:
    names = list(ASKED)
    leaks = dict(list(of_docstrings().items())[:40])
    free = asked(SYNTHETIC, names[1::2], "question")
    few = {Query("x", "only one of these", tags=("symptom",), origin=SYNTHETIC): names[0]}
    queries = asked("written", names[::2]) | leaks | free | few
    found = {t.name: t for t in trusted(held(queries), NAMES, invented(queries))}
    assert list(found) == ["all", "docstring", "question", "symptom"]
    assert [t.queries for t in found.values()] == [40 + len(free) + 1, 40, len(free), 1]
    assert found["docstring"].leaky
    assert not found["question"].leaky
    assert found["symptom"].likeness is found["symptom"].ranking is None
    assert verdict(found["symptom"]).startswith("Cannot tell: 1 synthetic query; 20 are needed")


def test_what_is_measured_of_a_query() -> None:
    document = corpus().documents[corpus().row["shutil.rmtree"]]
    quote = " ".join(document.text[document.given[0].start :].split()[1:6])
    queries = {Query("a", quote, origin=SYNTHETIC): document.id}
    queries |= asked("written", ["shutil.rmtree", "shutil.copytree"])
    both = held(queries)
    of = {name: values[0] for name, values in both.synthetic.measured.items()}
    assert of[WORDS] == of[RUN] == 5
    assert 0 < of[RARE] <= 1
    assert 0 < of[COSINE] <= 1
    assert of[NEAREST] < 1
    assert both.real.texts == (ASKED["shutil.rmtree"], ASKED["shutil.copytree"])
    assert both.real.measured[NEAREST][0] == pytest.approx(both.real.measured[NEAREST][1])


def test_a_log_says_how_queries_look_and_ranks_nothing() -> None:
    names = list(ASKED)
    queries = asked("written", names[:2]) | asked(SYNTHETIC, names[30:60], "question")
    found = trusted(held(queries, tuple(ASKED.values())[:30]), NAMES, invented(queries))[0]
    assert found.ranking is None
    assert found.likeness is not None
    assert {d.name for d in found.likeness.distributions} == {WORDS, NEAREST}
    assert found.problems == ("queries of a log have no evidence, so that they rank nothing",)


def test_too_few_real_queries_are_said() -> None:
    queries = asked("written", list(ASKED)[:19]) | asked(SYNTHETIC, list(ASKED)[19:60])
    found = trusted(held(queries), NAMES, invented(queries))
    assert [t.name for t in found] == ["all"]
    assert (found[0].likeness, found[0].ranking) == (None, None)
    assert verdict(found[0]).startswith("Cannot tell: 19 real queries; 20 are needed to compare;")


def test_who_wrote_and_who_reviewed_is_counted() -> None:
    names = list(ASKED)
    queries = asked("written", names[:25])
    queries |= asked(SYNTHETIC, names[25:40]) | asked(SYNTHETIC + REVIEWED, names[40:47])
    queries |= asked(STAND_IN, names[47:50]) | asked(STAND_IN + REVIEWED, names[50:51])
    found = trusted(held(queries), NAMES, invented(queries))[0]
    assert (found.queries, found.reviewed, found.stand_in) == (26, 8, 4)
    assert found.ranking is not None
    assert found.ranking.real[0].queries == 25


def test_queries_of_other_runs_are_left_out_and_those_of_none_are_not() -> None:
    names = ("q", "synthetic-1-1", "synthetic-2-1", "synthetic-21-3", "mine", "synthetic-1-22")
    queries = [Query(name, name, origin=SYNTHETIC) for name in names[1:]]
    assert made_by([Query("q", "q"), *queries], 1) == [1, 4, 5]
    assert made_by([Query("q", "q"), *queries], 2) == [2, 4]


def test_the_verdict_says_what_is_sure_and_what_is_open() -> None:
    queries = asked("written", list(ASKED)[:36]) | asked(SYNTHETIC, list(ASKED)[36:72])
    both, rng = held(queries), np.random.default_rng(0)
    level = trusted(both, NAMES, rng.random((3, len(queries))))[0]
    assert "rank pipelines alike: of 3 pairs none is surely ordered; tau is" in verdict(level)
    assert "halves of the real queries agree" in verdict(level)
    part = replace(level, ranking=replace(level.ranking, alike=1)) if level.ranking else level
    assert "1 surely stand in the same order, none surely flips" in verdict(part)
    steps = np.array([[0.0], [0.3], [0.6]]) + 0.2 * rng.random((3, len(queries)))
    assert "They rank 3 pairs of pipelines as real queries do" in verdict(
        trusted(both, NAMES, steps)[0]
    )
    assert isinstance(level, Trust)
    assert (
        verdict(replace(level, likeness=None, ranking=None, problems=("x",))) == "Cannot tell: x."
    )
