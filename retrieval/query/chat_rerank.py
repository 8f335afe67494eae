"""Rerankers that ask a chat model: what they share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from retrieval.errors import SpecError
from retrieval.ingest.tokens import count_tokens
from retrieval.providers.chat import ChatModel, Prompt
from retrieval.providers.writer import Writer, as_it_is, chat_model
from retrieval.query.as_data import fenced, filled, lacks, mark_of, warning
from retrieval.query.judged import Judged
from retrieval.query.paid import PaidReranker
from retrieval.runtime import Runtime
from retrieval.stage import full, lines, require
from retrieval.types import Candidates, digest

TAGS = 20
"""Tokens of the tags around a query or a passage, for plans."""


@dataclass(frozen=True)
class ChatReranker(PaidReranker):
    """A chat model judges the first candidates, each as the index sees it.

    Query and passages stand in the prompt as data, between tags that no text can close. An answer
    is kept by model, prompt and texts; one of which nothing can be used is asked for once more, and
    then ends the work.
    """

    model: ChatModel = chat_model()
    prompt: str = lines("")
    max_tokens: int = 300
    product: ClassVar[type[Candidates]] = Judged
    needs: ClassVar[tuple[str, ...]]
    """What must stand in the prompt, in braces."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in lacks(self.prompt, self.needs):
            raise SpecError(f"{type(self).__name__}.prompt needs {{{name}}}, where its text stands")
        require(self.max_tokens >= 1, self, "max_tokens", "at least 1")

    @property
    def template(self) -> str:
        """Return the prompt with all but the texts filled in."""
        return self.prompt

    @property
    def payee(self) -> str:
        """Return who answers and the model."""
        return self.model.name

    @property
    def judge(self) -> str:
        """Name what an answer depends on; `top_n` is nothing but the texts it is about."""
        own = (type(self).__name__, self.revision, self.model.versions, full(self.model))
        return digest(*map(str, (*own, self.template, self.max_tokens)))

    def kept(self, names: Sequence[str], rt: Runtime) -> dict[str, str]:
        """Return the answers that are kept, by their names."""
        return self.writer(as_it_is, 0).kept(names, rt)

    @property
    def words(self) -> int:
        """Return the tokens of a prompt but for query and passages, for plans."""
        return _length(self.template) + _length(warning("0" * 8)) + 2 * TAGS

    def writer(self, check: Callable[[str], object], expected: int) -> Writer:
        """Return who answers, an answer of so many tokens, checked so."""
        return Writer(self.model, self.judge, "Rerank", expected, check)

    def prompt_of(self, query: str, passages: Sequence[str], *, numbered: bool) -> Prompt:
        """Put a query and passages into the prompt, as data."""
        mark = mark_of([query, *passages])
        numbers = range(1, len(passages) + 1) if numbered else [None] * len(passages)
        tagged = [fenced("passage", mark, t, n) for t, n in zip(passages, numbers, strict=True)]
        given = {"query": fenced("query", mark, query), self.needs[1]: "\n".join(tagged)}
        values = {**given, "n": str(len(passages))}
        return Prompt(
            filled(self.template, values), system=warning(mark), max_tokens=self.max_tokens
        )


@cache
def _length(text: str) -> int:
    return count_tokens(text)
