"""Rerank by whole lists: a chat model orders a window of candidates at a time.

Source: Sun et al., "Is ChatGPT Good at Search? Investigating Large Language Models as Re-Ranking
Agents" (2023), with its answers as permutations and its window that slides from the back.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

import numpy as np

from retrieval.cost import Outlay, Usage
from retrieval.errors import BadAnswer
from retrieval.ingest.embed import hash_of
from retrieval.ingest.tokens import count_tokens
from retrieval.providers.writer import Asked, Writer
from retrieval.query.chat_rerank import TAGS, ChatReranker
from retrieval.query.judged import Judged, Repairs
from retrieval.query.paid import Prospect, Share
from retrieval.query.rerank import reordered
from retrieval.runtime import Runtime
from retrieval.stage import lines, require
from retrieval.types import Candidates, Chunks, Corpus, Int32, Queries

PROMPT = """Rank the {n} passages below by how well each answers the query, the best first.

{passages}

{query}

Answer with the numbers of all {n} passages, the best first, each once, in the form [2] > [1] > \
[3], and nothing else."""
EXPECTED = 5
"""Tokens of an answer for each passage, for plans."""

Answering = Callable[[Writer, Sequence[Asked]], Mapping[str, str]]
"""Takes who answers and what is asked; returns the answers by the names of what was asked."""


@dataclass(frozen=True)
class Permutation:
    """A window's passages, from 0, in the order of an answer, and what was mended in it."""

    order: tuple[int, ...]
    repairs: Repairs


@dataclass(frozen=True)
class Listwise(ChatReranker):
    """A chat model orders `window` candidates at a time, from the last to the first `top_n`.

    The window moves up by `stride`, so that what is good rises through all of them (RankGPT, Sun et
    al. 2023). `prompt` holds `{query}` and `{passages}`, which are numbered, and where wanted
    `{n}`. In an answer a number that is repeated or of no passage is left out, and passages that
    are missing follow in their old order; each such answer is counted as mended.
    """

    top_n: int = 50
    prompt: str = lines(PROMPT)
    window: int = 20
    stride: int = 10
    needs: ClassVar[tuple[str, ...]] = ("query", "passages")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(2 <= self.window <= 1_000, self, "window", "from 2 to 1,000")
        require(1 <= self.stride < self.window, self, "stride", "from 1 to below the window")
        room = self.max_tokens >= EXPECTED * self.window
        require(room, self, "max_tokens", f"at least {EXPECTED} for each passage of the window")

    def apply(
        self, corpus: Corpus, chunks: Chunks, queries: Queries, pool: Candidates, rt: Runtime
    ) -> Judged:
        """Rank by the windows' answers; scores are the places from the end."""
        top = pool.top(self.top_n).ids
        slide = Slide(self, corpus, chunks, queries, top)
        read = slide.through(lambda writer, asked: writer.write([[one] for one in asked], rt))
        scores = np.zeros(top.shape)
        for row, own, order in zip(scores, top.tolist(), slide.orders, strict=True):
            place = {chunk: i for i, chunk in enumerate(order)}
            row[:] = [len(order) - place[chunk] if chunk >= 0 else 0 for chunk in own]
        return Judged.of(reordered(pool, scores), [[p.repairs for p in own] for own in read])

    def windows(self, n: int) -> list[tuple[int, int]]:
        """Return the places of the windows over n candidates, the last first; none for one."""
        found = [(max(n - self.window, 0), n)] if n > 1 else []
        while found and found[-1][0] > 0:
            end = found[-1][1] - self.stride
            found.append((max(end - self.window, 0), end))
        return found

    def takes(self, query: int, texts: Sequence[int]) -> tuple[int, Usage]:
        """Return a call a window."""
        return self._taken(query, texts, self.windows(len(texts)))

    def _taken(
        self, query: int, texts: Sequence[int], windows: Sequence[tuple[int, int]]
    ) -> tuple[int, Usage]:
        mean = sum(texts) / max(len(texts), 1)
        shown = sum(end - start for start, end in windows)
        read = len(windows) * (self.words + query) + round(shown * (mean + TAGS))
        return len(windows), Usage(input=read, output=shown * EXPECTED)

    def outlay(self, prospect: Prospect, seen: set[str], rt: Runtime) -> Outlay:
        """Say what the windows take; kept are those up to a query's first without an answer."""
        if prospect.pool is None:
            return self.estimated(prospect, set(), rt)
        new, old = Share(), Share()
        for query, (texts, answered) in self._foreseen(prospect, prospect.pool, rt).items():
            windows, length = self.windows(len(texts)), count_tokens(query)
            done = len(windows) if prospect.made else answered
            for share, own in ((new, windows[done:]), (old, windows[:done])):
                share_of_texts = round(len(texts) * len(own) / max(len(windows), 1))
                share.add(share_of_texts, *self._taken(length, texts, own))
        return self.planned(new, old, rt)

    def _foreseen(
        self, prospect: Prospect, pool: Candidates, rt: Runtime
    ) -> dict[str, tuple[list[int], int]]:
        """Return for each distinct query its candidates' tokens, and how many windows are kept."""
        top = pool.top(self.top_n).ids
        slide = Slide(self, prospect.corpus, prospect.chunks, prospect.queries, top)
        read: Sequence[Sequence[Permutation]] = [()] * len(slide.orders)
        if not prospect.made:
            read = slide.through(lambda writer, asked: writer.kept([name for name, _ in asked], rt))
        tokens = prospect.tokens.tolist()
        rows = zip(prospect.queries.texts, slide.orders, read, strict=True)
        return {query: ([tokens[c] for c in order], len(own)) for query, order, own in rows}

    def reading(self, n: int) -> Writer:
        """Return who answers about n passages."""
        return self.writer(lambda answer: self.permutation(answer, n), EXPECTED * n)

    def asked(self, query: str, passages: Sequence[str]) -> Asked:
        """Return the name of a window's answer, and what the model is asked."""
        name = hash_of("\0".join(map(hash_of, (query, *passages))))
        return name, self.prompt_of(query, passages, numbered=True)

    def permutation(self, answer: str, n: int) -> Permutation:
        """Read an answer about n passages, and mend it.

        Raises:
            BadAnswer: it ranks none of them.
        """
        alone = re.fullmatch(r"[\d\s,;>\[\]]+", answer)
        written = re.findall(r"\d+" if alone else r"\[(\d+)\]", answer)
        given = [int(number[:9]) - 1 for number in written]
        ranked = list(dict.fromkeys(i for i in given if 0 <= i < n))
        missing = [i for i in range(n) if i not in ranked]
        if not ranked:
            raise BadAnswer(
                self.model.vendor.name,
                f"answered {answer[:80]!r}, which ranks none of {n} passages",
            )
        unknown = sum(not 0 <= i < n for i in given)
        repeated = len(given) - unknown - len(ranked)
        repairs = {"repeated": repeated, "unknown": unknown, "missing": len(missing)}
        return Permutation((*ranked, *missing), repairs)


