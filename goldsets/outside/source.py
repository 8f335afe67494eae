"""What may compete besides our pipelines: a retriever behind a URL, a run that was imported."""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from threading import Lock
from typing import Any

from goldsets.outside.placing import Placed, place
from goldsets.store import runs
from goldsets.types import GoldSet
from retrieval.cost import Usage, cost, price_of, read_prices
from retrieval.errors import PizzaError, SpecError
from retrieval.hits import hit_of, row_of
from retrieval.ingest.embed import hash_of
from retrieval.pipeline import Pipeline, full_spec, pipeline_of
from retrieval.providers.base import together
from retrieval.providers.own import MOST_HITS, Answer, Server, ask
from retrieval.runtime import Made, Runtime
from retrieval.stage import Stage, build, require
from retrieval.store import texts
from retrieval.types import Corpus, digest


@dataclass(frozen=True)
class Outside(Stage[Placed]):
    """A retriever whose stages nobody sees: what it returns is found again in the corpus."""

    def placed(self, gold: GoldSet, corpus: Made[Corpus], rt: Runtime) -> Made[Placed]:
        """Return what it makes of a gold set's queries, in their order."""
        names = [q.id for q in gold.queries]
        key = digest("gold", gold.name, gold.version, json.dumps(names))
        return rt.run(self, corpus, rt.given(gold, key, "gold"))

    @abstractmethod
    def apply(self, corpus: Corpus, gold: GoldSet, rt: Runtime) -> Placed:
        """Place what it returned for the queries."""

    def usd(self, queries: int, rt: Runtime) -> float | None:
        """Return what asking so many queries costs; None where nobody knows."""
        return None

    def settle(self, rt: Runtime) -> None:
        """Let go of what was kept only in case the sweep is killed; it is over."""


@dataclass(frozen=True)
class Http(Outside):
    """A team's own retriever behind a URL, asked for the first `k` of each query.

    Each sweep asks anew, one that was killed or paused goes on where it was. With a `version`, the
    name of what runs behind the URL, its answers are kept for ever. `token_env` names the variable
    of the environment with its bearer token.
    """

    url: str = ""
    k: int = 100
    token_env: str = ""
    at_once: int = 4
    version: str = ""

    def __post_init__(self) -> None:
        require(1 <= self.k <= MOST_HITS, self, "k", f"from 1 to {MOST_HITS:,} hits")
        Server(self.url, self.token_env, self.at_once)

    @property
    def server(self) -> Server:
        """Return where it listens."""
        return Server(self.url, self.token_env, self.at_once)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Say that its token is not set, if so."""
        return self.server.vendor.lacking

    def apply(self, corpus: Corpus, gold: GoldSet, rt: Runtime) -> Placed:
        """Ask what is not kept, several queries at once, and place all hits.

        Raises:
            ProviderError: the server failed; what it answered so far is kept.
        """
        answers = self.answers([q.text for q in gold.queries], rt)
        found = place(corpus, [a.hits for a in answers], rt.progress)
        beyond = found.counts["beyond"] + sum(a.beyond for a in answers)
        return replace(found, counts={**found.counts, "beyond": beyond})

    def answers(self, queries: Sequence[str], rt: Runtime) -> list[Answer]:
        """Return the answer to each query; equal ones are asked once."""
        held = self.kept(queries, rt)
        todo, turn = [q for q in dict.fromkeys(queries) if q not in held], Lock()

        def one(i: int, own: Runtime) -> None:
            answer = ask(self.server, todo[i], self.k, own)
            with turn:
                if rt.workspace:
                    texts.keep(rt.workspace, self._writer(rt), hash_of(todo[i]), _packed(answer))
                held[todo[i]] = answer
                rt.progress(f"Asking {self.url}", len(held), len({*queries}))

        together(one, len(todo), self.at_once, rt)
        return [held[q] for q in queries]

    def kept(self, queries: Sequence[str], rt: Runtime) -> dict[str, Answer]:
        """Return the answers that are kept, by query."""
        if rt.workspace is None:
            return {}
        names = {hash_of(q): q for q in queries}
        found = texts.fetch(rt.workspace, self._writer(rt), list(names))
        return {names[h]: _unpacked(text) for h, text in found.items()}

    def settle(self, rt: Runtime) -> None:
        """Forget the answers, unless a version names them."""
        if rt.workspace and not self.version:
            texts.forget(rt.workspace, self._writer(rt))

    def usd(self, queries: int, rt: Runtime) -> float | None:
        """Return what asking costs by the workspace's own prices, None without one."""
        own = read_prices(rt.workspace.path) if rt.workspace else {}
        return cost(Usage(searches=queries), price_of(self.server.name, own))

    def _writer(self, rt: Runtime) -> str:
        kept_for = f"version {self.version}" if self.version else f"job {rt.job}"
        return digest("http", str(self.revision), self.url, str(self.k), kept_for)


def _packed(answer: Answer) -> str:
    rows = [row_of(hit) for hit in answer.hits]
    return json.dumps({"hits": rows, "beyond": answer.beyond}, ensure_ascii=False)


def _unpacked(text: str) -> Answer:
    held = json.loads(text)
    return Answer(tuple(map(hit_of, held["hits"])), held["beyond"])


@dataclass(frozen=True)
class ImportedRun(Outside):
    """A run that was imported from a file, by the name it was given; the newest of that name."""

    name: str = ""

    def apply(self, corpus: Corpus, gold: GoldSet, rt: Runtime) -> Placed:
        """Read it.

        Raises:
            NotFound: no run of that name was imported for the gold set.
            PizzaError: it was imported over another version of the corpus.
        """
        if rt.workspace is None:
            raise PizzaError(f"the run {self.name!r} is in a workspace, and there is none here")
        return runs.imported(rt.workspace, gold.name, self.name).placed_in(corpus, gold)


Source = Pipeline | Outside
OUTSIDE: Mapping[str, type[Outside]] = {"http": Http, "run": ImportedRun}


def source_of(spec: Mapping[str, Any]) -> Source:
    """Make a pipeline from its spec, or what `http` or `run` names in place of its slots.

    `{"http": "http://localhost:8000/search"}` is short for `{"http": {"url": ...}}`.

    Raises:
        SpecError: an unknown slot, stage or field, or a bad value.
    """
    key = next((key for key in OUTSIDE if key in spec), "")
    if not key:
        return pipeline_of(spec)
    if len(spec) > 1:
        other = next(str(k) for k in spec if k != key)
        raise SpecError(f"{key} stands in place of a pipeline, so {other!r} cannot go with it")
    cls, given = OUTSIDE[key], spec[key]
    if isinstance(given, str):
        given = {"name" if key == "run" else "url": given}
    return build({cls.__name__: given}, (cls,), key)


def source_spec(source: Source) -> dict[str, Any]:
    """Return the spec with every field: what is stored."""
    if isinstance(source, Pipeline):
        return full_spec(source)
    key = next(key for key, cls in OUTSIDE.items() if isinstance(source, cls))
    return {key: asdict(source)}
