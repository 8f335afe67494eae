"""Enrich: find what filters may ask of each chunk: dates, language, symbols, headings, pages.

An enricher changes neither text nor context. Its fields win over metadata of the same name, and a
chunk has none, one or several values of each: a filter keeps it when one of them holds.
"""

from retrieval.ingest.enrich.base import Enricher, Field, Fields, Values
from retrieval.ingest.enrich.dates import Dates
from retrieval.ingest.enrich.language import Language
from retrieval.ingest.enrich.places import Sections, Symbols

__all__ = [
    "ENRICHERS",
    "Dates",
    "Enricher",
    "Field",
    "Fields",
    "Language",
    "Sections",
    "Symbols",
    "Values",
]

ENRICHERS: tuple[type[Enricher], ...] = (Dates, Language, Symbols, Sections)
