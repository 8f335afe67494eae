"""Rewrite by a chat model: a hypothetical passage, or the query in other words.

Every answer is kept by model, prompt and query as it comes, also that to a query just typed.
"""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from retrieval.errors import BadAnswer, SpecError
from retrieval.index import Index
from retrieval.ingest.embed import Embedder, Purpose, Vectors, embed, hash_of
from retrieval.providers.chat import ChatModel, Prompt
from retrieval.providers.writer import Asked, Writer, chat_model
from retrieval.query.as_data import fenced, filled, lacks, mark_of, object_in, warning
from retrieval.query.dense import Dense
from retrieval.query.first import Retriever
from retrieval.query.rewrite import Gather, Rewriter, Rewritten, Wordings
from retrieval.runtime import Made, Runtime
from retrieval.stage import Stage, full, lines, require
from retrieval.types import Candidates, Float64, Queries, digest

PASSAGE = """Please write a passage to answer the question, in the language of the question. \
Answer with the passage alone.
Question: {query}
Passage:"""
REWORD = """Reword this search query, so that passages which answer it in other words than its own \
are found. Keep its meaning, its language, and names, codes and numbers as they are.
{query}"""
ANSWER = """Answer with JSON alone, {{"questions": [...], "keywords": [...]}}: {questions} strings \
under "questions", different whole sentences, and {keywords} under "keywords", each some words \
that such a passage is likely to hold, with spaces between them."""
LONGEST = 2_000
"""Characters of a rewording."""


@dataclass(frozen=True)
class ByChat(Rewriter):
    """Rewrites by a chat model."""

    model: ChatModel = chat_model()
    prompt: str = lines("{query}")
    max_tokens: int = 400
    expected: ClassVar[int] = 100
    """Tokens of an answer, for plans."""

    def __post_init__(self) -> None:
        if lacks(self.prompt, ["query"]):
            name = type(self).__name__
            raise SpecError(f"{name}.prompt needs {{query}}, where the text of the query stands")
        require(1 <= self.max_tokens <= 100_000, self, "max_tokens", "from 1 to 100,000")

    def apply(self, queries: Queries, rt: Runtime) -> Rewritten:
        """Ask for what is not kept; a blank query is not rewritten."""
        found = self.writer.write([[asked] for asked in self.asked(queries)], rt)
        return self._read(queries, found)

    def foreseen(self, queries: Queries, rt: Runtime) -> Rewritten:
        """Read what is kept; for the rest stand in texts of the expected length."""
        names = [name for name, _ in self.asked(queries)]
        stand_ins = {name: self.stand_in(name) for name in names}
        return self._read(queries, stand_ins | self.writer.kept(names, rt))

    def missing(self, queries: Queries, rt: Runtime) -> int:
        """Count the answers that are not kept."""
        names = [name for name, _ in self.asked(queries)]
        return len(names) - len(self.writer.kept(names, rt))

    def asked(self, queries: Queries) -> list[Asked]:
        """Return all that the model is asked, each once."""
        distinct = dict.fromkeys(text for text in queries.texts if text.strip())
        return [asked for text in distinct for asked in self.asked_for(text)]

    @property
    def writer(self) -> Writer:
        """Return who writes; what does not change an answer is no part of its identity."""
        parts = (type(self).__name__, self.revision, self.model.versions, full(self.model))
        own = (*map(str, parts), self.prompt, str(self.max_tokens), self.answer)
        return Writer(self.model, digest(*own), "Rewritten queries", self.expected, self.texts)

    @property
    def answer(self) -> str:
        """Return how the answer is to look; it follows the prompt."""
        return ""

    def asked_for(self, query: str) -> list[Asked]:
        """Return what the model is asked for one query, which stands in the prompt as data."""
        mark = mark_of([query])
        ask = filled(self.prompt, {"query": fenced("query", mark, query)})
        ask = "\n\n".join(filter(None, (ask, self.answer)))
        prompt = Prompt(ask, system=warning(mark), max_tokens=self.max_tokens)
        return [(hash_of(query), prompt)]

    @abstractmethod
    def texts(self, answer: str) -> tuple[str, ...]:
        """Read the texts of one answer.

        Raises:
            BadAnswer: it does not hold what was asked for.
        """

    @abstractmethod
    def stand_in(self, name: str) -> str:
        """Return an answer of the expected length that no other query has."""

    def _read(self, queries: Queries, found: Mapping[str, str]) -> Rewritten:
        def of(query: str) -> tuple[str, ...]:
            names = [name for name, _ in self.asked_for(query)] if query.strip() else []
            return tuple(text for name in names for text in self.texts(found[name]))

        return Rewritten(tuple(map(of, queries.texts)))


