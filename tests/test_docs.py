"""The documentation names what there is, and its examples run."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from goldsets import cli
from goldsets.evaluation.spec import sweep_of
from goldsets.formats.registry import READERS, WRITERS, options_of
from goldsets.generation.filters import NAMES
from goldsets.generation.spec import KINDS, GenerationSpec, Thresholds, generation_of
from goldsets.reporting.gate import read_gate
from retrieval.pipeline import SLOTS, pipeline_of
from tests import docs

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ALL = "\n".join(p.read_text(encoding="utf-8") for p in DOCS)
WORKFLOWS = {"jobs", "retrieval"}
"""What tells the blocks that are for GitHub and GitLab."""
BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


def commands(group, name=""):
    """Every command with its options."""
    for part, command in group.commands.items():
        full = f"{name} {part}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, full)
        else:
            yield full, [o for p in command.params for o in p.opts if o.startswith("--")]


COMMANDS = dict(commands(get_command(cli.app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_named(name):
    assert f"pizza {name}" in ALL


@pytest.mark.parametrize("option", sorted({o for options in COMMANDS.values() for o in options}))
def test_every_option_is_named(option):
    assert option in ALL


@pytest.mark.parametrize("name", READERS)
def test_every_format_and_its_options_are_named(name):
    row = next(line for line in ALL.splitlines() if line.startswith(f"| `{name}`"))
    assert set(options_of(name)) <= set(re.findall(r"`(\w+)`", row))
    assert all(f"`{w}`" in ALL for w in WRITERS)


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_links_lead_somewhere(path):
    for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            found = path.parent / target if target else path
            assert found.exists(), target
            assert not anchor or anchor in anchors(found), f"{target}#{anchor}"


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [DOCS[0]]
    while waiting:
        page = waiting.pop().resolve()
        if page not in reached:
            reached.add(page)
            targets = re.findall(r"\]\(([^)#]+\.md)[)#]", page.read_text(encoding="utf-8"))
            waiting += [page.parent / t for t in targets if "://" not in t]
    assert set(DOCS) <= reached


def anchors(path):
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_command_line_of_the_docs_parses():
    lines = [
        found[1]
        for _, body in BLOCK.findall(ALL)
        for line in body.splitlines()
        if (found := re.match(r"\s*(?:- (?:run: )?)?(pizza .*)", line))
    ]
    assert len(lines) >= 5
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        name = max((n for n in COMMANDS if " ".join(words).startswith(n)), key=len)
        given = {w.split("=")[0] for w in words if w.startswith("--")}
        assert given <= set(COMMANDS[name]), line


def test_the_specs_of_the_docs_are_specs(tmp_path):
    blocks = [body for kind, body in BLOCK.findall(ALL) if kind == "yaml"]
    assert blocks
    for body in blocks:
        spec = yaml.safe_load(body)
        if "application" in spec:
            assert generation_of(spec).plain()
        elif "rules" in spec:
            (tmp_path / "gate.yaml").write_text(body, encoding="utf-8")
            assert read_gate(tmp_path / "gate.yaml").rules
        elif not WORKFLOWS & set(spec):
            assert len(sweep_of(spec).variants) > 1


def test_the_reference_of_stages_is_current():
    held = docs.PATH.read_text(encoding="utf-8")
    assert held == docs.reference(), f"docs/pipeline.md is out of date; run: {docs.COMMAND}"


def test_every_stage_has_its_docstring_fields_and_a_spec_that_builds():
    held = docs.PATH.read_text(encoding="utf-8")
    for slot, classes in SLOTS.items():
        part = held.split(f"\n## {slot}\n")[1].split("\n## ")[0]
        assert re.findall(r"^### (\w+)", part, re.M) == [c.__name__ for c in classes]
        for cls in classes:
            entry = part.split(f"### {cls.__name__}\n")[1].split("\n### ")[0]
            assert cls.__doc__.splitlines()[0] in entry
            assert set(re.findall(r"^\| `(\w+)`", entry, re.M)) == {f.name for f in fields(cls)}
            (spec,) = re.findall(rf"^`({slot}: .*)`$", entry, re.M)
            made = getattr(pipeline_of(yaml.safe_load(spec)), slot)
            assert made in (cls(), (cls(),))


def test_every_key_kind_and_filter_of_a_generation_is_named():
    page = (ROOT / "docs" / "generative-benchmarking.md").read_text(encoding="utf-8")
    keys = {f.name for spec in (GenerationSpec, Thresholds) for f in fields(spec)}
    assert {*keys, *KINDS, *NAMES} <= set(re.findall(r"`([^`\n]+)`", page))
