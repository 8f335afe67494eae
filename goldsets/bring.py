"""Bringing gold in and sending it out: formats on one side, the workspace on the other."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from goldsets.evaluation.words import count
from goldsets.evidence import Found, Status, anchor
from goldsets.formats.left import left
from goldsets.formats.registry import export_path, import_path
from goldsets.store import gold as store
from goldsets.types import GoldSet
from retrieval.errors import InputError
from retrieval.store import Workspace, corpora
from retrieval.types import Corpus


def bring(
    workspace: Workspace,
    format_: str,
    path: Path,
    name: str,
    corpus: str,
    strict: bool,
    options: Mapping[str, str],
    prune: bool = False,
) -> list[str]:
    """Import a gold set and the corpus it brings; return the summary, a line a fact.

    Raises:
        InputError: an unknown format or option, a missing file, nothing in it that can be used,
            with `strict` the first line that cannot be used, or without `prune` a gold set of that
            name that has other queries too.
    """
    read, report = import_path(format_, path, strict=strict, **options)
    if not read.queries:
        raise InputError(
            "; ".join(("has no query that can be used", *report.lines())), where=str(path)
        )
    if not prune:
        _keeps_all(workspace, GoldSet(name, corpus, read.queries, read.evidence))
    lines = []
    if read.documents:
        written = corpora.write(
            workspace, corpus, read.documents, prune=True, note=f"from {format_}"
        )
        lines.append(f"corpus {corpus} v{written.number}: {len(read.documents):,} documents")
    gold = GoldSet(name, corpus, read.queries, read.evidence)
    held = corpora.read(workspace, corpus)
    store.write(workspace, gold, f"import:{format_}")
    kept = store.read(workspace, name)
    asked = count(len(kept.queries), "query", "queries")
    lines.append(f"gold set {name}: {asked}, {count(kept.judgments, 'judgment')}")
    if kept.judgments < gold.judgments:
        twice = count(gold.judgments - kept.judgments, "judgment")
        lines.append(f"{twice} said again word for word: kept once")
    return [*lines, *evidence_lines(gold, held), *report.lines()]


def _keeps_all(workspace: Workspace, gold: GoldSet) -> None:
    if gold.name not in (held.name for held in store.summaries(workspace)):
        return
    given = {query.id for query in gold.queries}
    lost = sum(query.id not in given for query in store.read(workspace, gold.name).queries)
    if lost:
        raise InputError(
            f"gold set {gold.name} has {count(lost, 'query', 'queries')} that it would lose:"
            " take another --name, or --prune to lose them"
        )


def evidence_lines(gold: GoldSet, corpus: Corpus) -> Iterator[str]:
    """Say how the evidence was found in the corpus, and name what was not."""
    anchored = anchor(gold, corpus)
    counts = anchored.statuses
    if counts[Status.MOVED]:
        yield f"{count(counts[Status.MOVED], 'piece')} of evidence moved and found again by quote"
    for name in _named(anchored.edited):
        yield f"edited in {corpus.name}, counted once confirmed: {name}"
    for name in _named(anchored.gone):
        yield f"not found in {corpus.name}: {name}"
    lost = [f for f in (*anchored.edited, *anchored.gone) if not f.evidence.grade]
    if lost:
        what = count(len(lost), "passage that does not answer", "passages that do not answer")
        yield f"{what}: edited or gone"


def _named(found: Sequence[Found]) -> Iterator[str]:
    """Name what answers, once for each document of a query."""
    yield from dict.fromkeys(f.name for f in found if f.evidence.grade)


def send(
    workspace: Workspace, format_: str, name: str, out: Path
) -> tuple[Mapping[str, int], list[str]]:
    """Export a gold set; return the rows written by kind, and what there was no place for.

    Raises:
        NotFound: there is no such gold set.
        InputError: an unknown format, or it cannot be written there.
    """
    gold = store.read(workspace, name)
    corpus = corpora.read(workspace, gold.corpus)
    return export_path(format_, gold, corpus, out), list(left(format_, gold, corpus))
