"""Planted faults: each is found, and nothing else is blamed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from goldsets.diagnosis.attribute import Diagnosis, Loss, diagnose
from goldsets.diagnosis.causes import ABOUT, Cause
from goldsets.diagnosis.replay import is_free, whole
from goldsets.diagnosis.suggest import suggestions
from goldsets.diagnosis.suspects import nth, suspects
from goldsets.diagnosis.trail import trail
from goldsets.evaluation.measures import Measure
from goldsets.evaluation.sweep import Board
from goldsets.evaluation.target import NEVER
from goldsets.types import Evidence, Needs, Query
from retrieval.ingest.chunk import FixedTokens
from retrieval.ingest.contextualize import Headings
from retrieval.ingest.embed import Purpose
from retrieval.ingest.llm_context import LLMContext
from retrieval.pipeline import Pipeline
from retrieval.providers.voyage import Voyage
from retrieval.query.assemble import Context, InRankOrder
from retrieval.query.dense import Dense
from retrieval.query.filter import Equals
from retrieval.query.fuse import RRF
from retrieval.query.lexical import BM25
from retrieval.query.rerank import Rescore
from retrieval.query.synonyms import Synonyms
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Candidates, Chunks, Corpus, Float32, Queries
from tests.goldsets.diagnosis.planted import (
    BOTH,
    MEASURE,
    PLANTED,
    THIS_YEAR,
    VARNISH,
    WORDS,
    Concepts,
    Phrase,
    Planted,
    corpus,
    gold,
    quoted,
)
from tests.goldsets.making import corpus_of, gold_of

CASES = list(enumerate(PLANTED))
NAMES = [f"{p.cause.value} {i}" for i, p in CASES]


@pytest.fixture(scope="module")
def board() -> Board:
    return Board(gold(), corpus(), Runtime())


@pytest.fixture(scope="module")
def diagnoses(board: Board) -> dict[Pipeline, Diagnosis]:
    pipelines = dict.fromkeys(planted.pipeline for planted in PLANTED)
    return {pipeline: diagnose(trail(board, pipeline, MEASURE)) for pipeline in pipelines}


def of_query(diagnosis: Diagnosis, query: int) -> list[Loss]:
    return [loss for loss in diagnosis.losses if loss.query == query]


def told(loss: Loss) -> tuple[Cause, bool | None, str, int]:
    return loss.cause, loss.verified, loss.detail, loss.instead


def test_there_is_a_query_for_every_cause() -> None:
    assert {planted.cause for planted in PLANTED} == set(Cause) == set(ABOUT)


@pytest.mark.parametrize(("at", "planted"), CASES, ids=NAMES)
def test_the_planted_fault_is_found(
    at: int, planted: Planted, diagnoses: dict[Pipeline, Diagnosis]
) -> None:
    (loss,) = of_query(diagnoses[planted.pipeline], at)
    assert (loss.cause, loss.verified) == (planted.cause, planted.verified), loss.detail
    assert planted.says in loss.detail


@pytest.mark.parametrize(("at", "planted"), CASES, ids=NAMES)
def test_a_query_alone_has_the_cause_that_it_has_among_others(
    at: int, planted: Planted, board: Board, diagnoses: dict[Pipeline, Diagnosis]
) -> None:
    alone = diagnose(trail(board.only(np.array([at])), planted.pipeline, MEASURE))
    (mine,), (theirs,) = alone.losses, of_query(diagnoses[planted.pipeline], at)
    assert told(mine) == told(theirs)


def test_every_lost_thing_has_one_cause(diagnoses: dict[Pipeline, Diagnosis]) -> None:
    for diagnosis in diagnoses.values():
        t = diagnosis.trail
        assert [s.row for s in diagnosis.losses if s.row >= 0] == t.lost.tolist()
        assert sum(diagnosis.causes.values()) == len(diagnosis.losses)
        assert all(diagnosis.of(cause) for cause in diagnosis.causes)
        unanswered = {s.query for s in diagnosis.of(Cause.NO_ANSWER)}
        assert set(diagnosis.failed) == set(t.board.anchored.query[t.lost].tolist())
        assert unanswered == {len(PLANTED) - 1}


def test_what_stands_in_the_way_is_named(diagnoses: dict[Pipeline, Diagnosis]) -> None:
    named = {}
    for at, planted in CASES:
        (loss,) = of_query(diagnoses[planted.pipeline], at)
        if loss.instead >= 0:
            t = diagnoses[planted.pipeline].trail
            document = t.steps.index.chunks.value.document[loss.instead]
            named[planted.quotes[0][0]] = t.board.corpus.documents[document].id
    assert named == {
        "glue": "glue-copy",
        "soap-ko": "soap-ko-copy",
        "saw-b": "saw-a",
        "ferry-ko-a": "ferry-ko-b",
    }


def lost(
    pipeline: Pipeline,
    *quotes: tuple[str, str],
    ask: str,
    measure: Measure = MEASURE,
    needs: Needs = "all",
) -> list[Loss]:
    """Diagnose one query of the workshop."""
    evidence = tuple(quoted(*quote) for quote in quotes)
    one = gold_of([Query("q", ask, needs=needs)], {"q": evidence})
    return list(diagnose(trail(Board(one, corpus(), Runtime()), pipeline, measure)).losses)


HARBOUR = ("harbour", "Boats moor at the northern jetty, two abreast.")
CHEESE = ("cheese", "치즈를 차가운 선반에 둔다.")
FLOUR = ("flour", "밀가루는 마른 통에 담아 둔다.")
TAR = ("tar", "Tar keeps a hull tight.")


def test_alternatives_are_lost_together_and_the_one_that_came_furthest_is_diagnosed() -> None:
    for quotes in ((HARBOUR, CHEESE), (CHEESE, HARBOUR)):
        (loss,) = lost(WORDS, *quotes, ask="치즈 보관", needs="any")
        assert (loss.cause, loss.row) == (Cause.LEXICAL_MISS, quotes.index(CHEESE))
    assert lost(WORDS, HARBOUR, FLOUR, ask="마른 통에", needs="any") == []


OLD_RENT = ("rent-2023", "Rent of a locker is nine coins.")
DROWNING = replace(BOTH, pool=4, fuse=RRF(weights=(0.1, 0.9)))


@pytest.mark.parametrize(
    ("pipeline", "ask", "further", "nearer"),
    [
        (WORDS, "kiln", ("kiln-d", "Some kiln error"), ("kiln-c", "A kiln error on the kiln")),
        (WORDS, "kiln", ("kiln-c", "A kiln error on the kiln"), CHEESE),
        (DROWNING, "kiln E17", ("kiln-c", "A kiln error on the kiln"), ("kiln-e17", "E17 means")),
        (THIS_YEAR, "rent", CHEESE, OLD_RENT),
        (THIS_YEAR, "rent", OLD_RENT, ("prices", "Glaze is sold by the jar")),
        (WORDS, "kiln", ("prices", "Glaze is sold by the jar"), HARBOUR),
    ],
)
def test_further_is_past_more_boxes_then_better_ranked(
    pipeline: Pipeline, ask: str, further: tuple[str, str], nearer: tuple[str, str]
) -> None:
    for quotes in ((further, nearer), (nearer, further)):
        (loss,) = lost(pipeline, *quotes, ask=ask, measure=Measure("R", 2), needs="any")
        assert loss.row == quotes.index(further)


def test_fusing_is_to_blame_for_what_one_stage_had_although_it_was_cut() -> None:
    cut = replace(BOTH, chunk=FixedTokens(size=32), fuse=RRF(weights=(0.1, 0.9)))
    ask = "fan nine minutes mask waits outside varnish"
    (loss,) = lost(cut, ("varnish", VARNISH), ask=ask)
    assert (loss.cause, loss.verified) == (Cause.DROWNED, True)
    one = gold_of([Query("q", ask)], {"q": [quoted("varnish", VARNISH)]})
    ((only,),) = suspects(trail(Board(one, corpus(), Runtime()), cut, MEASURE)).values()
    assert (only.cause, only.certain) == (Cause.DROWNED, True)


def test_a_boundary_is_not_tried_where_lists_were_gathered_for_rewritten_queries(
    board: Board,
) -> None:
    cut = replace(WORDS, chunk=FixedTokens(size=32))
    (row,) = (i for i, f in enumerate(board.anchored.found) if f.evidence.exact == VARNISH)
    for pipeline, tried in ((cut, True), (replace(cut, rewrite=Synonyms("varnish: paint")), False)):
        found = whole(trail(board, pipeline, MEASURE), np.array([row]))
        assert (found is not None) == tried


@pytest.mark.parametrize(
    ("ask", "cause"), [("배 시간", Cause.CROWDED), ("tar pitch tallow", Cause.CAP_CUT)]
)
def test_near_duplicates_may_fill_the_context(ask: str, cause: Cause) -> None:
    """Both are ranked well enough and do not fit; one of them would, were copies merged."""
    quote = ("ferry-ko", "첫 배 시간은 여섯 시 반 이다.") if cause is Cause.CROWDED else TAR
    capped = replace(WORDS, assemble=InRankOrder(max_tokens=120 if "배" in ask else 20))
    (loss,) = lost(capped, quote, ask=ask, measure=Measure("R", 5))
    assert (loss.cause, loss.verified) == (cause, True)


def test_what_is_longer_than_any_chunk_is_not_cut_by_a_boundary() -> None:
    """Whole it would be found; but no chunk here is that long."""
    cut = replace(WORDS, chunk=FixedTokens(size=12))
    ask = "varnish table mask fan minutes green lamp"
    (loss,) = lost(cut, ("varnish", VARNISH), ask=ask)
    assert (loss.cause, loss.verified) == (Cause.LEXICAL_MISS, True)


def test_every_part_of_an_answer_has_a_cause_of_its_own() -> None:
    found = lost(WORDS, HARBOUR, CHEESE, FLOUR, ask="마른 통에")
    assert [(s.row, s.cause) for s in found] == [(0, Cause.NOT_IN_CORPUS), (1, Cause.LEXICAL_MISS)]


def test_words_that_another_document_has_are_pointed_to() -> None:
    moved = replace(quoted(*TAR), document="old", prefix="Here ", suffix=" it is")
    one = gold_of([Query("q", "tar")], {"q": [moved]})
    (loss,) = diagnose(trail(Board(one, corpus(), Runtime()), WORDS, MEASURE)).losses
    assert loss.cause is Cause.NOT_IN_CORPUS
    assert loss.detail == "the corpus has no document 'old'; 'tar' has its words, to be confirmed"


def test_what_is_longer_than_a_chunk_needs_several_of_them() -> None:
    pipeline = replace(WORDS, chunk=FixedTokens(size=8))
    ask = "tea, biscuits, members, valley"
    (loss,) = lost(pipeline, ("varnish", VARNISH), ask=ask, measure=Measure("R", 4))
    assert (loss.cause, loss.verified) == (Cause.LEXICAL_MISS, True)


def test_a_boundary_is_not_blamed_for_what_was_in_reach_without_it() -> None:
    """The reranker, and fusing, lost what had come to them although it was cut."""
    cut = replace(WORDS, chunk=FixedTokens(size=32))
    ask, quote = "fan nine minutes mask waits outside varnish", ("varnish", VARNISH)
    assert lost(cut, quote, ask=ask) == []
    reranked = replace(cut, rerank=Rescore(top_n=20, late=0.0, document=0.0))
    assert lost(reranked, quote, ask=ask) == []
    worst = replace(cut, rerank=Backwards())
    assert [s.cause for s in lost(worst, quote, ask=ask)] == [Cause.RERANK_DEMOTED]


def test_a_better_window_is_not_taken_for_a_boundary() -> None:
    """What one chunk holds whole is not cut, however well it would do by itself."""
    pipeline = replace(WORDS, chunk=FixedTokens(size=100))
    (loss,) = lost(
        pipeline, ("varnish", "the green lamp burns"), ask="lamp burns", measure=Measure("R", 1)
    )
    assert loss.cause is Cause.LEXICAL_MISS


def test_chunks_that_overlap_are_followed_by_those_that_were_ranked() -> None:
    """Any of three windows holds the word; only one of them is in the pool."""
    text = "one two three four five six seven eight nine ten"
    board = Board(
        gold_of([Query("q", "six seven")], {"q": [Evidence.of("d0", text, 28, 33)]}),
        corpus_of(text, "six " * 9, "seven " * 9),
        Runtime(),
    )
    assert text[28:33] == "seven"
    pipeline = Pipeline(
        chunk=FixedTokens(size=4, overlap=3),
        pool=3,
        assemble=Context(duplicates=0.0, max_tokens=1),
    )
    (loss,) = diagnose(trail(board, pipeline, Measure("R", 3))).losses
    assert (loss.cause, loss.verified) == (Cause.CAP_CUT, True)


@pytest.mark.parametrize(
    ("other", "cause"),
    [("door", Cause.PROBABLY_UNLABELLED), ("sea", Cause.LEXICAL_MISS)],
)
def test_some_words_in_a_row_may_be_chance(other: str, cause: Cause) -> None:
    """Of six words all have to be there: four in a row are no answer."""
    text = "tin on the shelf by the door cup"
    quote = Evidence.of("d1", text, 4, 28)
    assert quote.exact == "on the shelf by the door"
    near = f"tin cup, tin cup: on the shelf by the {other}"
    documents = corpus_of(near, text, "dough", "steel", "heat")
    board = Board(gold_of([Query("q", "tin cup")], {"q": [quote]}), documents, Runtime())
    (loss,) = diagnose(trail(board, Pipeline(), Measure("R", 1))).losses
    assert loss.cause is cause


def test_what_a_guess_would_need_besides_is_left_open() -> None:
    """Without the filter it is still found by no word."""
    filtered = replace(WORDS, filter=(Equals("year", 2023),))
    (loss,) = lost(filtered, CHEESE, ask="보관 방법")
    assert (loss.cause, loss.verified) == (Cause.FILTERED_OUT, False)


def test_filters_that_leave_nothing() -> None:
    nothing = replace(BOTH, filter=(Equals("year", 1066),))
    found = lost(nothing, CHEESE, TAR, ask="tar")
    assert [s.cause for s in found] == [Cause.FILTERED_OUT] * 2
    assert {s.detail for s in found} == {"kept out by year = 1066"}


@pytest.mark.parametrize("pipeline", [WORDS, BOTH, replace(WORDS, assemble=Context())])
def test_where_there_is_nothing(pipeline: Pipeline) -> None:
    nobody = gold_of([], {})
    asked = gold_of([Query("q", "tar"), Query("r", "rope")], {"q": [quoted(*TAR)]})
    unanswered = gold_of([Query("q", "tar")], {})
    pipeline = replace(pipeline, chunk=FixedTokens())
    for documents, one, causes in (
        (corpus_of(), nobody, []),
        (corpus(), nobody, []),
        (corpus(), unanswered, []),
        (corpus(), asked, []),
        (corpus_of(), asked, [Cause.NOT_IN_CORPUS]),
        (corpus_of(" ", "\n"), asked, [Cause.NOT_IN_CORPUS]),
    ):
        board = Board(one, documents, Runtime())
        diagnosis = diagnose(trail(board, pipeline, Measure("R", 10)))
        assert [s.cause for s in diagnosis.losses] == causes


@dataclass(frozen=True)
class Backwards(Phrase):
    """Puts the first last."""

    def apply(
        self, corpus: Corpus, chunks: Chunks, queries: Queries, pool: Candidates, rt: Runtime
    ) -> Candidates:
        ids = pool.ids.copy()
        for own in ids:
            own[own >= 0] = own[own >= 0][::-1]
        return Candidates(ids, pool.scores)


@dataclass(frozen=True)
class PaidReranker(Phrase):
    """A vendor's, that notes what it is asked."""

    vendor: ClassVar[str] = "somebody"
    asked: ClassVar[list[str]] = []

    def apply(
        self, corpus: Corpus, chunks: Chunks, queries: Queries, pool: Candidates, rt: Runtime
    ) -> Candidates:
        self.asked.extend(queries.texts)
        return super().apply(corpus, chunks, queries, pool, rt)


