"""The runtime: what a stage needs besides its configuration.

It holds the workspace, the products already at hand, the progress line and the wish to stop. Stages
are run through it, so that equal stages over equal inputs are made once: in this process, or ever
where there is a workspace.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar, cast

from retrieval.retry import Retry
from retrieval.stage import Product, Stage
from retrieval.store import Workspace, artifacts

T = TypeVar("T")

RECENT = 8
"""Things that a runtime remembers without a key."""


class Progress(Protocol):
    """Told how far a step has come; may raise `Paused` or `Cancelled` to end the work."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Report `done` of `total` units of `step`."""


def silent(step: str, done: int, total: int) -> None:
    """Report nothing."""


@dataclass
class Tally:
    """What a piece of work cost: the stages made, the seconds of each, the texts embedded."""

    made: set[str] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)
    embedded: int = 0


class Made(Generic[T]):
    """A stage's product: its key is known at once, its value is made when first read."""

    def __init__(
        self,
        key: str,
        stage: str,
        make: Callable[[], T],
        parents: "tuple[Made[Any], ...]" = (),
        *,
        kept: bool = False,
        passing: bool = False,
    ) -> None:
        self.key = key
        self.stage = stage
        self.parents = parents
        self.kept = kept
        """Whether the artefact store keeps it."""
        self.passing = passing
        """Whether it was made from something not worth remembering, a query just typed say."""
        self._make = make

    @cached_property
    def value(self) -> T:
        """Load or make the product."""
        return self._make()

    @property
    def read(self) -> bool:
        """Tell whether the value was loaded or made."""
        return "value" in vars(self)

    def line(self) -> "list[Made[Any]]":
        """Return this product and all it was made from, parents first, each once."""
        seen: dict[str, Made[Any]] = {}
        for parent in self.parents:
            seen.update({m.key: m for m in parent.line()})
        seen[self.key] = self
        return list(seen.values())


@dataclass
class Runtime:
    """Runs stages. Without a workspace nothing is kept beyond this object.

    `processes` is how many processes slow models may use; `progress` is called between units of
    work and may raise `Stopped`. Paid calls are tried again as `retry` says and are written to the
    workspace's ledger under `job`.
    """

    workspace: Workspace | None = None
    processes: int = 1
    progress: Progress = silent
    retry: Retry = Retry()
    job: int | None = None
    tally: Tally = field(default_factory=Tally)
    _products: dict[str, Made[Any]] = field(default_factory=dict, repr=False)
    _recent: dict[tuple[object, ...], tuple[tuple[object, ...], Any]] = field(
        default_factory=dict, repr=False
    )

    @cached_property
    def pool(self) -> Executor | None:
        """Return the executor that slow models are spread over; None with one process."""
        if self.processes <= 1:
            return None
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.processes, context, _end_with, (os.getpid(),))

    def close(self) -> None:
        """End the processes, dropping work that has not begun."""
        pool = self.__dict__.pop("pool", None)
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def given(self, value: T, key: str, stage: str = "given", *, passing: bool = False) -> Made[T]:
        """Wrap a value that no stage made (a corpus, queries), named by its content hash.

        What is made from a `passing` value is neither kept nor remembered.
        """
        if passing:
            return Made(key, stage, lambda: value, passing=True)
        return self._once(key, lambda: Made(key, stage, lambda: value))

    def run(self, stage: Stage[T], *inputs: Made[Any], **parameters: object) -> Made[T]:
        """Apply a stage to products; the result is made when its value is first read."""
        key = stage.key(*(i.key for i in inputs), **parameters)
        passing = any(i.passing for i in inputs)
        kept = stage.product is not None and self.workspace is not None and not passing

        def make() -> T:
            product = self._load(stage, key) if kept else None
            if product is None:
                product = self._apply(stage, key, inputs, parameters, kept=kept)
            return product

        made = Made(key, type(stage).__name__, make, inputs, kept=kept, passing=passing)
        return made if passing else self._once(key, lambda: made)

    def at_hand(self, made: Made[Any], product: type[T]) -> T | None:
        """Return a product of this class if it was made or is kept; nothing is made for it."""
        if made.read:
            return cast("T", made.value)
        arrays = artifacts.load(self.workspace, made.key) if self.workspace else None
        return None if arrays is None else cast("Any", product).of_arrays(arrays)

    def holds(self, made: Made[Any]) -> bool:
        """Tell whether a product was made in this process, or is kept from before."""
        if made.read or self.workspace is None or not made.kept:
            return made.read
        return bool(artifacts.known(self.workspace, {made.key}))

    def recent(self, name: str, of: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return what was made under this name of these very objects a moment ago, or make it."""
        ids = (name, *map(id, of))
        _, made = self._recent.pop(ids, None) or (of, make())
        self._recent[ids] = of, made  # the last of them; while it is held, no id is another's
        if len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]
        return cast("T", made)

    def wait(self, seconds: float, why: str) -> None:
        """Sleep, looking ten times a second whether the work is still wanted."""
        until = time.monotonic() + seconds
        self.progress(why, 0, 1)
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
            self.progress(why, 0, 1)

    def _once(self, key: str, new: Callable[[], Made[T]]) -> Made[T]:
        if key not in self._products:
            self._products[key] = new()
        return cast("Made[T]", self._products[key])

    def _load(self, stage: Stage[T], key: str) -> T | None:
        if self.workspace is None or stage.product is None:
            return None
        arrays = artifacts.load(self.workspace, key)
        return None if arrays is None else cast("T", stage.product.of_arrays(arrays))

    def _apply(
        self,
        stage: Stage[T],
        key: str,
        inputs: tuple[Made[Any], ...],
        parameters: Mapping[str, object],
        *,
        kept: bool,
    ) -> T:
        values = [i.value for i in inputs]
        name = type(stage).__name__
        self.progress(name, 0, 1)
        begun = time.perf_counter()
        product: T = cast("Any", stage).apply(*values, rt=self, **parameters)
        seconds = time.perf_counter() - begun
        self.tally.made.add(key)
        self.tally.seconds[key] = seconds
        if kept and self.workspace is not None:
            arrays = cast("Product", product).arrays()
            artifacts.save(self.workspace, key, name, arrays, seconds)
        return product


def _end_with(parent: int) -> None:
    """End this worker process when its parent is gone, be it by SIGKILL."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
