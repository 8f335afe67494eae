"""docs/korean.md: its terms, its sentences and its figures."""

import re
from pathlib import Path

import pytest
import yaml

from goldsets import sample
from goldsets.evaluation.spec import sweep_of
from goldsets.evaluation.sweep import sweep
from goldsets.evaluation.words import points
from goldsets.formats.registry import import_path
from goldsets.types import GoldSet
from retrieval.ingest.tokenize import HangulBigrams, Kiwi, Words
from retrieval.pipeline import pipeline_of
from retrieval.runtime import Runtime
from retrieval.types import Corpus
from tests.goldsets.following import ROOT, blocks
from tests.goldsets.making import corpus_of

PAGE = (ROOT / "docs" / "korean.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("tokenizer", [Words(), HangulBigrams(), Kiwi()])
def test_its_terms_are_those_of_the_tokenizer(tokenizer: Words) -> None:
    (asked,) = re.findall(r'For "(.+)":', PAGE)
    row = re.search(rf"^\| `{type(tokenizer).__name__}`[^|]*\| ([^|]+) \|", PAGE, re.M)
    assert row
    assert row[1].split(", ") == list(tokenizer.tokens(asked))


def test_its_sentences_are_those_of_the_chunker() -> None:
    (text,) = (body.strip() for kind, body in blocks("docs/korean.md") if kind == "text")
    cut = pipeline_of({"chunk": {"BySentence": {"size": 12}}}).ingest(corpus_of(text), Runtime())
    spans = zip(cut.chunks.value.start, cut.chunks.value.end, strict=True)
    (said,) = re.findall(r"^is two chunks and a rest: (.*)\. Sizes", PAGE, re.M)
    assert ", ".join(f'"{text[a:b]}"' for a, b in spans) == said


def test_the_sample_has_as_many_korean_queries_as_it_says() -> None:
    korean = sum(q.language == "ko" for q in sample.gold().queries)
    assert f"The sample has {korean} such" in PAGE


@pytest.mark.data
def test_its_figures_are_those_of_its_sweep(pizza_data: Path) -> None:
    """By white space .760, bigrams .926, Kiwi .930, fused .937 were measured by other scripts."""
    read, _ = import_path("autorag", pizza_data / "autorag-ko")
    gold, corpus = GoldSet("ko", "ko", read.queries, read.evidence), Corpus(read.documents, "ko", 1)
    (spec,) = (yaml.safe_load(body) for kind, body in blocks("docs/korean.md") if kind == "yaml")
    result = sweep(sweep_of(spec), gold, corpus, Runtime())
    found = [
        tuple(points(row["measures"][m]["mean"]) for m in ("nDCG@10", "R@5"))
        for row in result["variants"]
    ]
    assert found == re.findall(r"^\| `.* \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.M)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    bigrams, kiwi, fused = (f".{float(ndcg) * 10:.0f}" for ndcg, _ in found[1:])
    assert re.search(
        rf"\{bigrams} with Hangul bigrams, \{kiwi} with .*\{fused} with both", readme, re.S
    )