@dataclass(frozen=True)
class PaidEmbedder(Concepts):
    """A vendor's, that notes what it is asked."""

    vendor: ClassVar[str] = "somebody"
    asked: ClassVar[list[str]] = []

    def embed_batch(self, texts: Sequence[str], purpose: Purpose) -> Float32:
        self.asked.extend(texts)
        return super().embed_batch(texts, purpose)


def test_a_vendors_reranker_is_not_asked_again(board: Board) -> None:
    PaidReranker.asked.clear()
    paid = replace(WORDS, pool=6, rerank=PaidReranker(top_n=6), filter=(Equals("year", 2024),))
    t = trail(board, paid, MEASURE)
    before = len(PaidReranker.asked)
    causes = {(s.cause, s.verified) for s in diagnose(t).losses}
    assert before == len(PaidReranker.asked) == len(PLANTED)
    assert causes >= {
        (Cause.FILTERED_OUT, None),
        (Cause.LEXICAL_MISS, None),
        (Cause.BELOW_POOL, None),
        (Cause.RERANK_DEMOTED, True),
    }
    assert all(v is not True for cause, v in causes if cause in ASKS_AGAIN)
    assert (Cause.BOUNDARY_CUT, True) not in causes


ASKS_AGAIN = (Cause.FILTERED_OUT, Cause.LEXICAL_MISS, Cause.BELOW_POOL, Cause.DROWNED)


