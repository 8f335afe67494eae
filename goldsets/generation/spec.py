"""The spec of a generation: whose application, which passages, what to write, what to filter.

application: The documentation of a web framework, searched by its users.
judge: {OpenAIChat: {model: gpt-4.1-mini}}      # or Offline, the stand-in without a key
writer: {OpenAIChat: {model: gpt-4.1-mini}}
sample: 300
kinds: {question: 3, keywords: 2, symptom: 1, identifier: 1, multi_hop: 1}
thresholds: {run: 5}
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from goldsets.evaluation.spec import read_yaml
from goldsets.generation.offline import Offline
from retrieval.errors import SpecError, one_of
from retrieval.ingest.chunk import CHUNKERS, ByHeading, Chunker
from retrieval.ingest.embed import Embedder
from retrieval.ingest.parse import PARSERS, Blocks, Structure
from retrieval.providers.chat import ChatModel
from retrieval.providers.embedders import OF_TEXTS
from retrieval.providers.local import Local
from retrieval.providers.writer import CHAT_MODELS
from retrieval.stage import Stage, build, full

Model = ChatModel | Offline
Contrast = Literal["plain", "naive", "distinct"]
Lengths = Literal["real", "free"]

MODELS: tuple[type[Stage[Any]], ...] = (*CHAT_MODELS, Offline)
KINDS = (
    *("keywords", "question", "symptom", "identifier", "comparison", "multi_hop"),
    "unanswerable",
)
CRITERIA: Mapping[str, str] = MappingProxyType(
    {
        "relevant": "The passage is relevant to the application and its users.",
        "complete": "The passage is complete enough to answer something by itself.",
        "asked": "A user might really ask for what the passage says.",
    }
)
DEFAULT_KINDS: Mapping[str, float] = MappingProxyType(
    {"keywords": 2.0, "question": 3.0, "symptom": 2.0, "identifier": 1.0, "comparison": 1.0}
)
AS_PASSAGE = "passage"
"""The language of a query that is written in that of its passage."""
MAX_SAMPLE = 20_000
MAX_CHARACTERS = 4_000
"""Of the application's context, and of a criterion."""
MOST = 50
"""Criteria, personas or examples."""


@dataclass(frozen=True)
class Thresholds:
    """Where the filters cut.

    A query is dropped from `run` of the passage's words in a row on, above a `rare` share of rare
    words of the passage, from a `cosine` or a `ratio` (0 to 100) to an earlier query on, and when
    more than `answering` of its `neighbours` answer it too.
    """

    run: int = 6
    rare: float = 0.5
    cosine: float = 0.95
    ratio: float = 90.0
    neighbours: int = 3
    answering: int = 2

    def __post_init__(self) -> None:
        _whole(self.run, 2, 1_000, "thresholds.run")
        _within(self.rare, 0, 1, "thresholds.rare")
        _within(self.cosine, 0, 1.01, "thresholds.cosine")
        _within(self.ratio, 0, 101, "thresholds.ratio")
        _whole(self.neighbours, 0, 20, "thresholds.neighbours")
        _whole(self.answering, 0, 20, "thresholds.answering")


