"""Patterns over 100,000 chunks against a loop of `re` over them."""

import re

import numpy as np

from retrieval.backends.patterns import Pattern, Texts
from tests.benchmarks.harness import heading, medians, once, ratio, words

CHUNKS, MEAN, RARE = 100_000, 80, 101
RARE_STRING = ">= 50x"
NO_STRING = ">= 6x"

PATTERNS = {
    r"ERR_\d{3}x": RARE_STRING,
    r"\b10\.0\.\d+\.7\b": RARE_STRING,
    r"zuyo\w*ba\b": RARE_STRING,
    r"(?i)err_1\d\dx": RARE_STRING,
    r"\b[a-z]{13,}\b": NO_STRING,
    r"\d{4}-\d\d": NO_STRING,
}


def chunks() -> list[str]:
    """Make texts of random words, a hundred of which hold an error code or an address."""
    rng = np.random.default_rng(0)
    known = np.array(words(30_000, rng))
    length = rng.integers(MEAN // 2, MEAN * 3 // 2, CHUNKS)
    drawn = np.minimum(rng.zipf(1.2, length.sum()), len(known)) - 1
    rows = np.split(known[drawn], np.cumsum(length)[:-1])
    made = [" ".join(row.tolist()) for row in rows]
    for n, i in enumerate(rng.choice(CHUNKS, 2 * RARE, replace=False).tolist()):
        made[i] += f" ERR_{n:03}x" if n % 2 else f" from 10.0.{n}.7 on"
    return made


def main() -> None:
    """Print all ratios, after checking that the same chunks are found."""
    heading(f"regex: {CHUNKS:,} chunks, against a loop of re over them")
    texts = chunks()
    ours = Texts(texts)
    print(f"  the index, made once for all patterns: {once(lambda: ours.trigrams):.1f} s")
    for source, goal in PATTERNS.items():
        pattern, peer = Pattern(source, match_case=True), re.compile(source)

        def loop(peer: re.Pattern[str] = peer) -> list[int]:
            return [i for i, text in enumerate(texts) if peer.search(text)]

        found = loop()
        assert ours.search(pattern).texts.tolist() == found, "not the same chunks"
        run = {"ours": lambda p=pattern: ours.search(p), "re": loop}
        spent = medians(run, rounds=7)
        ratio(f"{source}   ({len(found)} chunks)", spent["ours"], spent["re"], goal)


if __name__ == "__main__":
    main()
