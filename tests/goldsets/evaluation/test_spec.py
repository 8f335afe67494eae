import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from goldsets.evaluation.measures import DEFAULT_MEASURES
from goldsets.evaluation.spec import MAX_VARIANTS, SweepSpec, read_sweep, sweep_of
from goldsets.outside.source import Http, ImportedRun
from retrieval.errors import InputError, PizzaError, SpecError
from retrieval.pipeline import Pipeline, pipeline_of

DENSE = {"first": ["Dense"]}
EXAMPLE = """
base: {chunk: Given, first: [{BM25: {k1: 0.9, b: 0.4, tokenize: Identifiers}}], fuse: RRF}
grid:
  chunk: [Given, {FixedTokens: {size: 200, overlap: 40}}, ByHeading]
  first: [[BM25], [Dense], [BM25, Dense]]
measures: [R@5, R@20, nDCG@10, "EvidenceRecall@4000tok"]
"""


def names(spec: dict[str, Any]) -> list[str]:
    return [v.name for v in sweep_of(spec).variants]


def test_the_example_is_nine_pipelines() -> None:
    spec = sweep_of(yaml.safe_load(EXAMPLE))
    assert [v.name for v in spec.variants] == [
        f"{chunk} · {first}"
        for chunk in ("Given", "FixedTokens", "ByHeading")
        for first in ("BM25", "Dense", "BM25 + Dense")
    ]
    assert [str(m) for m in spec.measures] == ["R@5", "R@20", "nDCG@10", "EvidenceRecall@4000tok"]
    assert spec.baseline == "Given · BM25"
    assert spec.row("Given · Dense") == 1
    chosen = {"chunk": {"FixedTokens": {"size": 200, "overlap": 40}}, "first": ["Dense"]}
    assert spec.variants[4].pipeline == pipeline_of(chosen)


def test_nothing_given_is_one_pipeline_and_the_default_measures() -> None:
    spec = sweep_of({})
    assert [v.pipeline for v in spec.variants] == [Pipeline()]
    assert spec.variants[0].name == "FixedTokens · BM25"
    assert spec.measures == DEFAULT_MEASURES


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        ({"contextualize": [None, "Headings"]}, ["plain", "Headings"]),
        ({"pool": [10, 20]}, ["pool 10", "pool 20"]),
        (
            {"chunk": [{"FixedTokens": {"size": 200}}, {"FixedTokens": {"size": 300}}]},
            ["FixedTokens(size=200)", "FixedTokens(size=300)"],
        ),
        (
            {"first": [["BM25"], [{"BM25": {"tokenize": {"Words": {"stem": True}}}}]]},
            ["BM25", "BM25(tokenize=Words(stem=True))"],
        ),
        (
            {"filter": [None, {"Equals": {"field": "lang", "value": "ko"}}]},
            ["plain", "lang = ko"],
        ),
        (
            {
                "filter": [
                    "none",
                    [{"Range": {"field": "year", "low": 2024}}, {"Not": {"filter": "Exists"}}],
                ],
                "first": [["Regex"], ["BM25", {"Regex": {"pattern": "E\\d"}}]],
            },
            [
                "Regex",
                "BM25 + Regex(pattern=E\\d)",
                "year 2024.. + not has id · Regex",
                "year 2024.. + not has id · BM25 + Regex(pattern=E\\d)",
            ],
        ),
        (
            {
                "rewrite": [None, "HyDE", {"Synonyms": {"table": "gc: garbage\ncpu: processor\n"}}],
                "first": [["BM25"], ["Dense"]],
            },
            [
                "BM25",
                "Dense",
                "HyDE · Dense",
                "Synonyms · BM25",
                "Synonyms · Dense",
            ],
        ),
        (
            {"chunk": ["Given", "ByHeading"], "contextualize": [None, "Headings"]},
            ["Given", "Given · Headings", "ByHeading", "ByHeading · Headings"],
        ),
    ],
)
def test_variants_are_named_by_what_differs(grid: dict[str, Any], expected: list[str]) -> None:
    assert names({"grid": grid}) == expected


