"""A gate's baseline as a file: what each query came to when somebody accepted it.

The first line says what of; then a query a line, so that a diff in git shows what changed. A query
whose words or evidence have changed since is not compared, nor is anything where measures are
defined otherwise now.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from goldsets.evaluation.measures import DEFINITIONS, Measure
from goldsets.evaluation.words import count
from goldsets.types import GoldSet, Query
from retrieval.errors import InputError
from retrieval.types import Float64, digest

FORMAT = "pizza-night/baseline"


@dataclass(frozen=True)
class Baseline:
    """Values by query and measure, None where undefined; `gold` names a query and its evidence."""

    about: Mapping[str, Any]
    gold: Mapping[str, str]
    values_of: Mapping[str, Mapping[str, float | None]]

    def values(self, gold: GoldSet, measures: Sequence[Measure]) -> dict[Measure, Float64]:
        """Return what each query of a gold set came to, `(Q,)`; NaN where it cannot be compared."""
        same = [self._same(gold, q) for q in gold.queries]
        return {
            m: np.array(
                [
                    self._value(q, str(m)) if s else np.nan
                    for q, s in zip(gold.queries, same, strict=True)
                ]
            )
            for m in measures
        }

    def _same(self, gold: GoldSet, query: Query) -> bool:
        return self.about["definitions"] == DEFINITIONS and self.gold.get(query.id) == gold_key(
            gold, query
        )

    def _value(self, query: Query, measure: str) -> float:
        value = self.values_of[query.id].get(measure)
        return np.nan if value is None else value

    def notes(self, gold: GoldSet) -> Iterator[str]:
        """Say what cannot be compared with it."""
        if self.about["definitions"] != DEFINITIONS:
            yield "the baseline is of other definitions of the measures; accept it anew (--accept)"
            return
        changed = sum(q.id in self.gold and not self._same(gold, q) for q in gold.queries)
        new = sum(q.id not in self.gold for q in gold.queries)
        if changed or new:
            said = f"{count(changed, 'query', 'queries')} changed, {new} new since the baseline"
            yield f"{said}: not compared with it"


def gold_key(gold: GoldSet, query: Query) -> str:
    """Name a query's words and evidence, wherever that stands in its document by now."""
    every = (f"{e.document}\0{e.exact}\0{e.grade}\0{e.part}" for e in gold.of(query))
    return digest(query.text, query.needs, *sorted(every))[:16]


def write_baseline(
    path: Path, gold: GoldSet, values: Mapping[Measure, Float64], about: Mapping[str, Any]
) -> int:
    """Write a baseline; return the number of queries.

    Raises:
        InputError: it cannot be written there.
    """
    head = {"format": FORMAT, "version": 1, "definitions": DEFINITIONS, **about}
    lines = [head, *(_line(gold, q, row, values) for row, q in _by_id(gold))]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as e:
        raise InputError(f"cannot be written ({e.strerror})", where=path.name) from e
    return len(gold.queries)


def _by_id(gold: GoldSet) -> list[tuple[int, Query]]:
    return sorted(enumerate(gold.queries), key=lambda pair: pair[1].id)


def _line(
    gold: GoldSet, query: Query, row: int, values: Mapping[Measure, Float64]
) -> dict[str, Any]:
    found = {str(m): float(v[row]) for m, v in values.items()}
    rounded = {m: None if np.isnan(v) else round(v, 9) for m, v in found.items()}
    return {"id": query.id, "gold": gold_key(gold, query), "values": rounded}


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        InputError: there is no such file, or it is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        fix = "; write it with pizza check --accept" if isinstance(e, FileNotFoundError) else ""
        why = getattr(e, "strerror", None) or "not UTF-8"
        raise InputError(f"cannot be read ({why}){fix}", where=path.name) from e
    try:
        head, *rows = map(json.loads, lines)
        if head["format"] != FORMAT or head["version"] != 1:
            raise ValueError(head["format"])
        gold = {row["id"]: row["gold"] for row in rows}
        values = {row["id"]: {str(m): _number(v) for m, v in row["values"].items()} for row in rows}
        return Baseline({"definitions": 0, **head}, gold, values)
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise InputError("is no baseline of pizza check --accept", where=path.name) from e


def _number(value: object) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise ValueError(value)
