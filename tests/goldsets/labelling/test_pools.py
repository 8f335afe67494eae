"""Pools: the union of unlike pipelines, cut to passages."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.labelling import pools
from goldsets.labelling.pools import LONGEST, fill, merged
from goldsets.labelling.types import Settings
from goldsets.outside.bring import bring_run
from goldsets.store import evenings, gold, labels, open_workspace
from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import PizzaError
from retrieval.runtime import Runtime
from retrieval.store import corpora
from tests.goldsets.making import corpus_of, sample_corpus, sample_gold

LONG = "".join(f"Sentence {i} ends. " + ("\n\n" if i % 7 == 6 else "") for i in range(300))


def test_overlapping_stretches_become_one():
    corpus = corpus_of("x" * 100, "y" * 100)
    places = [(0, 10, 20), (1, 0, 5), (0, 15, 30), (0, 30, 40), (0, 12, 14)]
    assert merged(places, corpus) == [(0, 10, 30), (0, 30, 40), (1, 0, 5)]


def test_what_is_long_is_cut_at_paragraphs():
    corpus = corpus_of(LONG)
    cut = merged([(0, 0, len(LONG))], corpus)
    assert len(cut) > 3
    for _, start, end in cut[1:]:
        assert LONG[:start].endswith("\n\n")
        assert end - start <= 1.6 * LONGEST


@given(
    st.text(alphabet="ab .\n", min_size=1, max_size=300),
    st.lists(st.tuples(st.integers(0, 299), st.integers(1, 120)), max_size=8),
)
def test_no_character_is_lost_but_white_space_and_none_comes_twice(text, raw):
    places = [(0, a, min(a + n, len(text))) for a, n in raw if a < len(text)]
    cut = merged(places, corpus_of(text), longest=50)
    wanted = {i for _, a, b in places for i in range(a, b) if not text[i].isspace()}
    got = [i for _, a, b in cut for i in range(a, b) if not text[i].isspace()]
    assert sorted(got) == sorted(wanted)
    assert all(text[a] == text[a].strip() and text[b - 1].strip() for _, a, b in cut)


def start(tmp_path, held: GoldSet):
    workspace = open_workspace(tmp_path)
    corpora.write(workspace, "corpus", sample_corpus().documents)
    gold.write(workspace, held, "test")
    return workspace, evenings.create(workspace, "friday", held.name, Settings())


def test_a_pool_holds_the_answers_and_a_few_at_random(tmp_path):
    full = sample_gold()
    workspace, evening = start(tmp_path, GoldSet("gold", "corpus", full.queries))
    ids = [q.id for q in full.queries]
    new = fill(workspace, evening, ids, Runtime(workspace), depth=2, extras=1)
    items = labels.items(workspace, evening)
    assert len(items) == new
    assert {i.source for i in items} <= {"pool", "random"}
    for query in full.queries:
        (answer,) = full.of(query)
        mine = [i for i in items if i.query == query.id]
        assert any(
            i.document == answer.document and i.start <= answer.start and answer.end <= i.end
            for i in mine
        ), query.text
    assert fill(workspace, evening, ids, Runtime(workspace), depth=2, extras=1) == 0


def test_what_is_judged_is_not_asked_again(tmp_path):
    text = sample_corpus().documents[4].text
    query = Query("q", "what to drink", needs="any")
    whole = Evidence.of("d4", text, 0, len(text))
    workspace, evening = start(tmp_path, GoldSet("gold", "corpus", (query,), {"q": (whole,)}))
    fill(workspace, evening, ["q"], Runtime(workspace), depth=5)
    assert "d4" not in {i.document for i in labels.items(workspace, evening)}


def test_an_unknown_query_pools_nothing(tmp_path):
    workspace, evening = start(tmp_path, sample_gold())
    assert fill(workspace, evening, ["nope"], Runtime(workspace)) == 0


def test_what_a_sweeps_pipeline_found_is_read_too(tmp_path, monkeypatch):
    full = sample_gold()
    workspace, evening = start(tmp_path, GoldSet("gold", "corpus", full.queries))
    spec = sweep_of({"grid": {"chunk": [{"FixedTokens": {"size": 12}}], "first": ["BM25"]}})
    corpus = corpora.read(workspace, "corpus")
    result = sweep(spec, gold.read(workspace, "gold"), corpus, Runtime(workspace))
    monkeypatch.setattr(pools, "PIPELINES", {})
    ids = [q.id for q in full.queries]
    run = result["variants"][0]["run"]
    assert fill(workspace, evening, ids, Runtime(workspace), imported=[run]) > 0
    assert {i.source for i in labels.items(workspace, evening)} == {"import"}


def test_an_imported_run_is_read_too_but_for_what_is_nowhere(tmp_path, monkeypatch):
    workspace, evening = start(tmp_path / "w", GoldSet("gold", "corpus", sample_gold().queries))
    path = tmp_path / "x.jsonl"
    hits = [{"text": "a world that is not ours"}, {"document": "d1", "start": 0, "end": 30}]
    lines = [{"id": "q0", "hits": hits}, {"id": "q3", "hits": [*hits, {"document": "d2"}]}]
    path.write_text("\n".join(map(json.dumps, lines)))
    run, _ = bring_run(workspace, "jsonl", path, "gold", "theirs")
    monkeypatch.setattr(pools, "PIPELINES", {})
    ids = [q.id for q in sample_gold().queries]
    fill(workspace, evening, ids, Runtime(workspace), imported=[run.id], depth=2)
    items = labels.items(workspace, evening)
    assert {i.source for i in items} == {"import"}
    assert [(i.query, i.document, i.start, i.end) for i in items] == [
        ("q0", "d1", 0, 30),
        ("q3", "d1", 0, 30),
    ]


def test_a_run_over_an_earlier_version_is_named(tmp_path):
    workspace, evening = start(tmp_path / "w", sample_gold())
    path = tmp_path / "x.run"
    path.write_text("q0 Q0 d0 1 1 t")
    run, _ = bring_run(workspace, "trec", path, "gold", "theirs")
    corpora.write(workspace, "corpus", corpus_of("other").documents, prune=True)
    with pytest.raises(PizzaError, match="'theirs' was found in v1 of corpus 'corpus', not in"):
        fill(workspace, evening, ["q0"], Runtime(workspace), imported=[run.id])