class Slide:
    """The windows over all queries' candidates; `orders` are the chunks as they stand so far."""

    def __init__(
        self, stage: Listwise, corpus: Corpus, chunks: Chunks, queries: Queries, top: Int32
    ) -> None:
        self.stage, self.queries = stage, queries.texts
        self.texts = {c: chunks.indexed(corpus, c) for c in np.unique(top[top >= 0]).tolist()}
        self.orders = [[c for c in row if c >= 0] for row in top.tolist()]
        self.plans = [stage.windows(len(own)) for own in self.orders]

    def through(self, answering: Answering) -> list[list[Permutation]]:
        """Move each query's window until it is through or has no answer; return what was read."""
        read: list[list[Permutation]] = [[] for _ in self.orders]
        for step in range(max(map(len, self.plans), default=0)):
            due = [q for q, plan in enumerate(self.plans) if len(read[q]) == step < len(plan)]
            due.sort(key=lambda q: self._size(q, step))
            for size, group in groupby(due, key=lambda q: self._size(q, step)):
                self._move(list(group), step, size, answering, read)
        return read

    def _size(self, q: int, step: int) -> int:
        start, end = self.plans[q][step]
        return end - start

    def _move(
        self,
        group: Sequence[int],
        step: int,
        size: int,
        answering: Answering,
        read: list[list[Permutation]],
    ) -> None:
        """Order the windows of one step that hold `size` passages each."""
        asked = {q: self._asked(q, step) for q in group}
        answers = answering(self.stage.reading(size), list(dict(asked.values()).items()))
        for q, (name, _) in asked.items():
            if name in answers:
                start, end = self.plans[q][step]
                window = self.orders[q][start:end]
                found = self.stage.permutation(answers[name], size)
                self.orders[q][start:end] = [window[i] for i in found.order]
                read[q].append(found)

    def _asked(self, q: int, step: int) -> Asked:
        start, end = self.plans[q][step]
        passages = [self.texts[chunk] for chunk in self.orders[q][start:end]]
        return self.stage.asked(self.queries[q], passages)
