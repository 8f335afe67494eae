"""Ingest on real documentation: 526 Markdown files, English and Korean."""

from pathlib import Path

import numpy as np
import pytest

from retrieval.ingest.chunk import ByBlock, ByHeading, Chunker
from retrieval.ingest.contextualize import Headings
from retrieval.ingest.enrich import ENRICHERS
from retrieval.ingest.parse import Blocks, Kind
from retrieval.ingest.read import read_paths
from retrieval.ingest.tokenize import Identifiers
from retrieval.ingest.tokens import CountTokens
from retrieval.pipeline import Pipeline
from retrieval.query.lexical import BM25
from retrieval.runtime import Runtime
from retrieval.types import Corpus, Queries

SIZE = 400
pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def folders(pizza_data: Path) -> list[Path]:
    return [pizza_data / "docs-streamlit/content", pizza_data / "docs-fastapi/docs/ko"]


@pytest.mark.slow
def test_it_is_read_cut_enriched_and_counted(folders: list[Path]) -> None:
    corpus = Corpus(tuple(read_paths(folders).documents))
    assert len(corpus) == 526
    words = BM25(tokenize=Identifiers())
    enrich = tuple(e() for e in ENRICHERS)
    pipeline = Pipeline(chunk=ByHeading(), enrich=enrich, contextualize=Headings(), first=(words,))
    rt = Runtime()
    index = pipeline.ingest(corpus, rt)
    for made in index.fields:
        assert made.value is not None
    assert (index.tokens.value > 0).all()
    ids = pipeline.search(index, Queries(("st.session_state", "의존성")), rt).value.ids
    assert (ids[:, 0] >= 0).all()


@pytest.mark.parametrize("chunk", [ByHeading(SIZE), ByBlock(SIZE)])
def test_no_fence_that_fits_is_cut(folders: list[Path], chunk: Chunker) -> None:
    rt, corpus = Runtime(), Corpus(tuple(read_paths(folders).documents))
    structure, tokens = Blocks().apply(corpus, rt), CountTokens().apply(corpus, rt)
    cut, fences = chunk.apply(corpus, structure, tokens, rt), 0
    for row in range(len(corpus)):
        start = cut.start[cut.document == row]
        starts = tokens.of(row)
        for block in structure.of(row):
            size = np.searchsorted(starts, block.end) - np.searchsorted(starts, block.start)
            if block.kind is Kind.CODE and size <= SIZE:
                fences += 1
                assert not ((start > block.start) & (start < block.end)).any()
    assert fences > 1_800
