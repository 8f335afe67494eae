"""A report of a sweep or a comparison: HTML, Markdown, PDF, CSV or JSON from the same facts."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
import yaml

from goldsets.diagnosis.causes import Cause
from goldsets.evaluation.words import points, ranked, side
from goldsets.reporting import plots
from goldsets.reporting.gate_said import escaped
from goldsets.reporting.phrases import LANGUAGES, Phrases
from goldsets.types import REVIEWED, STAND_IN, is_synthetic
from retrieval.cost import money
from retrieval.errors import InputError, MissingExtra, PizzaError, one_of
from retrieval.ingest.fields import shown

FORMATS = ("html", "md", "pdf", "csv", "json")
EMBEDDED = re.compile(r'<script type="application/json" id="facts">(.*?)</script>', re.DOTALL)
BEST = 3
"""Pipelines beside the baseline whose values stand at each query that was drawn."""
FORMULA = re.compile(r"[=+@\t\r]|-(?!\d)")
CELLS = ("run", "pipeline", "measure", "query", "value")

Facts = Mapping[str, Any]

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=jinja2.select_autoescape(("html.j2",)),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
)


def rendered(facts: Facts, format_: str, language: str = "en") -> bytes:
    """Return a report in one of the formats.

    Raises:
        InputError: an unknown format or language.
        MissingExtra: the package that makes PDF is not installed.
    """
    if format_ not in FORMATS:
        raise InputError(f"there is no format {format_!r}{one_of(format_, FORMATS)}")
    if language not in LANGUAGES:
        raise InputError(f"there is no language {language!r}{one_of(language, LANGUAGES)}")
    match format_:
        case "json":
            return (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode()
        case "csv":
            return as_csv(facts).encode()
        case "md":
            return _filled("report.md.j2", facts, language, md=escaped).encode()
        case "pdf":
            return _as_pdf(_html(facts, language))
    return _html(facts, language).encode()


def _html(facts: Facts, language: str) -> str:
    embedded = json.dumps(facts, ensure_ascii=False).replace("<", "\\u003c")
    return _filled("report.html.j2", facts, language, plots=_plots(facts), embedded=embedded)


def _filled(template: str, facts: Facts, language: str, **more: object) -> str:
    words = Phrases(language)
    return _templates.get_template(template).render(
        facts=facts,
        words=words,
        language=language,
        rows=_rows(facts, words),
        said=_said(facts, words),
        **more,
    )


def _plots(facts: Facts) -> dict[str, Any]:
    variants, first = facts["variants"], facts["measures"][0]["name"]
    lost = _lost(facts)
    names = [m["name"] for m in facts["measures"]]
    tokens = f"tokens in the first {variants[0]['tokens_k']}"
    return {
        "forests": {
            name: plots.forest(variants, name, facts["leader"], facts["tints"]) for name in names
        },
        "frontier": plots.frontier(variants, first, tokens, facts["tints"]),
        "lost": plots.bars([(c["cause"].replace("_", " "), c["number"], c["about"]) for c in lost]),
    }


def _lost(facts: Facts) -> list[Mapping[str, Any]]:
    """Return the causes of what was lost; what the corpus does not answer is not lost."""
    causes = facts["lost"]["causes"] if facts["lost"] else ()
    return [c for c in causes if c["cause"] != Cause.NO_ANSWER]


def _rows(facts: Facts, words: Phrases) -> list[dict[str, Any]]:
    """Write the table, the best first."""
    names, first = [m["name"] for m in facts["measures"]], facts["measures"][0]["name"]
    leader = facts["variants"][facts["leader"]]
    rows = []
    for v in ranked(facts["variants"], first):
        difference = v["differences"].get(first)
        rows.append(
            {
                "letter": v["letter"],
                "name": v["name"],
                "leads": v is leader,
                "means": [_mean(v["measures"][name], words, first=name == first) for name in names],
                "bounds": " – ".join(map(points, v["bounds"])) if v["bounds"] else "–",
                "tokens": f"{v['tokens']:,.0f}",
                "cost": words("unknown") if v["cost_usd"] is None else money(v["cost_usd"]),
                "told": bool(difference and side(difference)),
                "against": words.verdict(difference) if difference else words("baseline"),
            }
        )
    return rows


def _mean(e: Mapping[str, Any], words: Phrases, *, first: bool) -> str:
    """Write a mean: the first measure's with its interval, which the plot has for the others."""
    return words.interval(e) if first else points(e["mean"])


def _said(facts: Facts, words: Phrases) -> dict[str, Any]:
    lost, method = facts["lost"], facts["method"]["intervals"]
    number = sum(c["number"] for c in _lost(facts))
    return {
        "tokens": words("tokens", k=facts["variants"][0]["tokens_k"]),
        "bounded": any(v["bounds"] for v in facts["variants"]),
        "priced": any(v["cost_usd"] != 0 for v in facts["variants"]),
        "lost": words(
            "lost_of",
            lost=number,
            things=lost["things"],
            measure=lost["measure"],
            name=facts["variants"][facts["leader"]]["name"],
        )
        if lost
        else "",
        "gets": [_gets(facts, query, words) for query in facts["sample"]],
        "origins": _origins(facts, words),
        "fine": list(_fine(facts, words)),
        "method": words("method_is", resamples=f"{method['resamples']:,}", seed=method["seed"]),
        "specs": [
            yaml.safe_dump(v["spec"], sort_keys=False, allow_unicode=True)
            for v in facts["variants"]
        ],
    }


