"""What a gate came to, for people, for a pull request (Markdown), for CI (JUnit) and as JSON."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goldsets.evaluation.measures import DEFINITIONS
from goldsets.evaluation.words import count, points
from goldsets.reporting.gate import Checked, Regressed
from goldsets.reporting.revision import revision_of
from goldsets.reporting.rule import Outcome, Verdict
from goldsets.store import checks, open_workspace
from goldsets.store.checks import Check
from retrieval.cost import money
from retrieval.store.workspace import now

FORMAT = "pizza-night/check"
NAMED = 10
"""Queries and notes that are told to people; JSON has all."""
MARKS = {Outcome.PASS: "✓", Outcome.FAIL: "✗", Outcome.CANNOT_TELL: "?"}
FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold."""


def headline(checked: Checked) -> str:
    """Say in one sentence what came of it."""
    number = count(len(checked.gold.queries), "query", "queries")
    of = f"{number}, {count(len(checked.corpus), 'document')}"
    worst = [v for v in checked.verdicts if v.outcome is checked.outcome]
    if checked.outcome is Outcome.PASS:
        return f"{checked.gate.name}: passed, {count(len(worst), 'rule')} kept on {of}"
    rules = " and ".join(f"{v.rule}" for v in worst[:3])
    more = f" and {len(worst) - 3} more" if len(worst) > 3 else ""
    what = "failed" if checked.outcome is Outcome.FAIL else "cannot tell"
    lets = "" if checked.exit_code else ", which lets it through (cannot_tell: pass)"
    return f"{checked.gate.name}: {what} by {rules}{more} on {of}{lets}"


def as_text(checked: Checked) -> Iterator[str]:
    """Phrase it for a terminal, a line a fact."""
    for verdict in checked.verdicts:
        yield f"{MARKS[verdict.outcome]} {verdict.rule}: {verdict.said}"
    if checked.regressed:
        yield _listing(checked)
        for one in checked.regressed[:NAMED]:
            yield f"    {one.measure} {_change(one)}  {one.text}  ({one.query})"
        if len(checked.regressed) > NAMED:
            yield f"    and {len(checked.regressed) - NAMED:,} more; --json has all"
    yield from (f"note: {note}" for note in checked.notes[:NAMED])
    if len(checked.notes) > NAMED:
        yield f"    and {len(checked.notes) - NAMED:,} more; --json has all"
    yield headline(checked)


def _listing(checked: Checked) -> str:
    compared = checked.regressed[0].before is not None
    return "worse than the baseline:" if compared else "not found whole:"


def _change(one: Regressed) -> str:
    return points(one.now) if one.before is None else f"{points(one.before)} → {points(one.now)}"


def as_markdown(checked: Checked) -> str:
    """Return a summary for a pull request's comment."""
    lines = [f"### {MARKS[checked.outcome]} {escaped(headline(checked))}", ""]
    lines += ["| | rule | on these queries |", "|---|---|---|"]
    for v in checked.verdicts:
        lines.append(f"| {MARKS[v.outcome]} | {escaped(str(v.rule))} | {escaped(v.said)} |")
    if checked.regressed:
        number = count(len(checked.regressed), "value")
        lines += ["", f"<details><summary>{number} {_listing(checked)}</summary>", ""]
        lines += ["| query | measure | |", "|---|---|---|"]
        for one in checked.regressed[:NAMED]:
            lines.append(f"| {escaped(one.text)} | {escaped(one.measure)} | {_change(one)} |")
        if len(checked.regressed) > NAMED:
            lines += ["", f"and {len(checked.regressed) - NAMED:,} more."]
        lines += ["", "</details>"]
    if checked.notes:
        lines += ["", *(f"- {escaped(note)}" for note in checked.notes[:NAMED])]
    lines += ["", f"<sub>{escaped(_fine_print(checked))}</sub>"]
    return "\n".join(lines) + "\n"


