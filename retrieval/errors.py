"""The errors this project raises on purpose.

    PizzaError
    ├── InputError          a file, line or value from outside that cannot be used
    ├── SpecError           a pipeline or measure that names something unknown or impossible
    ├── MissingExtra        an optional package that is not installed
    ├── MissingModel        a model of this machine whose files are not there
    ├── Forbidden           somebody asked for what their role does not allow
    ├── NotFound            a corpus, gold set, run or document that is not in the workspace
    ├── OverBudget          a paid call that would pass a budget, and so was not made
    ├── ProviderError       a vendor outside this machine that did not do what it was asked
    │   ├── MissingKey      its key is not in the environment
    │   ├── Refused         it will not: a wrong key, an unknown model, a request it finds bad
    │   ├── RateLimited     it wants fewer calls, for longer than we wait
    │   ├── Unavailable     it fails, hangs or drops the connection, again and again
    │   └── BadAnswer       it answered what cannot be right
    └── Stopped             long work that was asked to pause or cancel
        ├── Paused
        └── Cancelled

Every message is one sentence that says what failed, the value, and the fix.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class PizzaError(Exception):
    """Base of everything raised on purpose; its text may be shown to a user as it is."""


class InputError(PizzaError):
    """Something from outside cannot be used; `where` names the file, line and field."""

    def __init__(self, problem: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {problem}" if where else problem)
        self.where = where
        self.problem = problem


class SpecError(PizzaError):
    """A pipeline, sweep or measure names something unknown or impossible."""


class MissingExtra(PizzaError):
    """A package is needed and is not installed; `extra` is what brings it, empty for the core."""

    def __init__(self, what: str, extra: str) -> None:
        brings = f'"pizza-night[{extra}]"' if extra else "pizza-night"
        super().__init__(f"{what} is not installed; run: pip install {brings}")


class MissingModel(PizzaError):
    """A model's files are not on this machine."""


class NotFound(PizzaError):
    """A named thing is not in the workspace."""

    def __init__(self, kind: str, name: object, known: Iterable[str] = ()) -> None:
        super().__init__(f"there is no {kind} {name!r}{one_of(str(name), known, kind)}")


class Forbidden(PizzaError):
    """A role does not allow what was asked for, or nobody is known by the token."""


class OverBudget(PizzaError):
    """A paid call would pass a budget; it was not made."""


class ProviderError(PizzaError):
    """A vendor did not do what it was asked; the message begins with its name, holds no key."""

    may_be_billed = False
    """Whether the vendor may have done the work all the same."""

    def __init__(self, vendor: str, problem: str) -> None:
        super().__init__(f"{vendor} {problem}")
        self.vendor = vendor
        self.problem = problem


class MissingKey(ProviderError):
    """A vendor's key is not in the environment."""

    def __init__(self, vendor: str, names: Iterable[str]) -> None:
        named = " or ".join(names)
        super().__init__(vendor, f"needs a key; set {named} in the environment and start again")


class Refused(ProviderError):
    """A vendor will not do this: trying again would change nothing."""


class RateLimited(ProviderError):
    """A vendor wants fewer calls, for longer than we wait."""


class Unavailable(ProviderError):
    """A vendor failed, hung or dropped the connection until we gave up."""


class BadAnswer(ProviderError):
    """A vendor answered what cannot be right; nothing of the answer is kept."""

    may_be_billed = True


class Stopped(PizzaError):
    """Long work ended early because somebody asked for it."""


class Paused(Stopped):
    """Asked to pause: what is finished is kept and the work can be resumed."""


class Cancelled(Stopped):
    """Asked to cancel: what is finished is kept, the work is not resumed."""


def one_of(name: str, known: Iterable[str], kind: str = "name") -> str:
    """Phrase the valid choices, nearest first, for the end of an error message."""
    names = list(known)
    if not names:
        return f"; there is no {kind} yet"
    folded = {n.casefold(): n for n in names}
    near = [folded[n] for n in get_close_matches(name.casefold(), folded, n=1)]
    guess = f"; did you mean {near[0]!r}?" if near else ";"
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return f"{guess} known: {shown}"
