"""Notebooks: the cells of Markdown as they are, those of code as fences; outputs are left out."""

from collections.abc import Iterator, Mapping
from typing import Any

from retrieval.errors import InputError
from retrieval.ingest.convert import Converted, markup
from retrieval.ingest.fields import parse_object
from retrieval.ingest.text import decoded


def convert(data: bytes, encoding: str) -> Converted:
    """Write a notebook as Markdown.

    Raises:
        InputError: it is not the JSON of a notebook.
    """
    notebook = parse_object(decoded(data, encoding))
    cells = notebook.get("cells")
    if cells is None:  # the form before 2015
        sheets = _list(notebook.get("worksheets"))
        cells = [cell for sheet in sheets for cell in _list(_object(sheet).get("cells"))]
    if not isinstance(cells, list) or not cells:
        raise InputError("not a notebook: it has no cells")
    return Converted(markup.joined(_blocks(cells, _language(notebook))))


def _blocks(cells: list[Any], language: str) -> Iterator[str]:
    for cell in map(_object, cells):
        kind, source = cell.get("cell_type"), _source(cell)
        if kind == "heading":
            yield markup.heading(int(cell.get("level") or 1), source)
        else:
            yield source if kind == "markdown" else markup.fence(source, _of(kind, language))


def _of(kind: object, language: str) -> str:
    return language if kind == "code" else ""


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    parts = source if isinstance(source, list) else [source]
    return "".join(part for part in parts if isinstance(part, str))


def _language(notebook: Mapping[str, Any]) -> str:
    about = _object(notebook.get("metadata"))
    named = _object(about.get("language_info")).get("name")
    return str(named or _object(about.get("kernelspec")).get("language") or "python")


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
