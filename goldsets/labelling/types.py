"""The words of labelling: an evening, its members, the items they see and the labels they give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from retrieval.errors import InputError
from retrieval.types import Span

Role = Literal["host", "rater", "onlooker"]
Action = Literal["grade", "cannot_tell", "skip", "later", "undo"]
Kind = Literal["label", "adjudication"]
Source = Literal["pool", "random", "search", "import"]

ROLES: tuple[Role, ...] = ("host", "rater", "onlooker")
ACTIONS: tuple[Action, ...] = ("grade", "cannot_tell", "skip", "later", "undo")

MAX_RATERS = 5
MAX_SPANS = 50
MAX_NOTE = 2_000
MAX_GUIDELINES = 20_000
MEANINGS = ("not relevant", "on topic", "answers in part", "answers")


@dataclass(frozen=True)
class Settings:
    """What the host decides: `grades[g]` words grade g, `raters` judge each item.

    A passage is evidence from grade `answers_from` on; below it, it is judged and not relevant.
    `target` is how many queries the evening is after.
    """

    guidelines: str = ""
    grades: tuple[str, ...] = MEANINGS
    answers_from: int = 2
    raters: int = 1
    target: int = 20

    def __post_init__(self) -> None:
        if not 2 <= len(self.grades) <= 10 or not all(g.strip() for g in self.grades):
            raise InputError(f"2 to 10 grades need a meaning each, not {list(self.grades)!r}")
        if not 1 <= self.answers_from < len(self.grades):
            raise InputError(
                f"answers_from must be a grade from 1 to {len(self.grades) - 1},"
                f" not {self.answers_from!r}"
            )
        if not 1 <= self.raters <= MAX_RATERS:
            raise InputError(f"raters must be from 1 to {MAX_RATERS}, not {self.raters!r}")
        if not 1 <= self.target <= 10_000:
            raise InputError(f"target must be from 1 to 10,000 queries, not {self.target!r}")
        if len(self.guidelines) > MAX_GUIDELINES:
            raise InputError(f"guidelines may have {MAX_GUIDELINES:,} characters")


@dataclass(frozen=True)
class Evening:
    """A pizza night: a team labels items for one gold set."""

    id: int
    name: str
    goldset: str
    settings: Settings
    created: str
    closed: str | None = None


@dataclass(frozen=True)
class Member:
    """Somebody who takes part; what they may do follows from the role."""

    id: int
    evening: int
    name: str
    role: Role


@dataclass(frozen=True)
class Item:
    """A passage to judge for a query: `[start, end)` of a document.

    `content` is the row of the document as it was when the passage was chosen, which no later
    version of the corpus alters; offsets are into its text.
    """

    id: int
    query: str
    document: str
    content: int
    start: int
    end: int
    source: Source = "pool"


@dataclass(frozen=True)
class Label:
    """A row of the log that holds: what one rater, or an adjudicator, made of an item.

    `grade` is None unless the action is `grade`. `spans` are offsets in the document, within or
    beyond the passage. Higher `id` is later, whatever the clock said.
    """

    id: int
    item: int
    rater: int
    action: Action
    grade: int | None = None
    spans: tuple[Span, ...] = ()
    kind: Kind = "label"
    note: str = ""

    @property
    def final(self) -> bool:
        """Tell whether the rater is done with the item."""
        return self.action in ("grade", "cannot_tell")


def check_label(action: str, grade: object, spans: Sequence[Span], note: str, grades: int) -> None:
    """Refuse a label that cannot be.

    Raises:
        InputError: an unknown action, a grade without meaning, too many or crossing spans.
    """
    if action not in ACTIONS:
        raise InputError(f"there is no action {action!r}; known: {', '.join(ACTIONS)}")
    if action == "grade":
        if type(grade) is not int or not 0 <= grade < grades:
            raise InputError(f"grade must be from 0 to {grades - 1}, not {grade!r}")
    elif grade is not None:
        raise InputError(f"{action} takes no grade")
    if len(spans) > MAX_SPANS:
        raise InputError(f"a label may have {MAX_SPANS} spans, not {len(spans)}")
    if len(note) > MAX_NOTE:
        raise InputError(f"a note may have {MAX_NOTE:,} characters, not {len(note):,}")
    if action == "cannot_tell" and not note.strip():
        raise InputError("say in a few words why it cannot be told")