@dataclass(frozen=True)
class HyDE(ByChat):
    """Hypothetical passages: `Dense` searches what a chat model takes for the answer.

    The mean of the vectors of `passages` that the model writes and, with `query`, of the query
    itself; other first stages search the query. With several passages the model has to vary by
    itself, as at its own temperature. Source: Gao, Ma, Lin, Callan, "Precise Zero-Shot Dense
    Retrieval without Relevance Labels" (2022); the prompt is after theirs for web search.
    """

    prompt: str = lines(PASSAGE)
    passages: int = 1
    query: bool = True
    expected: ClassVar[int] = 150

    def __post_init__(self) -> None:
        super().__post_init__()
        require(1 <= self.passages <= 20, self, "passages", "from 1 to 20")

    def concerns(self, first: Retriever) -> bool:
        """Tell whether vectors are compared."""
        return isinstance(first, Dense)

    def asked_for(self, query: str) -> list[Asked]:
        """Ask the same several times."""
        ((name, prompt),) = super().asked_for(query)
        return [(f"{name}.{i}" if i else name, prompt) for i in range(self.passages)]

    def texts(self, answer: str) -> tuple[str, ...]:
        """Take the passage as it is."""
        return (answer,)

    def stand_in(self, name: str) -> str:
        """Return a text of about the expected length."""
        return f"{name}{' word' * min(self.expected, self.max_tokens)}"

    def search(
        self,
        first: Retriever,
        index: Index,
        queries: Made[Queries],
        written: Made[Rewritten],
        depth: int,
        rt: Runtime,
    ) -> Made[Candidates]:
        """Search by the mean vectors."""
        if not isinstance(first, Dense):
            return first.search(index, queries, depth, rt)
        asked = rt.run(EmbedHypotheses(index.embedder, self.query), queries, written)
        return first.nearest(index, asked, depth, rt)

    def embedded(self, queries: Queries, written: Rewritten) -> Mapping[Purpose, Sequence[str]]:
        """Return the passages, and the queries that count."""
        asked = zip(queries.texts, written.texts, strict=True)
        return {
            "query": [text for text, own in asked if self.query or not own],
            "passage": [text for own in written.texts for text in own],
        }


@dataclass(frozen=True)
class EmbedHypotheses(Stage[Vectors]):
    """Embed hypothetical passages as passages are, and take their mean a query."""

    embedder: Embedder
    query: bool
    product: ClassVar[type[Vectors]] = Vectors

    def apply(self, queries: Queries, written: Rewritten, rt: Runtime) -> Vectors:
        """Return unit vectors, `(Q, d)`; a query without passages is embedded by itself."""
        count = written.count
        rows = np.flatnonzero(self.query | (count == 0))
        total: Float64 = np.zeros((len(queries), self.embedder.dimensions))
        total[rows] = embed(self.embedder, [queries.texts[q] for q in rows], "query", rt)
        passages = [text for own in written.texts for text in own]
        own = np.repeat(np.arange(len(queries)), count)
        np.add.at(total, own, embed(self.embedder, passages, "passage", rt))
        length = np.linalg.norm(total, axis=1, keepdims=True)
        return Vectors((total / np.maximum(length, 1e-12)).astype(np.float32))


@dataclass(frozen=True)
class MultiQuery(ByChat):
    """The query in other words: `questions` rewordings, and `keywords` lists of likely words.

    A chat model writes them. Each first stage searches the query and its rewordings, `Dense`
    without the keywords, and what it finds is fused into one list by RRF (k = 60). The prompt is
    followed by how the answer is to look; an answer that is otherwise is an error.
    """

    prompt: str = lines(REWORD)
    questions: int = 3
    keywords: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.questions <= 20, self, "questions", "from 0 to 20")
        require(0 <= self.keywords <= 20, self, "keywords", "from 0 to 20")
        some = self.questions + self.keywords > 0
        require(some, self, "questions", "at least 1 where there are no keywords")

    @property
    def answer(self) -> str:
        """Ask for JSON."""
        return ANSWER.format(questions=self.questions, keywords=self.keywords)

    def concerns(self, first: Retriever) -> bool:
        """Tell whether there is anything but keywords for a dense stage."""
        return self.questions > 0 or not isinstance(first, Dense)

    def texts(self, answer: str) -> tuple[str, ...]:
        """Return the questions, then the keywords.

        Raises:
            BadAnswer: the answer is no JSON of as many texts as were asked for.
        """
        said = object_in(answer)
        parts = [(said.get("questions"), self.questions), (said.get("keywords"), self.keywords)]
        found = [" ".join(t.split()) for texts, n in parts for t in _texts(texts, n)]
        if len(found) != self.questions + self.keywords:
            raise BadAnswer(
                self.model.vendor.name,
                f"did not answer with JSON of {self.questions} questions and {self.keywords}"
                f" keywords: {answer[:120]!r}",
            )
        return tuple(found)

    def stand_in(self, name: str) -> str:
        """Return an answer of ordinary length."""
        texts = [f"{name} {i}{' word' * 12}" for i in range(self.questions + self.keywords)]
        cut = self.questions
        return json.dumps({"questions": texts[:cut], "keywords": texts[cut:]})

    def search(
        self,
        first: Retriever,
        index: Index,
        queries: Made[Queries],
        written: Made[Rewritten],
        depth: int,
        rt: Runtime,
    ) -> Made[Candidates]:
        """Search for every wording and fuse."""
        wordings = Wordings(self.questions if isinstance(first, Dense) else None)
        found = first.search(index, rt.run(wordings, queries, written), depth, rt)
        return rt.run(Gather(wordings), queries, written, found, depth=depth)

    def embedded(self, queries: Queries, written: Rewritten) -> Mapping[Purpose, Sequence[str]]:
        """Return the queries and the questions."""
        of = Wordings(self.questions).of(queries, written)
        return {"query": [text for own in of for text in own]}


def _texts(given: Any, n: int) -> list[str]:
    """Return the texts if they are n, each within bounds; else nothing."""
    if not isinstance(given, list) or len(given) != n:
        return []
    good = all(isinstance(t, str) and 0 < len(t.strip()) <= LONGEST for t in given)
    return given if good else []
