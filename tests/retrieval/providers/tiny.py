"""Networks of a few numbers, as ONNX with a tokenizer, in folders like those of the hub."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from retrieval.providers.e5_onnx import _field, _Graph, _number, _text
from retrieval.types import Float64

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
WORDS = ("dough", "rests", "night", "oven", "steel", "heat", "query", "passage", ":", "치즈")
IDS = {word: i for i, word in enumerate((*SPECIAL, *WORDS))}
LONGEST = 12
"""Tokens that a tiny model reads."""
INT64 = 7


def table(width: int, seed: int = 1) -> Float64:
    """The vectors of the words; that of padding is great, so that nobody may take it in."""
    rows = np.random.default_rng(seed).normal(size=(len(IDS), width))
    rows[0] = 1000
    return rows.astype(np.float32).astype(np.float64)


def ids_of(text: str, *more: str) -> tuple[list[int], list[int]]:
    """The tokens of a text, or of a pair, and which of the two each belongs to."""
    ids, kinds = [IDS["[CLS]"]], [0]
    for kind, part in enumerate((text, *more)):
        own = [IDS.get(word, IDS["[UNK]"]) for word in part.replace(":", " : ").split()]
        ids += [*own, IDS["[SEP]"]]
        kinds += [kind] * (len(own) + 1)
    return ids, kinds


def embedder(
    folder: Path, width: int = 6, file: str = "model.onnx", seed: int = 1, pooled: bool = False
) -> Path:
    """A model whose vector of a token is that of its word and the sum of all; or gives the sum."""
    graph = _Graph()
    own = graph.node("Gather", graph.constant(table(width, seed).astype(np.float32)), "input_ids")
    real = graph.node("Unsqueeze", graph.node("Cast", "attention_mask", to=1), graph.axis(2))
    every = graph.node("ReduceSum", graph.node("Mul", own, real), graph.axis(1), keepdims=1)
    if pooled:
        return _written(folder, file, graph, graph.node("Squeeze", every, graph.axis(1)), 2)
    return _written(folder, file, graph, graph.node("Add", own, every), 3)


def hidden(text: str, width: int = 6, seed: int = 1) -> Float64:
    """What that network makes of a text's tokens, `(tokens, width)`, in numpy."""
    own = table(width, seed)[ids_of(text)[0]]
    return np.asarray(own + own.sum(axis=0))


def cross_encoder(folder: Path, file: str = "onnx/model.onnx", nan: bool = False) -> Path:
    """A model that multiplies the sums of the query's and of the text's words."""
    graph = _Graph()
    weights = graph.constant((table(1)[:, 0] * (np.nan if nan else 1)).astype(np.float32))
    own = graph.node("Gather", weights, "input_ids")
    own = graph.node("Mul", own, graph.node("Cast", "attention_mask", to=1))
    second = graph.node("Mul", own, graph.node("Cast", "token_type_ids", to=1))
    sums = [
        graph.node("ReduceSum", part, graph.axis(1), keepdims=1)
        for part in (graph.node("Sub", own, second), second)
    ]
    return _written(folder, file, graph, graph.node("Mul", *sums), 2)


def of_the_hub(cache: Path, name: str) -> Path:
    """The folder in which the hub's client keeps a model, as if it had been downloaded."""
    kept = cache / f"models--{name.replace('/', '--')}"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("0" * 40)
    return kept / "snapshots" / ("0" * 40)


def judged(query: str, text: str) -> float:
    """What that network makes of a pair, in numpy."""
    ids, kinds = (np.array(part) for part in ids_of(query, text))
    weights = table(1)[ids, 0]
    return float(weights[kinds == 0].sum() * weights[kinds == 1].sum())


def _written(folder: Path, file: str, graph: _Graph, result: str, axes: int) -> Path:
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    names = [n for n in ("input_ids", "attention_mask", "token_type_ids") if _used(graph, n)]
    (folder / file).write_bytes(_model(graph, names, result, axes))
    tokenizer = Tokenizer(WordLevel(IDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, IDS[name]) for name in ("[CLS]", "[SEP]")],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    about = {"model_max_length": LONGEST, "pad_token": "[PAD]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    (folder / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    return folder


def _used(graph: _Graph, name: str) -> bool:
    return any(name.encode() in node for node in graph._nodes)


def _model(graph: _Graph, names: list[str], result: str, axes: int) -> bytes:
    """Write the model: inputs of int64, one output of float32, of any size."""
    body = b"".join(_field(1, node) for node in graph._nodes) + _text(2, "tiny")
    body += b"".join(_field(5, constant) for constant in graph._constants.values())
    body += b"".join(_field(11, _value(name, INT64, 2)) for name in names)
    body += _field(12, _value(result, 1, axes))
    return _number(1, 9) + _field(7, body) + _field(8, _text(1, "") + _number(2, 20))


def _value(name: str, kind: int, axes: int) -> bytes:
    dims: Any = b"".join(_field(1, _text(2, f"{name}{axis}")) for axis in range(axes))
    return _text(1, name) + _field(2, _field(1, _number(1, kind) + _field(2, dims)))