def _gets(facts: Facts, query: Mapping[str, Any], words: Phrases) -> list[str]:
    """Write what a query gets from the baseline and the best, and where its evidence stands."""
    best = ranked(facts["variants"], facts["measures"][0]["name"])[:BEST]
    every = zip(facts["variants"], query["values"], query["first"], strict=True)
    return [
        f"{v['letter']} {points(value)} ({words('not_found') if first is None else f'#{first}'})"
        for n, (v, value, first) in enumerate(every)
        if not n or v in best
    ]


def _origins(facts: Facts, words: Phrases) -> str:
    """Say how many queries nobody asked, who wrote them, and how many were reviewed."""
    gold = facts["goldset"]
    made = {origin: n for origin, n in gold["origins"].items() if is_synthetic(origin)}
    reviewed = sum(n for origin, n in made.items() if origin.endswith(REVIEWED))
    stand_in = sum(n for origin, n in made.items() if origin.startswith(STAND_IN))
    told = [_counted(gold, "synthetic", words)]
    told += [words("stand_in", n=f"{stand_in:,}")] if stand_in else []
    told += [words("reviewed", n=f"{reviewed:,}")]
    told += [words("unreviewed", n=f"{gold['synthetic'] - reviewed:,}")]
    mixed = f" {words('both_kinds')}" if gold["synthetic"] < gold["queries"] else ""
    return f"{_counted(gold, 'queries', words)}: {', '.join(told)}.{mixed}"


def _counted(of: Mapping[str, Any], key: str, words: Phrases) -> str:
    return words(key, n=f"{of[key]:,}")


def _fine(facts: Facts, words: Phrases) -> Iterator[str]:
    """Write the fine print, a line a fact."""
    gold, corpus = facts["goldset"], facts["corpus"]
    keys = ("queries", "unanswerable", "synthetic", "judgments")
    queries, unanswerable, synthetic, judgments = (_counted(gold, key, words) for key in keys)
    documents = _counted(corpus, "documents", words)
    version = f"{corpus['name']} v{corpus['version']} ({corpus['hash'][:12]})"
    yield f"{words('corpus')} {version}: {documents}"
    about = f"{queries} ({unanswerable}; {synthetic}), {judgments}"
    yield f"{words('goldset')} {gold['name']} ({gold['version']}): {about}"
    raters = ", ".join(f"{r['name']} {r['judgments']:,}" for r in gold["raters"])
    yield f"{words('raters')}: {raters or words('nothing')}"
    for evening in facts["agreement"]:
        yield f"{words('agreement')} ({evening['evening']}): {evening['says']}"
    about = "; ".join(f"{m['name']}: {m['about']}" for m in facts["measures"])
    yield f"{words('measures')}: {about}"
    packages = ", ".join(f"{name} {number}" for name, number in facts["packages"].items())
    yield f"{words('packages')}: {packages}"


def as_csv(facts: Facts) -> str:
    """Write every value of every query, one a row, and at the end how many rows there are."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(CELLS)
    names = {v["run"]: v["name"] for v in facts["variants"]}
    number = 0
    for run, by_measure in facts["values"].items():
        for measure, by_query in by_measure.items():
            for query, value in by_query.items():
                cells = (run, names[run], measure, query, "" if value is None else repr(value))
                table.writerow(map(_cell, cells))
                number += 1
    table.writerow(["rows", number, "", "", ""])
    return text.getvalue()


def _cell(text: str) -> str:
    """Keep a spreadsheet from reading a name as a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def altered(path: Path, facts: Facts) -> Iterator[str]:
    """Say where a report's page is not what the facts in it make; nothing where it is JSON.

    Raises:
        InputError: there is no such file.
    """
    said = _text(path)
    language = re.match(r'<!doctype html>\n<html lang="(\w\w)">', said)
    if not EMBEDDED.search(said):
        return
    try:
        made = _html(facts, language[1] if language else "").replace("\r\n", "\n")
    except (AttributeError, LookupError, TypeError, ValueError, jinja2.TemplateError):
        made = ""
    if said != made:
        pairs = enumerate(zip(said, made, strict=False))
        at = next((i for i, (a, b) in pairs if a != b), min(len(said), len(made)))
        there, here = (shown(text[max(0, at - 20) : at + 40]) for text in (said, made))
        yield f"page: it says {there} where its facts make {here}; changed, or of another version"


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode().replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as e:
        raise InputError("cannot be read, or is no text", where=path.name) from e


def _as_pdf(html: str) -> bytes:
    try:
        from weasyprint import HTML
    except ImportError as e:
        raise MissingExtra("weasyprint, which makes PDF,", "pdf") from e
    except OSError as e:  # a library of the system
        raise PizzaError(
            f"PDF needs Pango (apt install libpango-1.0-0 libpangoft2-1.0-0): {e}"
        ) from e
    return bytes(HTML(string=html, url_fetcher=_nothing).write_pdf())


def _nothing(url: str, *_: object, **__: object) -> Any:
    raise ValueError(f"a report loads nothing, not {url!r}")


def read_report(path: Path) -> dict[str, Any]:
    """Read the facts of a report that is HTML or JSON.

    Raises:
        InputError: there is no such file, or it holds no facts.
    """
    text = _text(path)
    found = EMBEDDED.search(text)
    try:
        return dict(json.loads(found[1] if found else text))
    except ValueError as e:
        raise InputError(
            "holds no facts; a report to verify is html or json", where=path.name
        ) from e