def _fine_print(checked: Checked) -> str:
    cost = checked.cost_usd
    spent = "at an unknown price" if cost is None else f"{money(cost)} from nothing" if cost else ""
    about = (
        f"gold {checked.gold.version}",
        f"corpus {checked.corpus.hash[:12]}",
        "95 % intervals by the paired bootstrap",
        spent,
        f"{checked.seconds:.0f} s",
    )
    return ", ".join(filter(None, about))


def escaped(text: str) -> str:
    """Keep a text from being read as Markdown or HTML."""
    flat = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]<>#|~@])", r"\\\1", flat)


def as_json(checked: Checked) -> dict[str, Any]:
    """Return all of it, every query's values too."""
    revision, branch = revision_of(checked.gate.folder)
    return {
        "format": FORMAT,
        "version": 1,
        "definitions": DEFINITIONS,
        "name": checked.gate.name,
        "revision": revision,
        "branch": branch,
        "created": now(),
        "outcome": checked.outcome,
        "exit_code": checked.exit_code,
        "says": headline(checked),
        "rules": [_rule(v) for v in checked.verdicts],
        "measures": {str(m): vars(e) for m, e in checked.means.items()},
        "regressed": [vars(one) for one in checked.regressed],
        "notes": list(checked.notes),
        "goldset": {
            "version": checked.gold.version,
            "queries": len(checked.gold.queries),
            "judgments": checked.gold.judgments,
            "origins": checked.gold.origins,
        },
        "corpus": {"hash": checked.corpus.hash, "documents": len(checked.corpus)},
        "run": checked.run.id,
        "pipeline": dict(checked.run.spec),
        "values": {
            query.id: {str(m): _number(v[q]) for m, v in checked.values.items()}
            for q, query in enumerate(checked.gold.queries)
        },
        "cost_usd": checked.cost_usd,
        "seconds": round(checked.seconds, 3),
    }


def _rule(verdict: Verdict) -> dict[str, Any]:
    return {
        "rule": str(verdict.rule),
        "outcome": verdict.outcome,
        "estimate": vars(verdict.estimate),
        "says": verdict.said,
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def as_junit(checked: Checked) -> str:
    """Return JUnit XML: a test case a rule; what nobody can tell is a failure if that blocks."""
    failing = [v for v in checked.verdicts if _fails(checked, v)]
    skipped = [v for v in checked.verdicts if v.outcome is not Outcome.PASS and v not in failing]
    suite = ET.Element(
        "testsuite",
        name=f"pizza check {checked.gate.name}",
        tests=str(len(checked.verdicts)),
        failures=str(len(failing)),
        skipped=str(len(skipped)),
        errors="0",
        time=f"{checked.seconds:.3f}",
    )
    for v in checked.verdicts:
        case = ET.SubElement(suite, "testcase", classname=_xml(checked.gate.name), name=str(v.rule))
        if v.outcome is not Outcome.PASS:
            kind = "failure" if v in failing else "skipped"
            found = ET.SubElement(case, kind, message=_xml(f"{v.outcome}: {v.said}"))
            found.text = _xml("\n".join(_named(checked.regressed, str(v.rule.measure))))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _fails(checked: Checked, verdict: Verdict) -> bool:
    if verdict.outcome is Outcome.CANNOT_TELL:
        return checked.gate.blocks
    return verdict.outcome is Outcome.FAIL


def _named(regressed: Sequence[Regressed], measure: str) -> list[str]:
    own = [one for one in regressed if one.measure == measure]
    return [f"{one.query}: {one.text}: {_change(one)}" for one in own[:NAMED]]


def _xml(text: str) -> str:
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def keep(checked: Checked, found: dict[str, Any], workspace: Path | None) -> None:
    """Keep a check where it was made, for the dashboard."""
    name, at = checked.gate.name, (found["revision"], found["branch"], found["created"])
    checks.keep(open_workspace(workspace or checked.gate.cache), Check(name, *at, found))
