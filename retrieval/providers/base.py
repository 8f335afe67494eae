"""The one seam for all that leaves the process: keys, retries, the ledger, errors, answers.

A provider's file says how to send one attempt through its vendor's SDK, whose own retries are off;
`call` does the rest. No spec, key of a stage, row, log or error holds a vendor's key.
"""

import math
import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import numpy as np

from retrieval.cost import Usage, cost, price_of, read_prices
from retrieval.errors import BadAnswer, Cancelled, PizzaError
from retrieval.providers.faults import Fault, read_fault
from retrieval.providers.vendor import Vendor
from retrieval.store import ledger
from retrieval.types import Float32, Float64

if TYPE_CHECKING:
    from retrieval.runtime import Runtime

T = TypeVar("T")


@dataclass(frozen=True)
class Asked(Generic[T]):
    """One call: `send` makes one attempt in so many seconds, and returns the checked answer.

    The usage that it returns is the vendor's count, None where it tells none: then `expected` is
    what the ledger takes.
    """

    vendor: Vendor
    model: str
    kind: str
    expected: Usage
    send: Callable[[float], tuple[T, Usage | None]]

    @property
    def name(self) -> str:
        """Return the name under which the call is priced and kept in the ledger."""
        return f"{self.vendor.source}/{self.model}"


def call(asked: Asked[T], rt: "Runtime") -> T:
    """Make a call: within the budgets, tried again as `rt.retry` says, written to the ledger.

    Raises:
        ProviderError: the key is missing, or the vendor failed; the message has the vendor's name.
        OverBudget: the call would pass a budget and was not made.
        Stopped: the work is not wanted any more; looked at between attempts and while waiting.
    """
    asked.vendor.key()
    if rt.workspace is None:
        return _answered(asked, rt)[0]
    price = price_of(asked.name, read_prices(rt.workspace.path))
    expected = cost(asked.expected, price)
    row = ledger.enter(rt.workspace, asked.name, asked.kind, rt.job, asked.expected, expected)
    try:
        answer, usage = _answered(asked, rt)
    except BaseException as e:
        free = isinstance(e, PizzaError) and not getattr(e, "may_be_billed", False)
        used, usd = (Usage(), 0.0) if free else (asked.expected, None)
        said = (str(e) if isinstance(e, PizzaError) else "") or type(e).__name__
        ledger.close(rt.workspace, row, "failed", used, usd, said)
        raise
    used = usage or asked.expected
    ledger.close(rt.workspace, row, "done", used, cost(used, price))
    return answer


def _answered(asked: Asked[T], rt: "Runtime") -> tuple[T, Usage | None]:
    """Try until an attempt is answered or the policy says that it is enough."""
    until = time.monotonic() + rt.retry.deadline_seconds
    for attempt in count(1):
        seconds = min(rt.retry.timeout_seconds, until - time.monotonic())
        answer = _attempt(asked, max(seconds, 0.001))
        if not isinstance(answer, Fault):
            return answer
        delay = rt.retry.delay(attempt, random.random())  # noqa: S311 - no secret, a jitter
        delay = delay if answer.wait_seconds is None else answer.wait_seconds
        late = time.monotonic() + delay >= until
        if not answer.again or attempt >= rt.retry.attempts or late:
            raise answer.problem
        rt.wait(delay, f"{answer.problem}; trying again in {delay:,.0f} s")
    raise AssertionError("count() does not end")


def _attempt(asked: Asked[T], seconds: float) -> "tuple[T, Usage | None] | Fault":
    """Make one attempt when it is its turn; what the SDK raises becomes a fault."""
    with _turn(asked.vendor):
        try:
            return asked.send(seconds)
        except PizzaError:
            raise
        except Exception as e:
            return read_fault(e, asked.vendor.name, asked.vendor.key(), asked.vendor.base)


_turns: dict[str, threading.BoundedSemaphore] = {}


def _turn(vendor: Vendor) -> threading.BoundedSemaphore:
    """Return what bounds the attempts that this process has in flight to a vendor."""
    return _turns.setdefault(vendor.id, threading.BoundedSemaphore(vendor.at_once))


def together(work: Callable[[int, "Runtime"], None], n: int, at_once: int, rt: "Runtime") -> None:
    """Run `work(i, rt)` for i below n in threads.

    When one fails no more are begun, those that wait to try again give up, those in flight finish;
    then the first error is raised.
    """
    errors: list[BaseException] = []

    def progress(step: str, done: int, total: int) -> None:
        if errors:
            raise Cancelled("another call of the same work failed")
        rt.progress(step, done, total)

    own = replace(rt, progress=progress)

    def one(i: int) -> None:
        try:
            if not errors:
                work(i, own)
        except BaseException as e:  # any error ends the others
            errors.append(e)

    with ThreadPoolExecutor(min(at_once, max(n, 1))) as threads:
        list(threads.map(one, range(n)))
    if errors:
        raise errors[0]


def unit_vectors(vendor: str, rows: Any, n: int, dimensions: int) -> Float32:
    """Return what a vendor gave as `(n, dimensions)` unit vectors.

    Raises:
        BadAnswer: too few or too many, of another length, not numbers, not finite, or zero.
    """
    try:
        found = np.asarray(rows)
    except ValueError:
        raise BadAnswer(vendor, "gave vectors of unequal lengths") from None
    if n == 0 and found.size == 0:
        return np.empty((0, dimensions), np.float32)
    if found.dtype.kind not in "fiu":
        raise BadAnswer(vendor, f"gave vectors of {found.dtype}, expected numbers")
    if found.shape != (n, dimensions):
        raise BadAnswer(
            vendor, f"gave vectors of shape {found.shape} for {n} texts, not {(n, dimensions)}"
        )
    matrix = found.astype(np.float64)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise BadAnswer(vendor, "gave a vector that is zero or holds a number that is none")
    return cast(Float32, (matrix / lengths).astype(np.float32))


def in_order(vendor: str, indexed: Iterable[tuple[Any, Any]], n: int) -> list[Any]:
    """Return values in the order of their indices, which must be 0 to n - 1, each once.

    Raises:
        BadAnswer: an index is missing, twice there, or none of those asked for.
    """
    pairs = list(indexed)
    if sorted(i for i, _ in pairs if isinstance(i, int)) != list(range(n)) or len(pairs) != n:
        raise BadAnswer(vendor, f"gave {len(pairs)} answers to {n} texts, or the wrong ones")
    return [value for _, value in sorted(pairs, key=lambda pair: cast(int, pair[0]))]


def scores_of(vendor: str, indexed: Iterable[tuple[Any, Any]], n: int) -> Float64:
    """Return relevance scores in the order of the texts, `(n,)`.

    Raises:
        BadAnswer: a text has no score, or two, or one that is not a finite number.
    """
    values = in_order(vendor, indexed, n)
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in values):
        raise BadAnswer(vendor, "gave a score that is not a finite number")
    return np.array(values, np.float64)


def text_of(vendor: str, text: Any) -> str:
    """Return a text that a vendor wrote.

    Raises:
        BadAnswer: there is none.
    """
    if not isinstance(text, str) or not text.strip():
        raise BadAnswer(vendor, "gave no text; if it thinks before it writes, raise max_tokens")
    return text.strip()
