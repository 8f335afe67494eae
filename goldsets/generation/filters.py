"""Filters: each looks at what was measured of a draft and says why it is dropped, or nothing.

Measuring takes models and time, filtering neither: thresholds can be moved and all drafts filtered
again at once (`sieved`), which is the dial of the review.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from rapidfuzz import fuzz, process

from goldsets.generation.ask import Asker
from goldsets.generation.passages import Ground
from goldsets.generation.spec import GenerationSpec, Thresholds
from goldsets.generation.types import Alike, Draft, Passage
from goldsets.generation.write import DECLINED
from retrieval.ingest.tokenize import HangulBigrams, Lexicon, folded, words
from retrieval.query.names import names_in
from retrieval.types import Float32

RARE = 0.01
"""The greatest share of a corpus's passages that hold a word which is rare."""
RARE_AT_MOST = 3
"""Passages that may hold a rare word in a small corpus."""
WORTH_NOTING = (0.7, 70.0)
"""The cosine and the ratio from which two drafts are noted as alike; no threshold is lower."""
MOST_ALIKE = 20
BLOCK = 256
"""Queries that are compared with the others at once."""

REFERS = re.compile(
    r"\b(this|the|that|given|above|following) (document|passage|text|article|section|page|excerpt"
    r"|paragraph|snippet|context|author)\b(?! (class|object|type|model|field|parameter|tag))"
    r"|\b(according to|as (mentioned|described|stated|shown)|mentioned|described) (in )?"
    r"(the|this)\b"
    r"|(위|이|해당|본|다음|아래)\s*(문서|글|본문|지문|단락|구절|문단|페이지|섹션|텍스트)"
    r"|(위|앞)에서?\s*(언급|설명|말한)",
    re.IGNORECASE,
)

Filter = Callable[[Draft, Thresholds], str]


def malformed(d: Draft, _: Thresholds) -> str:
    """Drop what the writer did not write as it was asked, refusals among it."""
    return "" if d.measured.malformed == DECLINED else d.measured.malformed


def declined(d: Draft, _: Thresholds) -> str:
    """Drop what the writer left empty: the passage allows no query of that kind."""
    return DECLINED if d.measured.malformed == DECLINED else ""


def misquoted(d: Draft, _: Thresholds) -> str:
    """Drop a query whose evidence is not in the text."""
    return d.measured.misquoted


def refers(d: Draft, _: Thresholds) -> str:
    """Drop what speaks of "this document", which nobody who searches has before them."""
    return f"speaks of {d.measured.refers!r}" if d.measured.refers else ""


def copies(d: Draft, t: Thresholds) -> str:
    """Drop what repeats the passage: its words in a row, or too many of its rare ones."""
    if d.measured.run >= t.run:
        return f"{d.measured.run} words in a row are the passage's"
    if d.measured.rare > t.rare:
        return f"{d.measured.rare:.0%} of its words are rare ones of the passage"
    return ""


def unanswered(d: Draft, _: Thresholds) -> str:
    """Drop what its own passages do not answer; and what they answer where nothing should."""
    m = d.measured
    if m.answered is None:
        return "not judged: another filter had it so far; run the generation again"
    if d.kind == "unanswerable":
        return "its own passage answers it" if m.answered else ""
    return "" if m.answered else f"its passage does not answer it: {m.answered_reason}"


def unspecific(d: Draft, t: Thresholds) -> str:
    """Drop what many passages answer, one alone where several are needed, or any where none."""
    m = d.measured
    if d.kind == "unanswerable":
        return f"{m.answering} of {m.neighbours} neighbours answer it" if m.answering else ""
    if m.alone:
        return "one of its passages is enough"
    if m.answering > t.answering:
        return f"{m.answering} of {m.neighbours} neighbours answer it too"
    return ""


DUPLICATE, UNJUDGED = "duplicate", "not answered"
FILTERS: Mapping[str, Filter] = {
    "malformed": malformed,
    "declined": declined,
    "misquoted": misquoted,
    "refers to the document": refers,
    "copies the passage": copies,
    UNJUDGED: unanswered,
    "not specific": unspecific,
}
TAKEN = "in the gold set already"
NAMES = (*list(FILTERS)[:5], DUPLICATE, *list(FILTERS)[5:], TAKEN)
"""Every filter, in the order in which they speak."""
CHEAP = NAMES[:6]
"""Those that need no judge."""


@dataclass(frozen=True)
class Sieved:
    """What the filters say of each draft, by its name: the reasons by filter, empty to survive."""

    reasons: Mapping[str, Mapping[str, str]]

    @cached_property
    def survivors(self) -> set[str]:
        """Return the names of those that no filter dropped."""
        return {name for name, own in self.reasons.items() if not own}

    @cached_property
    def counts(self) -> dict[str, int]:
        """Count the drafts by the first filter that dropped them."""
        first = Counter(next(iter(own)) for own in self.reasons.values() if own)
        return {name: first[name] for name in NAMES}


