"""What a chat model's answers made of a ranking, and what had to be mended in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrieval.types import Candidates, Int32

REPAIRS = ("wrapped", "repeated", "unknown", "missing")
"""A grade among other words; a number given twice; one of no passage; a passage left out."""

Repairs = Mapping[str, int]
"""How often each of `REPAIRS` was needed in one answer; nothing where it was right."""


@dataclass(frozen=True)
class Judged(Candidates):
    """Candidates as a chat model ordered them; no repair of an answer goes without being counted.

    `answers` and `mended` `(Q,)` are how many answers were read for a query, and how many of them
    were mended; `repairs` `(Q, 4)` what was mended, in the columns of `REPAIRS`.
    """

    answers: Int32
    mended: Int32
    repairs: Int32

    @classmethod
    def of(cls, ranking: Candidates, read: Sequence[Sequence[Repairs]]) -> "Judged":
        """Count the repairs of each query's answers."""
        counts = [[sum(own.get(r, 0) for own in answers) for r in REPAIRS] for answers in read]
        return cls(
            ranking.ids,
            ranking.scores,
            np.array([len(answers) for answers in read], np.int32),
            np.array([sum(any(a.values()) for a in answers) for answers in read], np.int32),
            np.array(counts, np.int32).reshape(len(read), len(REPAIRS)),
        )

    def told(self) -> dict[str, int]:
        """Return the counts over all queries, those of `REPAIRS` by name."""
        by_kind = zip(REPAIRS, self.repairs.sum(axis=0).tolist(), strict=True)
        return {
            "answers": int(self.answers.sum()),
            "mended": int(self.mended.sum()),
            **dict(by_kind),
        }

    def arrays(self) -> dict[str, Any]:
        """Return the value as named arrays, for the artefact store."""
        own = {"answers": self.answers, "mended": self.mended, "repairs": self.repairs}
        return {**super().arrays(), **own}

    @classmethod
    def of_arrays(cls, a: Mapping[str, Any]) -> "Judged":
        """Rebuild the value from `arrays()`."""
        own: dict[str, Any] = {n: np.asarray(a[n], np.int32) for n in ("answers", "mended")}
        repairs = np.asarray(a["repairs"], np.int32)
        ids, scores = np.asarray(a["ids"], np.int32), np.asarray(a["scores"], np.float64)
        return cls(ids, scores, repairs=repairs, **own)
