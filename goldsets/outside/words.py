"""How the hits of a retriever from outside were found, in words."""

from collections.abc import Iterator, Mapping

from goldsets.evaluation.run import Run
from goldsets.evaluation.words import count

SHOWN, WORDS = 5, 80
WAYS = {
    "position": "by position",
    "quote": "by their words",
    "alike": "by words that are nearly theirs",
    "nowhere": "nowhere in the corpus",
}


def placed(counts: Mapping[str, int]) -> Iterator[str]:
    """Phrase how hits were found, a sentence a fact."""
    hits = counts["hits"]
    ways = [f"{counts[way]:,} {said}" for way, said in WAYS.items() if counts[way]]
    yield f"{count(hits, 'hit')}: {', '.join(ways)}" if hits else "no hits"
    if counts["nowhere"]:
        yield "what is nowhere keeps its rank and counts as finding nothing"
    if counts["ambiguous"]:
        several = count(counts["ambiguous"], "hit")
        yield f"{several} with words that several documents hold; the first was taken"
    if counts["beyond"]:
        yield f"{count(counts['beyond'], 'hit')} beyond what was asked for, left out"
    if counts["empty"]:
        yield f"{count(counts['empty'], 'query', 'queries')} without any hit, counted as finding 0"


def nowhere(run: Run) -> Iterator[str]:
    """Show the first of what a run has that is nowhere in the corpus."""
    if run.chunks is None:
        return
    lost = [run.chunks.context(int(i)) for i in (~run.chunks.placed).nonzero()[0]]
    for words in lost[:SHOWN]:
        line = " ".join(words.split())
        yield f"nowhere: {line[:WORDS]}{'...' if len(line) > WORDS else ''}"
    if len(lost) > SHOWN:
        yield f"... and {len(lost) - SHOWN:,} more"
