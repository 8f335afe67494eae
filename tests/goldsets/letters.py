"""A model for tests."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from retrieval.errors import PizzaError
from retrieval.ingest.embed import Embedder, Purpose
from retrieval.types import Float32


@dataclass(frozen=True)
class Letters(Embedder):
    """Counts words in 32 drawers. It notes what it is asked for, and may be slow or fail."""

    batch: ClassVar[int] = 4
    asked: ClassVar[list[str]] = []
    pause_seconds: ClassVar[float] = 0.0
    fails: bool = False

    @property
    def identity(self) -> str:
        return "letters/none" if self.fails else "letters/1"

    @property
    def dimensions(self) -> int:
        return 32

    def embed_batch(self, texts: Sequence[str], purpose: Purpose) -> Float32:
        if self.fails:
            raise PizzaError("the model is out of letters")
        self.asked.extend(texts)
        time.sleep(self.pause_seconds)
        rows = [[hashlib.sha1(w.encode()).digest()[0] % 32 for w in t.split()] for t in texts]
        counts = np.stack([np.bincount(r, minlength=32) + 1e-3 for r in rows]).astype(np.float32)
        return np.asarray(counts / np.linalg.norm(counts, axis=1, keepdims=True), np.float32)