def test_names_tell_all_variants_apart() -> None:
    found = names(
        {
            "grid": {
                "chunk": [
                    {"FixedTokens": {"size": s, "overlap": o}} for s in (9, 99) for o in (0, 1)
                ],
                "contextualize": [None, "Headings"],
                "first": [
                    *(
                        [{"BM25": {"k1": k, "tokenize": t}}]
                        for k in (1, 1.25)
                        for t in ("Words", "Identifiers")
                    ),
                    ["Dense"],
                    ["BM25", "Dense"],
                ],
                "fuse": ["RRF", {"RRF": {"k": 10}}],
            }
        }
    )
    assert len(set(found)) == len(found) == 4 * 2 * 7
    assert all(found)


def test_long_texts_are_cut_in_names_and_told_apart() -> None:
    prompts = [f"Write on {{query}} {'at length, ' * 20}{end}." for end in ("a", "b")]
    found = names({"grid": {"rewrite": [{"HyDE": {"prompt": p}} for p in prompts]}, "base": DENSE})
    assert len(set(found)) == 2
    assert all(n.startswith("HyDE(prompt=Write on {query} at length") for n in found)
    assert all(len(n) < 70 for n in found)


def test_pipelines_that_cannot_differ_are_one_variant() -> None:
    assert names({"grid": {"first": [["BM25"]], "fuse": ["RRF", "Weighted"]}}) == [
        "FixedTokens · BM25"
    ]
    assert len(names({"grid": {"chunk": ["Given", "Given", {"Given": None}]}})) == 1


def test_the_baseline_by_name_or_by_slots() -> None:
    grid = {"chunk": ["Given", "ByHeading"], "first": [["BM25"], ["Dense"]]}
    by_name = sweep_of({"grid": grid, "baseline": "ByHeading · Dense"})
    by_slots = sweep_of(
        {"base": {"first": ["Dense"]}, "grid": grid, "baseline": {"chunk": "ByHeading"}}
    )
    assert by_name.baseline == by_slots.baseline == "ByHeading · Dense"
    assert len(by_slots.variants) == 4


def test_a_baseline_outside_the_grid_is_run_as_well() -> None:
    spec = sweep_of({"grid": {"chunk": ["Given", "ByHeading"]}, "baseline": {"chunk": "Recursive"}})
    assert [v.name for v in spec.variants] == ["baseline", "Given", "ByHeading"]
    assert spec.baseline == "baseline"
    assert spec.variants[0].pipeline == pipeline_of({"chunk": "Recursive"})


@pytest.mark.parametrize("source", [yaml.safe_load(EXAMPLE), {}, {"grid": {"pool": [1, 2]}}])
def test_a_plain_spec_is_json_and_makes_the_same_sweep(source: Any) -> None:
    spec = sweep_of(source)
    plain = json.loads(json.dumps(spec.plain()))
    assert sweep_of(plain) == spec
    assert sweep_of(plain).plain() == plain
    assert isinstance(spec, SweepSpec)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (None, "a sweep is a mapping"),
        ([], "a sweep is a mapping"),
        ({"gird": {}}, "no key 'gird'; did you mean 'grid'"),
        ({"base": ["BM25"]}, "base takes a mapping"),
        ({"base": {"chunker": "Given"}}, "no slot 'chunker'; did you mean 'chunk'"),
        ({"grid": {"chunker": ["Given"]}}, "no slot 'chunker'; did you mean 'chunk'"),
        ({"grid": {"chunk": "Given"}}, "grid.chunk takes a list"),
        ({"grid": {"chunk": []}}, "grid.chunk takes a list"),
        ({"grid": {"chunk": ["Givn"]}}, "did you mean 'Given'? known: Given, FixedTokens"),
        ({"grid": {"chunk": [{"FixedTokens": {"sise": 9}}]}}, "did you mean 'size'"),
        ({"grid": {"chunk": [{"FixedTokens": {"size": 0}}]}}, "FixedTokens.size must be"),
        ({"grid": {"first": [[]]}}, "first needs at least one stage"),
        ({"grid": {"pool": ["many"]}}, "pool takes a number"),
        ({"grid": {"pool": list(range(1, 51)), "chunk": ["Given"] * 50}}, "2,500 variants"),
        ({"measures": "R@5"}, "measures takes a list"),
        ({"measures": []}, "measures takes a list"),
        ({"measures": [5]}, "5 is not a measure"),
        ({"measures": ["Recal@5"]}, "no measure 'Recal'"),
        ({"baseline": "Given"}, "the baseline 'Given' is no variant"),
        ({"baseline": ["Given"]}, "baseline takes a mapping"),
        ({"baseline": {"chnk": "Given"}}, "no slot 'chnk'; did you mean 'chunk'"),
        ({"variants": {}}, "at least one variant"),
        ({"variants": {"a": "Given"}}, "variants.a takes a mapping"),
        ({"variants": {"FixedTokens · BM25": {}}, "grid": {}}, "two variants are called"),
        ({"variants": {"a": {"http": {"url": "ftp://x/"}}}}, "not an http or https address"),
        ({"variants": {"a": {"http": "http://h/", "chunk": "Given"}}}, "'chunk' cannot go with it"),
        ({"variants": {"a": {"http": {"url": "http://h/", "k": 0}}}}, "Http.k must be from 1"),
        ({"variants": {"a": {"http": {"uri": "http://h/"}}}}, "did you mean 'url'"),
        ({"variants": {"a": {"http": 5}}}, "http takes a name or"),
        ({"variants": {"a": {"run": "x"}}, "baseline": "b"}, "the baseline 'b' is no variant"),
    ],
)
def test_a_wrong_spec_is_refused_with_what_is_right(spec: Any, says: str) -> None:
    with pytest.raises(SpecError) as error:
        sweep_of(spec)
    assert says in str(error.value)


