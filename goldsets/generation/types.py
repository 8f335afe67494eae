"""The words of generation: passages, verdicts on them, queries written of them, what people say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from goldsets.types import Evidence
from retrieval.types import digest

Action = Literal["keep", "edit", "drop", "undo"]
ACTIONS: tuple[Action, ...] = ("keep", "edit", "drop", "undo")


@dataclass(frozen=True)
class Passage:
    """A span of a document, `document.text[start:end] == text`, and where it stands.

    `path` are the headings above it, `block` what most of it is: text, code, table, list.
    """

    document: str
    start: int
    end: int
    text: str
    title: str = ""
    path: tuple[str, ...] = ()
    block: str = "text"

    @cached_property
    def key(self) -> str:
        """Name the passage by its place and its words."""
        return digest(self.document, str(self.start), str(self.end), self.text)[:16]

    @property
    def place(self) -> str:
        """Say where it stands: the document, then the headings that lead to it."""
        named = (self.title or self.document, *self.path)
        return " > ".join(dict.fromkeys(named))


@dataclass(frozen=True)
class Sampled:
    """A passage of a generation's sample, by the number under which it is labelled."""

    id: int
    passage: Passage


@dataclass(frozen=True)
class Worth:
    """What a person says of a passage: worth a query or not. None takes an earlier label back."""

    passage: int
    worth: bool | None
    who: str
    created: str


@dataclass(frozen=True)
class Verdict:
    """What a judge says of a passage by one criterion, as `prompt` (a version of it) puts it.

    `yes` is None where the answer could not be read, be it a refusal; `reason` then says why.
    """

    passage: int
    prompt: str
    criterion: str
    yes: bool | None
    reason: str


@dataclass(frozen=True)
class Prompted:
    """A version of a prompt: what is asked for, of which model, under the key of its answers."""

    key: str
    task: str
    name: str
    text: str
    model: Mapping[str, object]
    created: str = ""


@dataclass(frozen=True)
class Look:
    """Somebody's look at how `wordings`, by their keys, do on so many held-out passages.

    Looks with the same `key` saw the same and are one.
    """

    key: str
    wordings: tuple[str, ...]
    passages: int
    who: str
    created: str = ""


@dataclass(frozen=True)
class Alike:
    """An earlier query that says nearly the same: cosine, and rapidfuzz's ratio from 0 to 100."""

    draft: str
    cosine: float
    ratio: float


@dataclass(frozen=True)
class Measured:
    """What the filters look at; nothing here depends on a threshold.

    `malformed`, `misquoted` and `refers` say what is wrong, empty where nothing is. `run` is the
    longest run of the passage's words in the query, `rare` the share of its words that are rare in
    the corpus and stand in the passage. `answered` is None where no judge was asked; `answering` of
    `neighbours` passages answer the query besides its own. `alone` says that one passage of
    several is enough.
    """

    malformed: str = ""
    misquoted: str = ""
    refers: str = ""
    run: int = 0
    rare: float = 0.0
    alike: tuple[Alike, ...] = ()
    answered: bool | None = None
    answered_reason: str = ""
    answering: int = 0
    neighbours: int = 0
    alone: bool = False


@dataclass(frozen=True)
class Draft:
    """A query as it was written, for the passages it was asked of; the first of them leads.

    `query` is the model's, `text` what would be asked (typos added). `evidence` holds the quotes
    that were found, and further passages that answer. `gold` is the id of the gold set's query made
    of it, empty while there is none. `language` is that asked for.
    """

    name: str
    kind: str
    passages: tuple[int, ...]
    persona: str = ""
    language: str = ""
    prompt: str = ""
    answer: str = ""
    query: str = ""
    text: str = ""
    evidence: tuple[Evidence, ...] = ()
    measured: Measured = field(default_factory=Measured)
    gold: str = ""
    id: int = 0


@dataclass(frozen=True)
class Review:
    """What a person decided on a draft; the newest that is not taken back holds."""

    draft: int
    action: Action
    text: str
    evidence: tuple[Evidence, ...] | None
    who: str
    created: str


@dataclass(frozen=True)
class Generation:
    """A run of generation: its spec as JSON, what it reads, and the real queries it goes by.

    These are as they were when it was begun, so that a resume asks the same. `thresholds` are those
    by which its drafts were last filtered: the spec's until somebody turns the dial.
    """

    id: int
    spec: Mapping[str, Any]
    corpus: str
    corpus_version: int
    goldset: str
    real: tuple[str, ...]
    created: str
    thresholds: Mapping[str, Any] = field(default_factory=dict)
