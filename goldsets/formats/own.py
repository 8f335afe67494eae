"""Pizza Night's own JSON lines: one query a line with its evidence, in an order made for diffs."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from goldsets.formats.base import (
    Imported,
    Report,
    add_new,
    inside,
    items,
    whole_number,
    write_lines,
)
from goldsets.formats.files import single
from goldsets.types import Evidence, GoldSet, Needs, Query
from retrieval.errors import InputError, one_of
from retrieval.ingest.fields import check_keys, shown, text_field, whole_text

KEYS = ("id", "query", "language", "tags", "needs", "origin", "evidence")
EVIDENCE = ("document", "start", "end", "exact", "prefix", "suffix", "grade", "part")
NEEDS = ("all", "any")


def read(path: Path, report: Report) -> Imported:
    """Read queries and evidence; the documents are a corpus that exists already.

    Raises:
        InputError: there is no such file.
    """
    queries: dict[str, Query] = {}
    evidence: dict[str, tuple[Evidence, ...]] = {}
    for where, row in single(path).objects(report, "query"):
        with report.skipping("query", where):
            check_keys(row, KEYS)
            query = _query(row)
            found = _evidence_of(row)
            add_new(queries, query.id, query)
            evidence[query.id] = found
    held = {name: found for name, found in evidence.items() if found}
    return Imported((), tuple(queries.values()), held)


def write(gold: GoldSet, path: Path) -> dict[str, int]:
    """Write the queries by id, their evidence by part and place; return the rows by kind."""
    queries = sorted(gold.queries, key=lambda q: q.id)
    write_lines(path, (_line(q, gold.of(q)) for q in queries))
    return {"queries": len(queries), "judgments": gold.judgments}


def _query(row: Mapping[str, object]) -> Query:
    needs = text_field(row, "needs", "all")
    if needs not in NEEDS:
        raise InputError(f"cannot be {shown(needs)}{one_of(needs[:60], NEEDS)}", where="needs")
    tags = items({"tags": [], **row}, "tags", str)
    return Query(
        text_field(row, "id"),
        text_field(row, "query"),
        text_field(row, "language", ""),
        tuple(whole_text(tag, "tags") for tag in tags),
        cast(Needs, needs),
        text_field(row, "origin", "written"),
    )


def _evidence_of(row: Mapping[str, object]) -> tuple[Evidence, ...]:
    found = []
    for i, given in enumerate(items(row, "evidence", dict)):
        with inside(f"evidence[{i}]"):
            found.append(_evidence(given))
    return tuple(found)


def _evidence(row: Mapping[str, object]) -> Evidence:
    check_keys(row, EVIDENCE)
    exact = text_field(row, "exact")
    start = whole_number({"start": 0, **row}, "start")
    end = whole_number({"end": start + len(exact), **row}, "end")
    if len(exact) != end - start:
        problem = f"has {len(exact)} characters, from start to end there are {end - start}"
        raise InputError(f"{problem}: {shown(exact)}", where="exact")
    prefix, suffix = text_field(row, "prefix", ""), text_field(row, "suffix", "")
    grade, part = whole_number({"grade": 3, **row}, "grade"), text_field(row, "part", "")
    return Evidence(text_field(row, "document"), start, end, exact, prefix, suffix, grade, part)


def _line(query: Query, evidence: Iterable[Evidence]) -> str:
    ordered = sorted(evidence, key=lambda e: (e.part, e.document, e.start, e.end))
    row: dict[str, Any] = {
        "id": query.id,
        "query": query.text,
        "language": query.language,
        "tags": list(query.tags),
        "needs": query.needs,
        "origin": "" if query.origin == "written" else query.origin,
        "evidence": [_evidence_row(e) for e in ordered],
    }
    optional = ("language", "tags", "origin")
    shown_row = {k: v for k, v in row.items() if v or k not in optional}
    return json.dumps(shown_row, ensure_ascii=False)


def _evidence_row(evidence: Evidence) -> dict[str, Any]:
    row = {name: getattr(evidence, name) for name in EVIDENCE}
    return {name: value for name, value in row.items() if value != "" or name != "part"}
