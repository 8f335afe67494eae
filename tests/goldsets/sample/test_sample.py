import sys
from collections import Counter, defaultdict

import pytest

from goldsets import sample
from goldsets.evaluation.spec import sweep_of
from goldsets.evidence import Anchored, Status, anchor
from goldsets.store import gold as store
from goldsets.types import GoldSet
from retrieval.store import Workspace
from retrieval.types import Corpus


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(tuple(sample.documents()), sample.NAME, 1)


@pytest.fixture(scope="module")
def gold() -> GoldSet:
    return sample.gold()


@pytest.fixture(scope="module")
def anchored(gold: GoldSet, corpus: Corpus) -> Anchored:
    return anchor(gold, corpus)


def test_the_documents_are_the_topics_of_this_python(corpus: Corpus) -> None:
    from pydoc_data.topics import topics

    assert {d.id: d.text for d in corpus.documents} == dict(topics)
    assert len(corpus) > 70
    assert all(d.title and "\n" not in d.title for d in corpus.documents)
    assert {d.media for d in corpus.documents} == {"text/x-rst"}


def test_the_gold_set_is_what_was_promised(gold: GoldSet) -> None:
    assert len(gold.queries) == len({q.id for q in gold.queries}) >= 60
    assert len({q.text for q in gold.queries}) == len(gold.queries)
    assert sum(q.language == "ko" for q in gold.queries) >= 12
    assert any("__set_name__" in q.text for q in gold.queries)
    parts = {q.id: {e.part for e in gold.of(q)} for q in gold.queries if q.needs == "all"}
    assert sum(len(p) >= 2 for p in parts.values()) >= 5


def test_parts_are_named_where_all_are_needed(gold: GoldSet) -> None:
    for query in gold.queries:
        named = {bool(e.part) for e in gold.of(query)}
        assert named == {query.needs == "all"}, query.id


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="offsets are those of 3.11")
def test_on_3_11_all_evidence_stands_where_it_says(anchored: Anchored) -> None:
    assert anchored.statuses == Counter({Status.EXACT: anchored.gold.judgments})


def test_nearly_every_query_keeps_a_place_for_each_part_on_this_python(anchored: Anchored) -> None:
    wanted, found = defaultdict(set), defaultdict(set)
    for f, row, thing in zip(anchored.found, anchored.query, anchored.thing, strict=True):
        if f.evidence.grade >= 2:
            wanted[row].add(thing)
            if f.status.sure:
                found[row].add(thing)
    kept = [found[row] == wanted[row] for row in wanted]
    assert sum(kept) >= 0.95 * len(kept)


def test_loading_twice_changes_nothing(workspace: Workspace, gold: GoldSet) -> None:
    first = sample.load(workspace)
    marker = store.marker(workspace, sample.NAME)
    again = sample.load(workspace)
    assert (first.version, again.version) == (1, 1)
    assert first.hash == again.hash
    assert store.marker(workspace, sample.NAME) == marker
    held = store.read(workspace, sample.NAME)
    assert held.corpus == sample.NAME
    assert held.version == sample.anchored(gold, first).version
    assert anchor(held, first).statuses[Status.MOVED] == 0


def test_the_samples_sweep_is_twelve_pipelines() -> None:
    spec = sweep_of(sample.SWEEP)
    assert len({v.name for v in spec.variants}) == 12
    assert all(v.name for v in spec.variants)
