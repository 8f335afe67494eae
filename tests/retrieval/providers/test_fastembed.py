"""fastembed itself with networks of a few numbers; no weights are here, and no test reaches out."""

import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval.errors import InputError, MissingExtra, MissingModel, SpecError
from retrieval.ingest.chunk import Given
from retrieval.ingest.embed import Purpose, embed
from retrieval.pipeline import Pipeline, full_spec, pipeline_of
from retrieval.providers import onnx_model
from retrieval.providers.fastembed import CrossEncoder, FastEmbed
from retrieval.query.dense import Dense
from retrieval.query.lexical import BM25
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from retrieval.types import Candidates, Chunks, Corpus, Document, Queries
from tests.retrieval.providers import tiny

TEXTS = ("dough rests", "oven: 치즈 night heat", "", "steel steel xyz night", "heat", "night oven")
LONG = "dough rests night oven steel heat dough rests night oven steel heat"
SMALL = "Qdrant/bge-small-en-v1.5-onnx-Q"


@pytest.fixture(autouse=True)
def nothing_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, nothing loaded, and a hub that cannot be reached."""
    onnx_model._loaded.cache_clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("FASTEMBED_CACHE_PATH", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.embedder(tmp_path / "mine")


def mean(text: str) -> np.ndarray:
    return np.asarray(tiny.hidden(text).mean(axis=0))


def unit(rows: list[np.ndarray]) -> np.ndarray:
    matrix = np.stack(rows)
    return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("pooling", "pooled"),
    [("mean", lambda h: h.mean(axis=0)), ("cls", lambda h: h[0]), ("last", lambda h: h[-1])],
)
def test_a_folder_s_vectors_are_those_of_its_network(folder: Path, pooling, pooled) -> None:  # type: ignore[no-untyped-def]
    model = FastEmbed("mine", str(folder), pooling)
    wanted = unit([pooled(tiny.hidden(text)) for text in TEXTS])
    assert np.allclose(model.embed_batch(TEXTS, "passage"), wanted, atol=1e-6)
    assert model.dimensions == 6
    alone = np.vstack([model.embed_batch([text], "passage") for text in TEXTS])
    assert np.allclose(alone, wanted, atol=1e-6)  # whatever else is in a batch


def test_a_network_may_pool_by_itself(tmp_path: Path) -> None:
    own = tiny.embedder(tmp_path, pooled=True)
    found = FastEmbed("mine", str(own), "none").embed_batch(TEXTS, "passage")
    sums = [tiny.table(6)[tiny.ids_of(text)[0]].sum(axis=0) for text in TEXTS]
    assert np.allclose(found, unit(sums), atol=1e-6)


def test_longer_texts_are_cut(folder: Path) -> None:
    model = FastEmbed("mine", str(folder), "mean")
    whole, cut = model.embed_batch([LONG, " ".join(LONG.split()[:10])], "passage")
    assert np.allclose(whole, cut)


@pytest.mark.parametrize(("purpose", "prefix"), [("query", "query: "), ("passage", "passage: ")])
def test_prefixes_are_added_and_are_part_of_the_identity(
    folder: Path, purpose: Purpose, prefix: str
) -> None:
    plain = FastEmbed("mine", str(folder), "mean")
    model = replace(plain, query_prefix="query: ", passage_prefix="passage: ")
    wanted = unit([mean(f"{prefix}dough rests")])
    assert np.allclose(model.embed_batch(["dough rests"], purpose), wanted, atol=1e-6)
    assert model.identity != plain.identity


def test_a_listed_model_is_found_by_its_name_where_the_hub_s_client_keeps_it(
    nothing_outside: Path,
) -> None:
    kept = tiny.of_the_hub(nothing_outside, SMALL)
    tiny.embedder(kept, 384, "model_optimized.onnx", seed=2)
    model = FastEmbed()
    wanted = unit([tiny.hidden(text, 384, 2)[0] for text in TEXTS])  # this model takes [CLS]
    assert np.allclose(model.embed_batch(TEXTS, "query"), wanted, atol=1e-6)
    assert model.dimensions == 384
    assert model.label == "BAAI/bge-small-en-v1.5"


def test_a_listed_model_in_a_folder_is_read_as_listed(tmp_path: Path) -> None:
    tiny.embedder(tmp_path / "brought", 384, "model_optimized.onnx", seed=3)
    model = FastEmbed(folder=str(tmp_path / "brought"))
    wanted = unit([tiny.hidden("night", 384, 3)[0]])
    assert np.allclose(model.embed_batch(["night"], "query"), wanted, atol=1e-6)
    assert model.label == ""


def test_a_model_that_is_nowhere_is_one_sentence_with_the_command(nothing_outside: Path) -> None:
    begun = time.perf_counter()
    with pytest.raises(MissingModel) as said:
        FastEmbed().embed_batch(["x"], "query")
    assert str(said.value) == (
        "the model BAAI/bge-small-en-v1.5 is not on this machine (looked in"
        f" {nothing_outside}) and cannot be downloaded (OfflineModeIsEnabled); where the Hugging"
        f" Face hub can be reached run: hf download {SMALL} --local-dir bge-small-en-v1.5, bring"
        " that folder here, and give its path as folder"
    )
    with pytest.raises(MissingModel, match="ms-marco-MiniLM-L-6-v2 is not on this machine"):
        CrossEncoder().source.loaded(1)
    assert time.perf_counter() - begun < 20  # fastembed would wait for 39 s


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (FastEmbed("no/such"), SpecError, "no model 'no/such'; give the folder .* known: BAAI/bge"),
        (CrossEncoder(model="no/such"), SpecError, "no model 'no/such'; .* known: Xenova"),
        (FastEmbed("mine", "DIR"), SpecError, "pooling how the one in 'DIR' makes .*: mean, cls"),
        (
            FastEmbed("mine", "DIR/no", "cls"),
            MissingModel,
            "'DIR/no' of the model mine is not ther",
        ),
        (FastEmbed(folder="DIR"), MissingModel, "v1.5 holds no model_optimized.onnx; give"),
        (CrossEncoder(folder="DIR/x"), MissingModel, "'DIR/x' of .* is not there; give the path"),
    ],
)
def test_what_is_missing_is_said_before_the_start_and_then(
    folder: Path, model: FastEmbed | CrossEncoder, error: type[Exception], message: str
) -> None:
    if model.folder:
        model = replace(model, folder=model.folder.replace("DIR", str(folder)))
        message = message.replace("DIR", str(folder))
    with pytest.raises(error, match=message) as said:
        model.source.loaded(1)
    assert model.lacking == (str(said.value),)
    assert model.key("x")  # a plan needs it


def test_damaged_files_are_one_sentence(folder: Path) -> None:
    model = FastEmbed("mine", str(folder), "mean")
    (folder / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(
        InputError, match=r"mine: cannot be used as a TextEmbedding of fastembed \("
    ):
        model.embed_batch(["x"], "query")
    tiny.embedder(folder)
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(InputError, match="cannot be used as a TextEmbedding"):
        model.embed_batch(["x"], "query")
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(MissingModel, match=r"holds no tokenizer_config\.json"):
        model.embed_batch(["x"], "query")


def test_another_network_in_the_folder_is_another_model_and_a_copy_is_the_same(
    folder: Path, tmp_path: Path
) -> None:
    model = FastEmbed("mine", str(folder), "mean")
    copied = replace(model, folder=str(shutil.copytree(folder, tmp_path / "copy")))
    before, vector = model.identity, model.embed_batch(["night"], "query")
    assert copied.identity == before != replace(model, pooling="cls").identity
    tiny.embedder(folder, seed=5)
    assert model.identity != before
    assert not np.allclose(model.embed_batch(["night"], "query"), vector)
    tiny.embedder(folder, width=9)
    assert model.embed_batch(["night"], "query").shape == (1, 9)


def test_no_text_is_embedded_twice_and_threads_are_those_that_may_be_used(
    folder: Path, workspace: Workspace
) -> None:
    model = FastEmbed("mine", str(folder), "mean")
    rt = Runtime(workspace, processes=2)
    many = [f"{text} dough" * (i % 3) for i, text in enumerate(TEXTS * 20)]
    found = embed(model, many, "passage", rt)
    assert np.allclose(found, unit([mean(text) for text in many]), atol=1e-5)
    assert rt.tally.embedded == len(set(many))
    again = Runtime(workspace)
    assert np.array_equal(embed(model, many, "passage", again), found)
    assert again.tally.embedded == 0
    options = model.source.loaded(2).model.model.get_session_options()
    assert options.intra_op_num_threads == 2


def test_long_texts_are_few_in_a_batch_so_that_memory_holds() -> None:
    short, long = ["dough rests"] * 70, ["dough rests all night " * 200] * 9
    assert [len(batch) for batch in FastEmbed().batches(short)] == [32, 32, 6]
    assert [len(batch) for batch in FastEmbed().batches(long)] == [5, 4]  # 801 tokens each
    assert [len(batch) for batch in FastEmbed().batches([" ".join(long)])] == [1]


def test_without_the_package_the_command_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fastembed", None)
    says = 'the package fastembed is not installed; run: pip install "pizza-night[fastembed]"'
    for model in (FastEmbed(), CrossEncoder(), FastEmbed("mine", str(folder), "mean")):
        assert model.lacking == (says,)
        assert model.key("x")
        with pytest.raises(MissingExtra) as said:
            model.source.loaded(1)
        assert str(said.value) == says


def test_a_bad_field_is_refused() -> None:
    with pytest.raises(SpecError, match="pooling must be own where there is no folder"):
        FastEmbed(pooling="cls")
    for make in (FastEmbed, CrossEncoder):
        with pytest.raises(SpecError, match="model must be the name of a model"):
            make(model=" ")
    with pytest.raises(SpecError, match="top_n must be from 1"):
        CrossEncoder(top_n=0)


PASSAGES = ("steel heat", "dough", " \n", "oven night 치즈", "rests rests", "steel heat")
CORPUS = Corpus(tuple(Document(f"d{i}", text) for i, text in enumerate(PASSAGES)))
CHUNKS = Chunks.of_spans([(0, len(text))] for text in PASSAGES)
QUERIES = Queries(("night oven", "dough rests", "night oven"))
POOL = Candidates(
    np.array([[4, 3, 2, 1, 0], [5, 4, 3, 0, -1], [0, 1, 2, 3, 4]], np.int32),
    np.array([[5, 4, 3, 2, 1], [5, 4, 3, 2, -np.inf], [5, 4, 3, 2, 1]], np.float64),
)


@pytest.mark.parametrize("top_n", [150, 3])
def test_a_cross_encoder_orders_by_what_its_network_says(
    tmp_path: Path, workspace: Workspace, top_n: int
) -> None:
    stage = CrossEncoder(top_n, "mine", str(tiny.cross_encoder(tmp_path / "mine")))
    found = stage.apply(CORPUS, CHUNKS, QUERIES, POOL, Runtime(workspace))
    for q, query in enumerate(QUERIES.texts):
        own = [c for c in POOL.ids[q].tolist() if c >= 0]
        head, tail = own[:top_n], own[top_n:]
        share = {
            c: 1 / (1 + np.exp(-tiny.judged(query, PASSAGES[c]))) if PASSAGES[c].strip() else 0.0
            for c in head
        }
        wanted = [*sorted(head, key=lambda c: (-share[c], c)), *tail]
        assert [c for c in found.ids[q].tolist() if c >= 0] == wanted
        scores = found.scores[q, : len(head)]
        assert scores == pytest.approx([share[c] for c in wanted[: len(head)]], abs=1e-5)


def test_no_pair_is_judged_twice(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[int] = []
    real = CrossEncoder.score

    def counted(self: CrossEncoder, pairs: list[tuple[str, str]], threads: int) -> list[float]:
        judged.append(len(pairs))
        return real(self, pairs, threads)

    monkeypatch.setattr(CrossEncoder, "score", counted)
    stage = CrossEncoder(2, "mine", str(tiny.cross_encoder(tmp_path / "mine")))
    stage.apply(CORPUS, CHUNKS, QUERIES, POOL, Runtime(workspace))
    assert sum(judged) == 6
    deeper = replace(stage, top_n=5)
    whole = deeper.apply(CORPUS, CHUNKS, QUERIES, POOL, Runtime(workspace))
    assert sum(judged) == 7  # every other pair is the same by its texts, or is blank
    shutil.copytree(tmp_path / "mine", tmp_path / "copy")
    copied = replace(deeper, folder=str(tmp_path / "copy"))
    again = copied.apply(CORPUS, CHUNKS, QUERIES, POOL, Runtime(workspace))
    assert again.ids.tolist() == whole.ids.tolist()
    assert sum(judged) == 7


def test_a_score_that_is_no_number_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    stage = CrossEncoder(9, "mine", str(tiny.cross_encoder(tmp_path / "mine", nan=True)))
    with pytest.raises(InputError, match="gave 7 scores to 7 pairs, or one that is no finite"):
        stage.apply(CORPUS, CHUNKS, QUERIES, POOL, Runtime(workspace))


def test_a_listed_cross_encoder_is_found_by_its_name(nothing_outside: Path) -> None:
    kept = tiny.of_the_hub(nothing_outside, "Xenova/ms-marco-MiniLM-L-6-v2")
    tiny.cross_encoder(kept)
    found = CrossEncoder().apply(CORPUS, CHUNKS, QUERIES, POOL, Runtime())
    every = [tiny.judged("night oven", text) for text in PASSAGES[:5] if text.strip()]
    assert found.scores[0, 0] == pytest.approx(1 / (1 + np.exp(-max(every))), abs=1e-5)


def test_both_take_their_places_in_a_pipeline(
    folder: Path, tmp_path: Path, workspace: Workspace
) -> None:
    pipeline = Pipeline(
        chunk=Given(),
        embed=FastEmbed("mine", str(folder), "mean"),
        first=(BM25(), Dense()),
        rerank=CrossEncoder(model="mine", folder=str(tiny.cross_encoder(tmp_path / "judge"))),
    )
    assert pipeline_of(full_spec(pipeline)) == pipeline
    corpus = Corpus(tuple(d for d in CORPUS.documents if d.text.strip()))
    rt = Runtime(workspace)
    steps = pipeline.steps(pipeline.ingest(corpus, rt), QUERIES, rt)
    texts = [d.text for d in corpus.documents]
    near = unit([mean(t) for t in texts]) @ unit([mean(QUERIES.texts[1])])[0]
    assert (
        steps.found[1].value.ids[1, : len(texts)].tolist()
        == np.argsort(-near, kind="stable").tolist()
    )
    ranked = steps.context.value.ids[0]
    by_hand = sorted(range(len(texts)), key=lambda c: (-tiny.judged("night oven", texts[c]), c))
    assert ranked[: len(texts)].tolist() == by_hand
