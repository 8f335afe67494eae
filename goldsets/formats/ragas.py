"""ragas: single-turn samples as JSON lines, with a query's evidence as reference contexts.

ragas knows texts; where each stands, its grade and its part go along in fields that it leaves
alone, so that what was written here comes back as it was.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from goldsets.formats.base import Imported, Report, add_new, items, write_lines
from goldsets.formats.files import single
from goldsets.types import Evidence, GoldSet, Query
from retrieval.errors import InputError, one_of
from retrieval.ingest.fields import shown, text_field

PLACE = re.compile(r"(.+):(\d{1,9})-(\d{1,9})", re.DOTALL)
NEEDS = ("all", "any")
PREFIX = "reference_context_"


def write(gold: GoldSet, path: Path) -> dict[str, int]:
    """Write a sample a query; return the rows by kind."""
    write_lines(path, (json.dumps(_row(gold, q), ensure_ascii=False) for q in gold.queries))
    return {"queries": len(gold.queries), "judgments": gold.judgments}


def _row(gold: GoldSet, query: Query) -> dict[str, Any]:
    held = gold.of(query)
    return {
        "user_input": query.text,
        "reference_contexts": [e.exact for e in held],
        f"{PREFIX}ids": [f"{e.document}:{e.start}-{e.end}" for e in held],
        f"{PREFIX}grades": [e.grade for e in held],
        f"{PREFIX}parts": [e.part for e in held],
        f"{PREFIX}prefixes": [e.prefix for e in held],
        f"{PREFIX}suffixes": [e.suffix for e in held],
        "id": query.id,
        "language": query.language,
        "tags": list(query.tags),
        "needs": query.needs,
        "origin": query.origin,
    }


def read(path: Path, report: Report) -> Imported:
    """Read samples whose `reference_context_ids` are `document:start-end`, as written here.

    Raises:
        InputError: there is no such file; in strict mode, a line cannot be used.
    """
    queries: dict[str, Query] = {}
    evidence: dict[str, tuple[Evidence, ...]] = {}
    for where, row in single(path).objects(report, "sample"):
        with report.skipping("sample", where):
            query = _query(row, where)
            found = tuple(_evidence(row))
            add_new(queries, query.id, query)
            evidence[query.id] = found
    held = {name: found for name, found in evidence.items() if found}
    return Imported((), tuple(queries.values()), held)


def _query(row: Mapping[str, object], where: str) -> Query:
    needs = text_field(row, "needs", "all")
    if needs not in NEEDS:
        raise InputError(f"cannot be {shown(needs)}{one_of(needs[:60], NEEDS)}", where="needs")
    return Query(
        text_field(row, "id", where.rpartition(":")[2].strip()),
        text_field(row, "user_input"),
        text_field(row, "language", ""),
        tuple(str(tag) for tag in items({"tags": [], **row}, "tags", str)),
        "any" if needs == "any" else "all",
        text_field(row, "origin", "imported"),
    )


def _evidence(row: Mapping[str, object]) -> Iterator[Evidence]:
    texts = items({"reference_contexts": [], **row}, "reference_contexts", str)
    ids = items({f"{PREFIX}ids": [], **row}, f"{PREFIX}ids", str)
    if len(ids) != len(texts):
        raise InputError("not one document:start-end for each context", where=f"{PREFIX}ids")
    for i, (text, name) in enumerate(zip(texts, ids, strict=True)):
        place = PLACE.fullmatch(name)
        if place is None:
            raise InputError(f"not document:start-end: {shown(name)}", where=f"{PREFIX}ids")
        document, start, end = place.groups()
        yield Evidence(
            document,
            int(start),
            int(end),
            text,
            _of(row, "prefixes", i, ""),
            _of(row, "suffixes", i, ""),
            _of(row, "grades", i, 3),
            _of(row, "parts", i, ""),
        )


def _of(row: Mapping[str, object], name: str, i: int, default: Any) -> Any:
    given = row.get(f"{PREFIX}{name}")
    if not isinstance(given, list) or i >= len(given):
        return default
    if type(given[i]) is not type(default):
        raise InputError(f"cannot hold {shown(given[i])}", where=f"{PREFIX}{name}")
    return given[i]
