"""Each vendor's reranker through its real SDK against a server on this machine."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from retrieval.cost import Usage
from retrieval.errors import BadAnswer
from retrieval.providers.cohere import CohereRerank
from retrieval.providers.rerank import RemoteReranker
from retrieval.providers.voyage import VoyageRerank
from retrieval.runtime import Runtime
from retrieval.store import Workspace, ledger
from tests.retrieval.providers.stub import Body, Vendors

each = pytest.mark.parametrize("reranker", [VoyageRerank(), CohereRerank()], ids=lambda r: r.label)
TEXTS = ["cheese melts", "dough rests overnight", "the dough"]


@each
def test_scores_are_in_the_order_of_the_texts(
    vendors: Vendors, quick: Runtime, workspace: Workspace, reranker: RemoteReranker
) -> None:
    assert reranker.score("dough rests", TEXTS, quick).tolist() == [0, 1, 0.5]
    assert len(vendors.requests) == 1
    (call,) = ledger.calls(workspace)
    used = Usage(input=11) if isinstance(reranker, VoyageRerank) else Usage(searches=1)
    assert (call.model, call.kind, call.usage) == (reranker.name, "rerank", used)
    assert call.usd is not None


@each
def test_many_texts_are_several_requests(
    vendors: Vendors, quick: Runtime, reranker: RemoteReranker
) -> None:
    scores = reranker.score("a", ["b", "a"] * 700, quick)
    assert np.array_equal(scores, [0, 1] * 700)
    assert len(vendors.requests) == 2
    assert reranker.score("a", [], quick).shape == (0,)
    assert len(vendors.requests) == 2


@each
@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[1:],
        lambda rows: [rows[0], *rows],
        lambda rows: [{**rows[0], "relevance_score": float("nan")}, *rows[1:]],
        lambda rows: [{**rows[0], "relevance_score": None}, *rows[1:]],
        lambda rows: [{**rows[0], "index": 7}, *rows[1:]],
    ],
)
def test_a_wrong_answer_is_refused(
    vendors: Vendors, quick: Runtime, reranker: RemoteReranker, change: Callable[[Any], Any]
) -> None:
    def bend(body: Body) -> Body:
        field = "data" if "data" in body else "results"
        return {**body, field: change(body[field])}

    vendors.bend = bend
    with pytest.raises(BadAnswer, match=f"^{reranker.vendor.name} gave"):
        reranker.score("dough", TEXTS, quick)
