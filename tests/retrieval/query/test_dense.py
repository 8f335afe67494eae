import numpy as np

from retrieval.ingest.embed import embed
from retrieval.query.dense import Dense
from retrieval.runtime import Runtime
from retrieval.types import Queries
from tests.retrieval.making import Hashed, corpus_of, index_of, whole_documents


def test_every_chunk_is_compared_with_every_query() -> None:
    corpus, rt = corpus_of("one", "two", "three", "four"), Runtime()
    index = index_of(corpus, whole_documents(corpus), rt, Hashed())
    asked = Queries(("first?", "second?"))
    found = Dense().search(index, rt.given(asked, asked.hash), 3, rt).value
    passages = embed(Hashed(), [d.text for d in corpus.documents], "passage", rt)
    products = embed(Hashed(), asked.texts, "query", rt) @ passages.T
    for row in range(2):
        order = np.argsort(-products[row])[:3]
        assert found.ids[row].tolist() == order.tolist()
        assert np.allclose(found.scores[row], products[row, order], atol=1e-6)


def test_the_pipelines_own_model_is_used() -> None:
    corpus, rt = corpus_of(*(f"text {i}" for i in range(40))), Runtime()
    asked = Queries(("query",))
    rankings = [
        Dense().search(
            index_of(corpus, whole_documents(corpus), rt, Hashed(model)),
            rt.given(asked, asked.hash),
            40,
            rt,
        )
        for model in "ab"
    ]
    assert rankings[0].key != rankings[1].key
    assert rankings[0].value.ids.tolist() != rankings[1].value.ids.tolist()
