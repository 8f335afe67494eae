"""What run files share: answers named by a query's id or words, brought into a gold set's order."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from goldsets.evaluation.words import count
from goldsets.formats.base import Report
from goldsets.formats.names import encoded
from goldsets.types import GoldSet
from retrieval.errors import InputError
from retrieval.hits import Hit
from retrieval.ingest.fields import shown


@dataclass(frozen=True)
class Answered:
    """What a run file has for one query, which it names by its id, its words or both."""

    where: str
    id: str
    text: str
    hits: tuple[Hit, ...]


def in_order(rows: Sequence[Answered], gold: GoldSet, report: Report) -> list[tuple[Hit, ...]]:
    """Return the hits of each query of a gold set, none for one that the file does not have.

    An id counts before the words. Of two rows for one query the first counts.

    Raises:
        InputError: no row is of any query of the gold set; in strict mode, two are of one.
    """
    by_id = {encoded(q.id): q.id for q in gold.queries} | {q.id: q.id for q in gold.queries}
    by_words: dict[str, list[str]] = defaultdict(list)
    for query in gold.queries:
        by_words[_words(query.text)].append(query.id)
    held: dict[str, tuple[Hit, ...]] = {}
    unknown = 0
    for row in rows:
        own = [by_id[n] for n in (row.id, unquote(row.id)) if n in by_id][:1]
        names = own or ([] if row.id and not row.text else by_words.get(_words(row.text), []))
        unknown += not names
        for name in names:
            with report.skipping("query", row.where):
                if name in held:
                    raise InputError(f"seen before: {shown(name)}", where="id")
                held[name] = row.hits
    if not held:
        raise InputError(
            f"no query of gold set {gold.name!r} is in the file, which has {len(rows):,} others;"
            " is it a run over this gold set?"
        )
    if unknown:
        report.note(f"{count(unknown, 'query', 'queries')} not in gold set {gold.name}, left out")
    missing = len(gold.queries) - len(held)
    if missing:
        report.note(f"{count(missing, 'query', 'queries')} not in the file: counted as finding 0")
    return [held.get(q.id, ()) for q in gold.queries]


def _words(text: str) -> str:
    return " ".join(text.split())