def sieved(
    drafts: Sequence[Draft],
    thresholds: Thresholds,
    filters: Sequence[str] = NAMES,
    *,
    taken: Collection[str] = (),
) -> Sieved:
    """Filter drafts in their order; `taken` names those that the gold set says already.

    One is a duplicate of an earlier one that passes what needs no judge, whatever the judge says of
    that: what says the same has the same said of it.
    """
    reasons: dict[str, dict[str, str]] = {}
    distinct: set[str] = set()
    for d in drafts:
        own: dict[str, str] = {}
        for name in filters:
            if own and name == UNJUDGED and d.measured.answered is None:
                continue  # another filter had it, so that the judge was not asked
            if name == DUPLICATE:
                why = duplicate(d, thresholds, distinct)
            elif name == TAKEN:
                why = "another of its queries has the same words" if d.name in taken else ""
            else:
                why = FILTERS[name](d, thresholds)
            if why:
                own[name] = why
            if name == DUPLICATE and not own:
                distinct.add(d.name)
        reasons[d.name] = own
    return Sieved(reasons)


def duplicate(d: Draft, t: Thresholds, distinct: Collection[str]) -> str:
    """Drop what says nearly the same as one of the `distinct` drafts before it."""
    for other in d.measured.alike:
        near = other.cosine >= t.cosine or other.ratio >= t.ratio
        if near and other.draft in distinct:
            return f"cosine {other.cosine:.2f}, ratio {other.ratio:.0f} to an earlier query"
    return ""


def measured(
    spec: GenerationSpec,
    drafts: Sequence[Draft],
    passages: Mapping[int, Passage],
    ground: Ground,
    asker: Asker,
) -> list[Draft]:
    """Measure what needs no judge: what a query refers to, what it copies, what it is like."""
    rarity = Rarity(ground)
    written = [d for d in drafts if d.query]
    queries = [d.query for d in written]
    vectors = asker.embed(spec.embed, queries, "query") if queries else None
    alike = dict(zip([d.name for d in written], likenesses(queries, vectors), strict=True))
    found = []
    for d in drafts:
        own = [passages[p] for p in d.passages]
        refers = REFERS.search(d.query)
        noted = replace(
            d.measured,
            refers=refers[0] if refers else "",
            run=max(common_run(d.query, p.text) for p in own) if d.query else 0,
            rare=max(rarity.share(d.query, p, d.kind) for p in own) if d.query else 0.0,
            alike=tuple(replace(a, draft=written[j].name) for j, a in alike.get(d.name, ())),
        )
        found.append(replace(d, measured=noted))
    return found


def likenesses(queries: Sequence[str], vectors: Float32 | None) -> list[list[tuple[int, Alike]]]:
    """Note for each query the earlier ones that are like it, the likest first, at most twenty."""
    texts = [q.casefold() for q in queries]
    found: list[list[tuple[int, Alike]]] = []
    for low in range(0, len(texts), BLOCK):
        own = slice(low, low + BLOCK)
        ratios = process.cdist(texts[own], texts[: low + BLOCK], scorer=fuzz.token_sort_ratio)
        cosines = np.zeros_like(ratios)
        if vectors is not None:
            cosines = vectors[own] @ vectors[: low + BLOCK].T
        best = np.maximum(cosines, ratios / 100)
        near = (cosines >= WORTH_NOTING[0]) | (ratios >= WORTH_NOTING[1])
        for i in range(len(ratios)):
            earlier = np.flatnonzero(near[i, : low + i])
            order = earlier[np.argsort(-best[i, earlier], kind="stable")][:MOST_ALIKE]
            found.append(
                [
                    (j, Alike("", round(float(cosines[i, j]), 4), round(float(ratios[i, j]), 1)))
                    for j in order.tolist()
                ]
            )
    return found


def common_run(query: str, passage: str) -> int:
    """Return the most words in a row that a query and a passage share, case folded."""
    a, b = (list(map(folded, words().findall(text))) for text in (query, passage))
    best, above = 0, [0] * (len(b) + 1)
    for word in a:
        row = [0] * (len(b) + 1)
        for j, other in enumerate(b, 1):
            if word == other:
                row[j] = above[j - 1] + 1
        best, above = max(best, *row), row
    return best


class Rarity:
    """In how many passages of a corpus each term stands."""

    def __init__(self, ground: Ground) -> None:
        self._lexicon = Lexicon(HangulBigrams())
        held: Counter[int] = Counter()
        for passage in ground.passages:
            held.update(self._terms(passage.text))
        self._held = held
        self.most = max(RARE_AT_MOST, int(RARE * len(ground.passages)))
        """The passages that may hold a rare term."""

    def share(self, query: str, passage: Passage, kind: str) -> float:
        """Return the share of a query's terms that are rare and stand in the passage.

        The names that a query of exact names consists of are left out.
        """
        terms = self._terms(query)
        if kind == "identifier":
            terms -= self._terms(" ".join(names_in(query)))
        here = terms & self._terms(passage.text)
        rare = sum(self._held[t] <= self.most for t in here)
        return rare / len(terms) if terms else 0.0

    def _terms(self, text: str) -> set[int]:
        runs = words().findall(text)
        return {term for run in runs for term in self._lexicon.terms[self._lexicon[run]]}
