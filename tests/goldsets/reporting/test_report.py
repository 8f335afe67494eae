"""Reports: the numbers are the sweep's, what is hostile stays text, a tampered number is named."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest
from typer.testing import CliRunner

from goldsets import cli, sample
from goldsets.evaluation.words import interval, points, verdict
from goldsets.reporting import plots
from goldsets.reporting.facts import asked_of, facts, shown
from goldsets.reporting.phrases import LANGUAGES, WORDS, Phrases
from goldsets.reporting.report import FORMATS, altered, rendered
from goldsets.reporting.verify import verify
from goldsets.store import gold, open_workspace, runs
from goldsets.types import Query
from retrieval.errors import InputError
from retrieval.store import Workspace
from tests.pages.sweeping import LEXICAL, swept

pytestmark = pytest.mark.slow

EVIL = "</script><script>alert(1)</script> <b>*bold*</b> | =1+1"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = open_workspace(tmp_path_factory.mktemp("report"))
    sample.load(made)
    gold.put_query(made, sample.NAME, Query("evil", EVIL), "somebody")
    text = gold.read(made, sample.NAME)
    piece = next(iter(text.evidence.values()))[0]
    gold.judge(made, sample.NAME, "evil", piece, "somebody")
    swept(made, sample.NAME, LEXICAL)
    return made


@pytest.fixture(scope="module")
def found(workspace: Workspace) -> dict[str, Any]:
    return facts(workspace, asked_of(workspace, seed=3), "2026-01-01T00:00:00+00:00")


def has_pango() -> bool:
    try:
        import weasyprint  # noqa: F401
    except OSError:
        return False
    return True


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(cli.app, ["report", *map(str, words)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_the_numbers_are_those_of_the_sweep(workspace: Workspace, found: dict[str, Any]) -> None:
    (result,) = runs.sweeps(workspace)
    assert found["variants"][0]["name"] == result["baseline"]
    rows = {row["run"]: row for row in result["variants"]}
    assert len(rows) == len(found["variants"])
    for own in found["variants"]:
        row = rows[own["run"]]
        assert own["measures"] == row["measures"]
        for measure, difference in own["differences"].items():
            assert difference == row["differences"][measure]
        assert own["cost_usd"] == row["cost_usd"]
        assert own["tokens"] == pytest.approx(row["tokens_at"][str(own["tokens_k"])], abs=0.06)
    values = found["values"][found["variants"][0]["run"]]["R@5"]
    defined = [v for v in values.values() if v is not None]
    mean = found["variants"][0]["measures"]["R@5"]["mean"]
    assert sum(defined) / len(defined) == pytest.approx(mean)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "9 queries: 3 written by a model, 1 of these by the offline stand-in, 1 reviewed,"),
        ("ko", "질의 9개: 3개는 모델이 작성, 그중 1개는 오프라인 대역이 작성, 1개 검토됨,"),
    ],
)
def test_queries_that_nobody_asked_are_counted_reviewed_and_not(
    language: str, told: str, found: dict[str, Any]
) -> None:
    assert told not in rendered(found, "html", language).decode()
    origins = {"written": 6, "offline stand-in": 1, "synthetic": 1, "synthetic, reviewed": 1}
    counts = {**found["goldset"], "queries": 9, "synthetic": 3, "origins": origins}
    for format_ in ("html", "md"):
        text = rendered({**found, "goldset": counts}, format_, language).decode()
        assert told in text.replace("\\", "")


def test_html_carries_its_facts_and_nothing_from_outside(found: dict[str, Any]) -> None:
    html = rendered(found, "html").decode()
    assert html.count("<script") == 2  # the facts, and ours
    assert "alert(1)</script>" not in html
    assert "src=" not in html
    assert "@import" not in html
    assert "http://www.w3.org/2000/svg" in html
    assert html.replace("http://www.w3.org/2000/svg", "").count("http") == html.count("http-equiv")
    assert "Content-Security-Policy" in html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("format_", FORMATS)
def test_every_form_says_who_leads_and_nothing_of_this_machine(
    format_: str, language: str, found: dict[str, Any], workspace: Workspace
) -> None:
    if format_ == "pdf" and not has_pango():
        pytest.skip("Pango, a library of the system that makes PDF, is not installed")
    made = rendered(found, format_, language)
    if format_ == "pdf":
        assert made.startswith(b"%PDF")
        pages = pypdf.PdfReader(io.BytesIO(made)).pages
        text = " ".join(page.extract_text() for page in pages)
        assert {*drawn(pages)} >= {*found["tints"]}
        assert WORDS["fine"][language == "ko"].replace(" ", "") in text.replace(" ", "")
    else:
        text = made.decode()
        leader = found["variants"][found["leader"]]
        assert leader["name"].replace("_", r"\_") in text or leader["name"] in text
    assert str(workspace.path) not in text
    assert "somebody" not in text


def test_markdown_is_a_table_in_which_nothing_breaks_out(found: dict[str, Any]) -> None:
    text = rendered(found, "md").decode()
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({line.replace(r"\|", "").count("|") for line in rows}) == 1
    assert len(rows) == len(found["variants"]) + 1
    assert "<script>" not in text.replace(r"\<script\>", "")


def test_csv_has_every_value_and_counts_them(found: dict[str, Any]) -> None:
    every = list(csv.reader(io.StringIO(rendered(found, "csv").decode())))
    head, rows, last = every[0], every[1:-1], every[-1]
    assert (last[0], int(last[1])) == ("rows", len(rows))
    number = len(found["variants"]) * len(found["measures"]) * found["goldset"]["queries"]
    assert len(rows) == number
    for row in rows:
        run_, _, measure, query, value = row
        said = found["values"][run_][measure][query]
        assert (None if value == "" else float(value)) == said
    assert head == ["run", "pipeline", "measure", "query", "value"]


def test_a_name_is_no_formula(found: dict[str, Any]) -> None:
    renamed = {**found, "variants": [{**v, "name": "=1+1"} for v in found["variants"]]}
    rows = list(csv.reader(io.StringIO(rendered(renamed, "csv").decode())))
    assert {row[1] for row in rows[1:-1]} == {"'=1+1"}


def test_verification_passes_and_names_a_tampered_number(
    tmp_path: Path, workspace: Workspace, found: dict[str, Any]
) -> None:
    for form in ("html", "json"):
        path = tmp_path / f"report.{form}"
        path.write_bytes(rendered(found, form))
        assert run("--verify", path, "--workspace", workspace.path) == (
            0,
            f"report.{form}: every number is as it was\n",
        )
    page = rendered(found, "html", "ko").decode()
    mean = points(found["variants"][found["leader"]]["measures"]["R@5"]["mean"])
    assert f">{mean} (" in page
    path.with_suffix(".html").write_text(page.replace(f">{mean} (", ">99.9 (", 1), encoding="utf-8")
    code, said = run("--verify", path.with_suffix(".html"), "--workspace", workspace.path)
    assert (code, "page: it says " in said, ">99.9 (" in said, f">{mean} (" in said) == (
        1,
        *[True] * 3,
    )
    wrong = json.loads(json.dumps(found))
    wrong["variants"][1]["measures"]["R@5"]["mean"] += 0.01
    query = next(q for q, v in wrong["values"][found["variants"][0]["run"]]["R@5"].items() if v)
    wrong["values"][found["variants"][0]["run"]]["R@5"][query] = 0.25
    path.write_text(json.dumps(wrong), encoding="utf-8")
    code, said = run("--verify", path, "--workspace", workspace.path)
    assert (code, "2 numbers differ" in said) == (1, True)
    assert said.startswith("variants[1].measures.R@5.mean:")


def test_a_report_with_anything_in_it_is_verified_in_a_sentence(
    tmp_path: Path, workspace: Workspace, found: dict[str, Any]
) -> None:
    odd = {**found, "goldset": {**found["goldset"], "origins": []}}
    (tmp_path / "odd.html").write_bytes(rendered(found, "html"))
    (said,) = altered(tmp_path / "odd.html", odd)
    assert said.startswith("page: it says ")
    with pytest.raises(InputError, match="whole"):
        list(verify(workspace, {**found, "asked": {}}))


def drawn(pages: Iterable[pypdf.PageObject]) -> Iterator[str]:
    """Return the colours with which anything is filled on some pages."""
    for page in pages:
        content = page.get_contents()
        assert content is not None
        for colour in re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) rg\b", content.get_data()):
            yield "#" + "".join(f"{round(255 * float(part)):02x}" for part in colour)


def test_many_pipelines_are_drawn_on_several_plots_of_one_scale(found: dict[str, Any]) -> None:
    many = [{**found["variants"][i % 4], "letter": f"L{i}"} for i in range(80)]
    made = plots.forest(many, "R@5", 0, ["#123456"] * 80)
    parts = [ET.fromstring(f"{part}</svg>") for part in made.split("</svg>")[:-1]]
    rows = [[e for e in part if e.get("data-v")] for part in parts]
    assert [len(own) for own in rows] == [36, 36, 8]
    assert max(float(part.get("viewBox", "").split()[3]) for part in parts) < 1.2 * plots.WIDTH
    grids = {tuple(e.get("x1") for e in part if e.get("class") == "grid") for part in parts}
    assert len(grids) == 1


@pytest.mark.parametrize("text", ["", "<html></html>", "[]", '{"format": "else"}'])
def test_what_is_no_report_is_said(tmp_path: Path, workspace: Workspace, text: str) -> None:
    path = tmp_path / "other.html"
    path.write_text(text, encoding="utf-8")
    code, said = run("--verify", path, "--workspace", workspace.path)
    assert (code, said.startswith("pizza: ")) == (2, True)


def test_some_runs_by_some_measures(tmp_path: Path, workspace: Workspace) -> None:
    (result,) = runs.sweeps(workspace)
    names = [v["name"] for v in result["variants"][:2]]
    out = tmp_path / "two.json"
    words = (*names, "--measure", "nDCG@10", "--out", out, "--workspace", workspace.path)
    assert run(*words, "--names", "--question", "Which?")[0] == 0
    made = json.loads(out.read_text(encoding="utf-8"))
    assert [v["name"] for v in made["variants"]] == names
    assert [m["name"] for m in made["measures"]] == ["nDCG@10"]
    assert (made["lost"], made["question"]) == (None, "Which?")
    assert "somebody" in {r["name"] for r in made["goldset"]["raters"]}
    code, said = run("nobody", "--workspace", workspace.path)
    assert (code, "nobody" in said) == (2, True)
    code, said = run("--sweep", "99", "--workspace", workspace.path)
    assert (code, "no such sweep has finished" in said) == (2, True)


def test_an_unknown_form_or_language_is_said(found: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="docx"):
        rendered(found, "docx")
    with pytest.raises(InputError, match="fr"):
        rendered(found, "html", "fr")


def test_a_folder_of_a_machine_is_not_shown() -> None:
    spec = {"embed": {"FastEmbed": {"folder": "/home/me/models/bge", "model": "bge"}}, "a": [1]}
    assert shown(spec) == {"embed": {"FastEmbed": {"folder": "bge", "model": "bge"}}, "a": [1]}


def test_every_phrase_stands_in_both_languages() -> None:
    for english, korean in WORDS.values():
        assert any("가" <= c <= "힣" for c in korean) or korean == english
        assert english.count("{") == korean.count("{")


def test_verdicts_in_korean_say_what_the_english_ones_do(found: dict[str, Any]) -> None:
    korean, english = Phrases("ko"), Phrases("en")
    for row in found["variants"][1:]:
        e = row["differences"]["R@5"]
        assert english.verdict(e) == verdict(e)
        assert english.interval(row["measures"]["R@5"]) == interval(row["measures"]["R@5"])
        unsure = verdict(e).startswith("cannot tell")
        assert korean.verdict(e).startswith("알 수 없음") == unsure
        assert ("점 나음" in korean.verdict(e)) == verdict(e).startswith("better")


@pytest.mark.parametrize(
    ("low", "high"), [(0, 100), (53.3, 61.9), (0, 0.004), (12, 12), (0, 98765)]
)
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    found = plots.ticks(low, high)
    assert all(low - 1e-6 <= t <= high + 1e-6 for t in found)
    assert len(found) <= 8


def test_plots_are_well_formed_and_in_order(found: dict[str, Any]) -> None:
    forest = ET.fromstring(plots.forest(found["variants"], "R@5", found["leader"], found["tints"]))
    space = "{http://www.w3.org/2000/svg}"
    dots = [float(c.get("cx", "nan")) for c in forest.iter(f"{space}circle")]
    assert dots == sorted(dots, reverse=True)
    assert len(dots) == len(found["variants"])
    frontier = ET.fromstring(plots.frontier(found["variants"], "R@5", "tokens", found["tints"]))
    assert len(list(frontier.iter(f"{space}circle"))) == len(found["variants"])
    assert (
        plots.bars([]) == plots.frontier(found["variants"][:1], "R@5", "", found["tints"][:1]) == ""
    )
    evil = plots.bars([(EVIL, 3, EVIL)])
    assert "<script" not in evil
    ET.fromstring(evil)