OURS = {
    "ours": {"http": "http://localhost:8000/search"},
    "theirs": {"run": {"name": "solr"}},
    "own": {"chunk": "Given"},
}


def test_variants_by_name_stand_beside_the_grid() -> None:
    spec = sweep_of({"grid": {"chunk": ["Given", "ByHeading"]}, "variants": OURS})
    assert [v.name for v in spec.variants] == ["Given", "ByHeading", "ours", "theirs", "own"]
    assert spec.variants[2].source == Http(url="http://localhost:8000/search")
    assert spec.variants[3].source == ImportedRun(name="solr")
    assert spec.baseline == "Given"
    assert sweep_of(json.loads(json.dumps(spec.plain()))) == spec


def test_the_baseline_by_slots_is_a_pipeline_among_retrievers_from_outside() -> None:
    spec = sweep_of({"variants": OURS, "baseline": {"chunk": "ByHeading"}})
    assert [v.name for v in spec.variants] == ["baseline", *OURS]
    assert spec.variants[0].pipeline == pipeline_of({"chunk": "ByHeading"})
    with pytest.raises(PizzaError, match="'ours' is from outside: its stages cannot be seen"):
        spec.variants[1].pipeline  # noqa: B018


def test_the_limit_of_a_sweep_is_inclusive() -> None:
    pools = list(range(1, MAX_VARIANTS + 1))
    assert len(sweep_of({"grid": {"pool": pools}}).variants) == MAX_VARIANTS


def test_a_file_of_yaml_or_json(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(EXAMPLE, encoding="utf-8")
    assert read_sweep(path) == sweep_of(yaml.safe_load(EXAMPLE))
    path.write_text(json.dumps(read_sweep(path).plain()), encoding="utf-8")
    assert read_sweep(path) == sweep_of(yaml.safe_load(EXAMPLE))


@pytest.mark.parametrize("content", [b"grid: [", b"\xff\xfe\xff", None])
def test_a_file_that_cannot_be_read_is_named_in_one_line(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "sweep.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_sweep(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_bare_name_in_the_grid_is_the_stage_of_the_base():
    own = {"BM25": {"k1": 0.9, "tokenize": "Identifiers"}}
    grid = {"first": [["BM25"], ["BM25", "Dense"], [{"BM25": {}}]]}
    spec = sweep_of({"base": {"first": [own]}, "grid": grid, "baseline": {"first": "BM25"}})
    configured, both, default = (v.pipeline.first for v in spec.variants)
    assert configured[0] == both[0] == pipeline_of({"first": [own]}).first[0]
    assert default[0] == pipeline_of({"first": ["BM25"]}).first[0]
    assert spec.baseline == spec.variants[0].name


def test_enrichers_are_named_where_filtered_pipelines_differ_in_them() -> None:
    filters = ["none", [{"Exists": {"field": "dates"}}]]
    same = sweep_of({"base": {"enrich": ["Dates", "Language"]}, "grid": {"filter": filters}})
    assert [v.name for v in same.variants] == ["plain", "has dates"]
    grid = {"filter": filters, "enrich": [["Dates"], ["Dates", "Language"]]}
    assert [v.name for v in sweep_of({"grid": grid}).variants] == [
        "plain",
        "Dates · has dates",
        "Dates + Language · has dates",
    ]
