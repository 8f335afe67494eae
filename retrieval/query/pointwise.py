"""Rerank by grades: a chat model reads each candidate by itself."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from retrieval.cost import Usage
from retrieval.errors import BadAnswer
from retrieval.query.chat_rerank import ChatReranker
from retrieval.query.judged import Judged
from retrieval.query.pairs import Pairs
from retrieval.query.rerank import reordered
from retrieval.runtime import Runtime
from retrieval.stage import lines, require
from retrieval.types import Candidates, Chunks, Corpus, Queries

PROMPT = """How well does the passage answer the query? Grade it with a whole number from 0 (it \
has nothing to do with the query) to {most} (it answers the query clearly and in full); what is \
about the subject but does not answer is in the lower half.

{query}

{passage}

Answer with JSON and nothing else: {"grade": N}"""
EXPECTED = 8
"""Tokens of an answer, for plans."""


@dataclass(frozen=True)
class Pointwise(ChatReranker):
    """A chat model grades each of the first `top_n` candidates from 0 to `most`, a call each.

    `prompt` holds `{query}` and `{passage}`, and where wanted `{most}`; the answer is JSON with a
    whole number as `grade`. A grade that stands among other words is taken and counted as mended.
    Within a grade the old order stays. A blank passage is not sent and has grade 0.
    """

    top_n: int = 20
    prompt: str = lines(PROMPT)
    max_tokens: int = 100
    most: int = 3
    needs: ClassVar[tuple[str, ...]] = ("query", "passage")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(1 <= self.most <= 100, self, "most", "from 1 to 100")

    @property
    def template(self) -> str:
        """Return the prompt with the highest grade filled in."""
        return self.prompt.replace("{most}", str(self.most))

    def apply(
        self, corpus: Corpus, chunks: Chunks, queries: Queries, pool: Candidates, rt: Runtime
    ) -> Judged:
        """Rank by grade, then as before; a score is the grade less the share of places above."""
        pairs = Pairs(corpus, chunks, queries.texts, pool.top(self.top_n).ids)
        asked = {
            name: self.prompt_of(query, [pairs.texts[chunk]], numbered=False)
            for query, own in pairs.by_query().items()
            for name, chunk in own.items()
        }
        answers = self.writer(self._grade, EXPECTED).write([[one] for one in asked.items()], rt)
        grades = {name: self._grade(answers[name]) for name in asked}
        values = pairs.values({name: float(grade) for name, (grade, _) in grades.items()})
        places = np.arange(values.shape[1]) / max(values.shape[1], 1)
        read = [[{"wrapped": grades[n][1]} for n in row if n] for row in pairs.names]
        return Judged.of(reordered(pool, values - places), read)

    def takes(self, query: int, texts: Sequence[int]) -> tuple[int, Usage]:
        """Return a call a text."""
        n, written = len(texts), min(EXPECTED, self.max_tokens)
        return n, Usage(input=n * (self.words + query) + sum(texts), output=n * written)

    def _grade(self, answer: str) -> tuple[int, int]:
        """Return the grade of an answer, and 1 where it stood among other words.

        Raises:
            BadAnswer: it holds none, several, or one out of range.
        """
        whole = _number(answer)
        found = {whole} if whole is not None else _among(answer)
        grade = found.pop() if len(found) == 1 else -1
        if not 0 <= grade <= self.most:
            raise BadAnswer(
                self.model.vendor.name,
                f"answered {answer[:80]!r}, which is no grade from 0 to {self.most}",
            )
        return grade, int(whole is None)


def _number(text: str) -> int | None:
    """Return the grade in JSON such as `{"grade": 2}`; None where the text is anything else."""
    try:
        given: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    value = given.get("grade") if isinstance(given, dict) else None
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0
    return int(value) if whole else None  # type: ignore[arg-type]  # it is a number


def _among(text: str) -> set[int]:
    """Return the grades in JSON among other words, or the number that the text is but for marks."""
    bare = re.fullmatch(r"[\s*_`'\"]*(\d{1,3})[\s*_`'\".]*", text)
    objects = map(_number, re.findall(r"\{[^{}]*\}", text))
    return {int(bare[1])} if bare else {grade for grade in objects if grade is not None}
