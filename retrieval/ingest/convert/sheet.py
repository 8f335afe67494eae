"""Spreadsheets, by openpyxl: every sheet a heading and a table, of values and not of formulas."""

import io
import warnings
from collections.abc import Iterator
from datetime import date, time
from typing import Any

from openpyxl import load_workbook

from retrieval.errors import InputError
from retrieval.ingest.convert import Converted, markup
from retrieval.ingest.convert.office import check_package

CELLS = 3_000_000


def convert(data: bytes, _: str) -> Converted:
    """Write every sheet as a table.

    Raises:
        InputError: it is no workbook, or holds too many cells.
    """
    check_package(data, "a workbook (.xlsx)")
    warnings.simplefilter("ignore")
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    blocks = []
    for sheet in book.worksheets:
        written = markup.table(_rows(sheet))
        blocks += [markup.heading(2, str(sheet.title)), written] if written else []
    return Converted(markup.joined(blocks), str(book.properties.title or ""))


def _rows(sheet: Any) -> Iterator[list[str]]:
    """Return the rows that hold something; what a sheet says of its own size is not believed."""
    sheet.reset_dimensions()
    left = CELLS
    for row in sheet.iter_rows(values_only=True):
        left -= len(row)
        if left < 0:
            raise InputError(f"a sheet of more than {CELLS:,} cells; split it")
        if any(value is not None for value in row):
            yield [_shown(value) for value in row]


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date | time) else str(value)