@pytest.mark.parametrize("kept", [False, True])
def test_a_vendors_embedder_is_asked_for_nothing_more(
    kept: bool, board: Board, workspace: Workspace
) -> None:
    PaidEmbedder.asked.clear()
    paid = replace(BOTH, embed=PaidEmbedder(), chunk=FixedTokens(size=16), pool=5)
    rt = Runtime(workspace if kept else None)
    t = trail(Board(gold(), corpus(), rt), replace(paid, filter=(Equals("year", 2024),)), MEASURE)
    before = list(PaidEmbedder.asked)
    found = diagnose(t)
    assert PaidEmbedder.asked == before
    (loss,) = of_query(found, [p.ask for p in PLANTED].index("rent of a locker"))
    assert (loss.cause, loss.verified) == (Cause.FILTERED_OUT, True if kept else None)


def test_what_asks_a_vendor_is_told_from_what_does_not() -> None:
    assert is_free(None)
    assert is_free(Rescore())
    assert is_free(BM25())
    assert not is_free(Voyage())
    assert not is_free(LLMContext())


@pytest.mark.parametrize("filtered", [False, True])
def test_contexts_that_no_first_stage_sees_change_no_cause(board: Board, filtered: bool) -> None:
    plain = replace(BOTH, chunk=FixedTokens(size=30), filter=THIS_YEAR.filter if filtered else ())
    off = tuple(replace(stage, context=False) for stage in plain.first)  # type: ignore[call-arg]
    unseen = replace(plain, contextualize=Headings(), first=off)
    seen = replace(plain, contextualize=Headings())
    one, other, third = (diagnose(trail(board, p, MEASURE)) for p in (plain, unseen, seen))
    assert [told(loss) for loss in one.losses] == [told(loss) for loss in other.losses]
    assert [told(loss) for loss in one.losses] != [told(loss) for loss in third.losses]


def test_contexts_that_a_first_stage_does_not_see_are_suggested(board: Board) -> None:
    off = (BM25(context=False), Dense())
    for wanted, contextualize in (("see", Headings()), ("Put", None)):
        lost = trail(board, replace(BOTH, first=off, contextualize=contextualize), MEASURE)
        found = {change.title: change.pipeline for change in suggestions(diagnose(lost))}
        (changed,) = (p for title, p in found.items() if wanted in title)
        assert changed == replace(BOTH, contextualize=Headings())


def test_places_are_counted_as_people_do() -> None:
    said = [nth(rank) for rank in (0, 1, 2, 3, 10, 11, 12, 20, 110, 1000, NEVER)]
    assert said == [
        *("1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "111th", "1,001st"),
        "nowhere",
    ]
