"""Exact dense search against the matrix product of the same shape, in blocks, and nothing else."""

import numpy as np
import threadpoolctl

from retrieval.backends.exact import BLOCK, search
from tests.benchmarks.harness import cost, heading, medians

QUERIES, DIMENSIONS, TOP = 300, 384, 200


def clustered(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Make unit vectors in clusters of fifty, and queries near some of them."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((max(50, n // 50), DIMENSIONS), dtype=np.float32)
    rows = centres[rng.integers(len(centres), size=n)]
    rows += 0.9 * rng.standard_normal(rows.shape, dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    noise = 0.03 * rng.standard_normal((QUERIES, DIMENSIONS), dtype=np.float32)
    asked = rows[rng.integers(n, size=QUERIES)] + noise
    return rows, asked / np.linalg.norm(asked, axis=1, keepdims=True)


def product(rows: np.ndarray, asked: np.ndarray) -> None:
    """Multiply and keep nothing: the floor."""
    buffer = np.empty((QUERIES, BLOCK), np.float32)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        np.matmul(asked, block.T, out=buffer if len(block) == BLOCK else None)


def run(n: int, goal: str) -> None:
    """Print the cost at one size, after checking it against a full sort."""
    rows, asked = clustered(n)
    found = search(rows, asked[:20], TOP)
    for q in range(20):
        scores = rows @ asked[q]
        best = np.sort(scores)[::-1][:TOP]
        assert np.allclose(found.scores[q], best, atol=1e-5), "not the best"
    spent = medians(
        {"ours": lambda: search(rows, asked, TOP), "sgemm": lambda: product(rows, asked)}
    )
    cost(
        f"exact top {TOP} of {n:,} x {DIMENSIONS}, {QUERIES} queries",
        spent["ours"],
        spent["sgemm"],
        goal,
    )


def main() -> None:
    """Print all costs, on one thread."""
    with threadpoolctl.threadpool_limits(1):
        heading("dense: against the same-shape sgemm alone, one thread")
        run(100_000, "<= 1.6x")
        run(500_000, "<= 1.35x")


if __name__ == "__main__":
    main()
