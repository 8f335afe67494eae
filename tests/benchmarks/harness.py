"""How a benchmark is timed: interleaved rounds in one process, medians, ratios to a named peer."""

import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NVPL_BLAS_DEBUG_CPU_TYPE"):
    os.environ.pop(name, None)  # they choose another kernel; set before numpy is imported

import numpy as np  # noqa: E402
import threadpoolctl  # noqa: E402

Timed = Mapping[str, Callable[[], Any]]


def medians(contestants: Timed, rounds: int = 5) -> dict[str, float]:
    """Time each contestant once a round, in turn; return the median seconds."""
    for run in contestants.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            seconds[name].append(once(run))
    return {name: statistics.median(times) for name, times in seconds.items()}


def once(run: Callable[[], Any]) -> float:
    """Time one call with the garbage collector off."""
    gc.collect()
    gc.disable()
    begun = time.perf_counter()
    run()
    spent = time.perf_counter() - begun
    gc.enable()
    return spent


def ratio(title: str, ours: float, peer: float, goal: str) -> None:
    """Print how many times faster than the peer we are."""
    print(f"  {title:58} {peer / ours:9.1f}x faster   goal {goal}")


def cost(title: str, ours: float, peer: float, goal: str) -> None:
    """Print how many times the peer's time we take."""
    print(f"  {title:58} {ours / peer:9.2f}x its time  goal {goal}")


def heading(title: str) -> None:
    """Print what follows, and on which kernel it runs."""
    found = {p.get("architecture") for p in threadpoolctl.threadpool_info()} - {None}
    kernels = ", ".join(sorted(map(str, found)))
    print(f"{title}   [BLAS kernel {kernels}, load {os.getloadavg()[0]:.1f}]")


def words(n: int, rng: np.random.Generator) -> list[str]:
    """Make n distinct words of random letters."""
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    made: dict[str, None] = {}
    while len(made) < n:
        made["".join(rng.choice(letters, rng.integers(3, 9)))] = None
    return list(made)


def zipf_texts(documents: int, mean: int, seed: int) -> list[list[str]]:
    """Make tokenized documents whose terms follow Zipf's law, bursty as real ones are."""
    rng = np.random.default_rng(seed)
    size = int(min(400_000, 60 * (documents * mean) ** 0.5))
    weight = 1 / (np.arange(1, size + 1) + 2.7) ** 1.07
    length = np.clip(rng.lognormal(np.log(mean) - 0.125, 0.5, documents), 15, 6 * mean).astype(int)
    ids = np.searchsorted(np.cumsum(weight / weight.sum()), rng.random(length.sum()))
    offsets = np.concatenate([[0], np.cumsum(length)])
    own = np.repeat(offsets[:-1], length) + (
        rng.random(len(ids)) * np.repeat(length, length)
    ).astype(int)
    bursty = rng.random(len(ids)) < 0.25
    ids[bursty] = ids[own[bursty]]
    vocabulary = [f"w{i}" for i in range(size)]
    every = [vocabulary[i] for i in np.minimum(ids, size - 1).tolist()]
    return [every[a:b] for a, b in pairwise(offsets)]