@dataclass(frozen=True)
class GenerationSpec:
    """What a generation does; `plain()` parses back.

    `kinds` and `languages` are weights. `lengths: real` goes by the real queries' lengths where the
    gold set has at least 20; `typos` is the share of queries with one typo, None as the real ones.
    `examples` show the style, `real_examples` more are drawn from the real queries: the gold set's,
    and those of the query log whose path is `log`.
    `contrast`: `naive` shows the passage alone, `distinct` a real query to write another than.
    `least` is the fewest tokens of a passage, `max_tokens` the most of an answer: models that think
    before they write need more.
    """

    application: str
    judge: Model
    writer: Model
    criteria: Mapping[str, str] = field(default_factory=lambda: dict(CRITERIA))
    parse: Stage[Structure] = Blocks()
    chunk: Chunker = ByHeading(size=300)
    embed: Embedder = Local()
    sample: int = 200
    least: int = 25
    seed: int = 0
    max_tokens: int = 600
    kinds: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_KINDS))
    languages: Mapping[str, float] = field(default_factory=lambda: {AS_PASSAGE: 1.0})
    personas: tuple[str, ...] = ()
    lengths: Lengths = "real"
    typos: float | None = None
    examples: tuple[str, ...] = ()
    real_examples: int = 5
    log: str = ""
    contrast: Contrast = "plain"
    thresholds: Thresholds = field(default_factory=Thresholds)

    def __post_init__(self) -> None:
        _text(self.application, "application")
        if not 1 <= len(self.criteria) <= MOST:
            raise SpecError(f"criteria takes 1 to {MOST} criteria, not {len(self.criteria)}")
        for name, text in self.criteria.items():
            _text(name, "the name of a criterion")
            _text(text, f"criteria.{name}")
        _weights(self.kinds, "kinds", KINDS)
        _weights(self.languages, "languages")
        for name in ("personas", "examples"):
            if len(getattr(self, name)) > MOST:
                raise SpecError(f"{name} takes at most {MOST}, not {len(getattr(self, name))}")
            for text in getattr(self, name):
                _text(text, name)
        _whole(self.sample, 1, MAX_SAMPLE, "sample")
        _whole(self.least, 1, 10_000, "least")
        _whole(self.max_tokens, 50, 100_000, "max_tokens")
        _whole(self.seed, 0, 2**63 - 1, "seed")
        _whole(self.real_examples, 0, MOST, "real_examples")
        _within(0 if self.typos is None else self.typos, 0, 1, "typos")
        if not isinstance(self.log, str):
            raise SpecError(f"log takes the path of a query log, not {self.log!r}")
        for name, values in (("contrast", get_args(Contrast)), ("lengths", get_args(Lengths))):
            if getattr(self, name) not in values:
                raise SpecError(f"{name} has no {getattr(self, name)!r}{one_of('', values)}")

    def plain(self) -> dict[str, Any]:
        """Return the spec as JSON with every field."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}


STAGES: Mapping[str, tuple[type[Stage[Any]], ...]] = {
    "judge": MODELS,
    "writer": MODELS,
    "parse": PARSERS,
    "chunk": CHUNKERS,
    "embed": OF_TEXTS,
}


def generation_of(spec: Any) -> GenerationSpec:
    """Make a generation from its spec (as read from YAML or JSON, or from `plain`).

    Raises:
        SpecError: an unknown or missing key, stage or kind, or a value that cannot be.
    """
    known = [f.name for f in fields(GenerationSpec)]
    if not isinstance(spec, Mapping):
        raise SpecError(f"a generation is a mapping with the keys {', '.join(known)}, not {spec!r}")
    for key in spec:
        if key not in known:
            raise SpecError(f"a generation has no key {key!r}{one_of(str(key), known, 'key')}")
    for key in ("application", "judge", "writer"):
        if spec.get(key) in (None, ""):
            raise SpecError(f"a generation needs {key}; see docs/generative-benchmarking.md")
    return GenerationSpec(**{key: _value(key, value) for key, value in spec.items()})


def read_generation(path: Path) -> GenerationSpec:
    """Read a generation's spec from a YAML or JSON file; a log's path is relative to it.

    Raises:
        InputError: the file is missing or is not YAML.
        SpecError: it is no spec of a generation.
    """
    spec = generation_of(read_yaml(path))
    return replace(spec, log=str((path.parent / spec.log).resolve())) if spec.log else spec


def _value(key: str, value: Any) -> Any:
    if key in STAGES:
        return build(value, STAGES[key], key)
    if key == "thresholds":
        return thresholds_of(value)
    if key in ("kinds", "languages", "criteria"):
        if not isinstance(value, Mapping):
            raise SpecError(f"{key} takes a mapping, not {value!r}")
        return dict(value)
    if key in ("personas", "examples"):
        if not isinstance(value, list | tuple):
            raise SpecError(f"{key} takes a list, not {value!r}")
        return tuple(value)
    return value


def thresholds_of(value: Any) -> Thresholds:
    """Make thresholds from a mapping; what it leaves out has its default.

    Raises:
        SpecError: an unknown threshold, or a value that cannot be.
    """
    known = [f.name for f in fields(Thresholds)]
    if isinstance(value, Thresholds):
        return value
    if not isinstance(value, Mapping):
        raise SpecError(f"thresholds takes a mapping with the keys {', '.join(known)}")
    for key in value:
        if key not in known:
            raise SpecError(f"thresholds has no {key!r}{one_of(str(key), known, 'threshold')}")
    return Thresholds(**value)


def _plain(value: Any) -> Any:
    if isinstance(value, Stage):
        return full(value)
    if isinstance(value, Thresholds):
        return {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _text(value: Any, what: str) -> None:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= MAX_CHARACTERS:
        raise SpecError(f"{what} takes text of 1 to {MAX_CHARACTERS:,} characters, not {value!r}")


def _within(value: Any, low: float, high: float, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise SpecError(f"{what} takes a number from {low:,} to {high:,}, not {value!r}")


def _whole(value: Any, low: int, high: int, what: str) -> None:
    if type(value) is not int or not low <= value <= high:
        raise SpecError(f"{what} takes a whole number from {low:,} to {high:,}, not {value!r}")


def _weights(given: Mapping[str, Any], what: str, known: tuple[str, ...] = ()) -> None:
    for name, weight in given.items():
        if known and name not in known:
            raise SpecError(f"{what} has no {name!r}{one_of(str(name), known)}")
        _text(name, what)
        _within(weight, 0.0, 1e6, f"{what}.{name}")
    if not any(weight > 0 for weight in given.values()):
        raise SpecError(f"{what} needs a weight above 0")
