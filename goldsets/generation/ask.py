"""Asking models: what is kept is not asked again, one refusal ends nothing, plans ask nobody."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Protocol

from goldsets.generation.offline import Offline
from goldsets.generation.spec import Model
from retrieval.cost import Outlay
from retrieval.errors import BadAnswer, ProviderError, Refused
from retrieval.ingest.embed import Embedder, Purpose, count_missing, embed, hash_of
from retrieval.providers.base import together
from retrieval.providers.chat import ChatModel, Prompt
from retrieval.providers.remote import RemoteEmbedder, outlay, units_of
from retrieval.providers.writer import Writer
from retrieval.runtime import Runtime
from retrieval.stage import full
from retrieval.store import texts as store
from retrieval.types import Float32, digest

AGAIN = ".again"
"""What follows the name of an answer that was asked for once more."""

TOLERATED = 10
"""Refusals by a vendor after which the work ends, where they are more than half of its answers."""


@dataclass(frozen=True)
class Task:
    """One question to a model, what the stand-in answers to it, and what a plan takes for it."""

    prompt: Prompt
    offline: Callable[[], str]
    likely: str

    @cached_property
    def name(self) -> str:
        """Name all that the model is shown: equal prompts are asked once."""
        p = self.prompt
        return hash_of("\0".join((p.system, p.document, p.ask, str(p.max_tokens))))


@dataclass(frozen=True)
class Answer:
    """What a model wrote; `problem` says why there is nothing where the vendor gave no text."""

    text: str
    problem: str = ""


@dataclass(frozen=True)
class Work:
    """Questions of one step to one model; an answer that is not `usable` is asked for once more."""

    step: str
    model: Model
    tasks: Sequence[Task]
    usable: Callable[[str], bool]
    expected: int

    @property
    def distinct(self) -> list[Task]:
        """Return the questions, each once."""
        return list({task.name: task for task in self.tasks}.values())

    def settled(self, task: Task, found: Mapping[str, str]) -> bool:
        """Tell whether nothing more is asked for a question."""
        return self.usable(found.get(task.name, "")) or task.name + AGAIN in found

    def best(self, task: Task, found: Mapping[str, str]) -> str | None:
        """Return the last answer to a question, None where there is none."""
        return found.get(task.name + AGAIN, found.get(task.name))


class Asker(Protocol):
    """Who is asked: models (`Live`), or what is kept of them and what is likely (`Foreseen`)."""

    def ask(self, work: Work) -> list[Answer]:
        """Return an answer for each question, in order."""

    def embed(self, embedder: Embedder, texts: Sequence[str], purpose: Purpose) -> Float32 | None:
        """Return vectors; None where a plan would have to make them."""


def writer_of(model: ChatModel, work: Work) -> Writer:
    """Return under what a model's answers are kept: it and its parameters."""
    identity = digest("generation", *map(str, (model.versions, full(model))))
    return Writer(model, identity, work.step, work.expected)


@dataclass(frozen=True)
class Live:
    """Asks the models, several questions at once; each answer is kept as it comes."""

    rt: Runtime

    def ask(self, work: Work) -> list[Answer]:
        """Return an answer for each question, in order.

        Raises:
            ProviderError: the vendor fails, or refuses most of what it is asked.
            OverBudget: a call would pass a budget.
            Stopped: the work is not wanted any more.
        """
        if isinstance(work.model, Offline):
            return [Answer(task.offline()) for task in work.tasks]
        asking = _Asking(work, writer_of(work.model, work), self.rt)
        asking.run()
        return [asking.answer(task) for task in work.tasks]

    def embed(self, embedder: Embedder, texts: Sequence[str], purpose: Purpose) -> Float32:
        """Return vectors, made where they are not kept."""
        return embed(embedder, texts, purpose, self.rt)


class _Asking:
    """One piece of work under way."""

    def __init__(self, work: Work, writer: Writer, rt: Runtime) -> None:
        self.work, self.writer, self.rt = work, writer, rt
        names = [task.name for task in work.distinct]
        self.found = writer.kept([*names, *(n + AGAIN for n in names)], rt)
        self.todo = [t for t in work.distinct if not work.settled(t, self.found)]
        self.refused: dict[str, ProviderError] = {}
        self.done = 0
        self.turn = Lock()

    def run(self) -> None:
        together(self._one, len(self.todo), self.writer.model.vendor.at_once, self.rt)
        if self.refused and not self.found:
            raise next(iter(self.refused.values()))

    def answer(self, task: Task) -> Answer:
        text = self.work.best(task, self.found)
        return Answer("", str(self.refused[task.name])) if text is None else Answer(text)

    def _one(self, number: int, rt: Runtime) -> None:
        task = self.todo[number]
        try:
            for name in (task.name, task.name + AGAIN):
                if name not in self.found:
                    self._keep(name, self.writer.model.write(task.prompt, rt))
                if self.work.usable(self.found[name]):
                    break
        except (BadAnswer, Refused) as e:
            self._refuse(task, e)
        with self.turn:
            self.done += 1
            rt.progress(f"{self.work.step} by {self.writer.model.name}", self.done, len(self.todo))

    def _keep(self, name: str, text: str) -> None:
        if self.rt.workspace:
            store.keep(self.rt.workspace, self.writer.identity, name, text)
        self.found[name] = text

    def _refuse(self, task: Task, error: ProviderError) -> None:
        """Note that a vendor gave nothing; end the work where that is the rule."""
        with self.turn:
            self.refused[task.name] = error
            if len(self.refused) >= TOLERATED and 2 * len(self.refused) > self.done + 1:
                raise error


class Foreseen:
    """Asks nobody: takes what is kept, else what is likely, and counts what asking would take."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.outlays: dict[tuple[str, str], Outlay] = {}
        """By step and model."""
        self.to_embed: dict[str, int] = {}
        """Texts by embedder of this machine."""

    def ask(self, work: Work) -> list[Answer]:
        """Return what is kept, else what is likely."""
        if isinstance(work.model, Offline):
            return [Answer(task.offline()) for task in work.tasks]
        writer = writer_of(work.model, work)
        names = [task.name for task in work.distinct]
        found = writer.kept([*names, *(n + AGAIN for n in names)], self.rt)
        again = {t.name for t in work.distinct if t.name in found and not work.settled(t, found)}
        pairs = [(t.name + AGAIN * (t.name in again), t.prompt) for t in work.distinct]
        self._count((work.step, work.model.name), writer.outlay([[p] for p in pairs], self.rt))
        return [Answer(work.best(task, found) or task.likely) for task in work.tasks]

    def embed(self, embedder: Embedder, texts: Sequence[str], purpose: Purpose) -> Float32 | None:
        """Return vectors where all are kept, else count what is missing."""
        missing = count_missing(embedder, texts, purpose, self.rt)
        if isinstance(embedder, RemoteEmbedder):
            planned = outlay(embedder, units_of(texts), purpose, self.rt)
            self._count(("Embed", embedder.identity), planned)
        elif missing:
            self.to_embed[embedder.identity] = self.to_embed.get(embedder.identity, 0) + missing
        return None if missing else embed(embedder, texts, purpose, self.rt)

    def _count(self, key: tuple[str, str], planned: Outlay) -> None:
        self.outlays[key] = self.outlays[key] + planned if key in self.outlays else planned
