"""The sweep's spec: a base pipeline, a grid of options a slot, measures and a baseline.

    base: {chunk: Given, first: [{BM25: {k1: 0.9, tokenize: Identifiers}}], fuse: RRF}
    grid:
      chunk: [Given, {FixedTokens: {size: 200, overlap: 40}}, ByHeading]
      first: [[BM25], [Dense], [BM25, Dense]]
    measures: [R@5, R@20, nDCG@10, "EvidenceRecall@4000tok"]
    baseline: {chunk: Given, first: [BM25]}     # or a variant's name; else the first variant
    variants: {ours: {http: "http://localhost:8000/search"}}    # by name, besides the grid

A stage that the grid or the baseline names without fields is the base's where the base has one of
that name, so `BM25` above is the one with k1 = 0.9; `{BM25: {}}` is the default.
"""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldsets.evaluation.measures import DEFAULT_MEASURES, Measure, parse_measure
from goldsets.outside.source import Source, source_of, source_spec
from retrieval.errors import InputError, PizzaError, SpecError, one_of
from retrieval.pipeline import Pipeline, pipeline_of, slot_value
from retrieval.stage import Stage, full, short
from retrieval.types import digest

KEYS = ("base", "grid", "variants", "measures", "baseline")
MAX_VARIANTS = 2_000
LONGEST = 40
"""Characters of a field in a name; a prompt has more."""


@dataclass(frozen=True)
class Variant:
    """A pipeline, or a retriever from outside, with a name."""

    name: str
    source: Source

    @property
    def pipeline(self) -> Pipeline:
        """Return its pipeline.

        Raises:
            PizzaError: it is a retriever from outside, whose stages nobody sees.
        """
        if isinstance(self.source, Pipeline):
            return self.source
        raise PizzaError(f"{self.name!r} is from outside: its stages cannot be seen or changed")


@dataclass(frozen=True)
class SweepSpec:
    """What to compare, by which measures, against what."""

    variants: tuple[Variant, ...]
    measures: tuple[Measure, ...]
    baseline: str

    def row(self, name: str) -> int:
        """Return a variant's position."""
        return next(i for i, v in enumerate(self.variants) if v.name == name)

    def plain(self) -> dict[str, Any]:
        """Return the spec as JSON with every field, the variants spelled out."""
        return {
            "variants": {v.name: source_spec(v.source) for v in self.variants},
            "measures": [str(m) for m in self.measures],
            "baseline": self.baseline,
        }


def sweep_of(spec: Any) -> SweepSpec:
    """Make a sweep from its spec (as read from YAML or JSON, or from `plain`).

    Raises:
        SpecError: an unknown key, slot, stage, field or measure, or too many variants.
    """
    if not isinstance(spec, Mapping):
        raise SpecError(f"a sweep is a mapping with the keys {', '.join(KEYS)}, not {spec!r}")
    for key in spec:
        if key not in KEYS:
            raise SpecError(f"a sweep has no key {key!r}{one_of(str(key), KEYS, 'key')}")
    by_name = _by_name(spec.get("variants"))
    swept = not {"base", "grid"}.isdisjoint(spec) or "variants" not in spec
    base = pipeline_of(_mapping(spec.get("base"), "base"))
    variants = (*(_of_grid(base, spec.get("grid")) if swept else ()), *by_name)
    if not variants:
        raise SpecError("a sweep needs at least one variant")
    if len({v.name for v in variants}) < len(variants):
        twice = next(name for name, n in Counter(v.name for v in variants).items() if n > 1)
        raise SpecError(f"two variants are called {twice!r}; name the one under variants otherwise")
    measures, own = _measures(spec.get("measures")), (v.source for v in by_name)
    if not swept:
        base = next((source for source in own if isinstance(source, Pipeline)), base)
    return _with_baseline(base, variants, measures, spec.get("baseline"))


def _by_name(given: Any) -> tuple[Variant, ...]:
    return tuple(
        Variant(str(name), source_of(_mapping(source, f"variants.{name}")))
        for name, source in _mapping(given, "variants").items()
    )


def _of_grid(base: Pipeline, given: Any) -> tuple[Variant, ...]:
    """Vary a base by every choice of options."""
    grid = {s: _options(base, s, o) for s, o in _mapping(given, "grid").items()}
    count = 1
    for options in grid.values():
        count *= len(options)
    if count > MAX_VARIANTS:
        raise SpecError(
            f"the grid has {count:,} variants; {MAX_VARIANTS:,} is the limit of a sweep"
        )
    return named(
        dataclasses.replace(base, **dict(zip(grid, choice, strict=True))).effective()
        for choice in itertools.product(*grid.values())
    )


def read_sweep(path: Path) -> SweepSpec:
    """Read a sweep's spec from a YAML or JSON file.

    Raises:
        InputError: the file is missing or is not YAML.
        SpecError: it is not a sweep.
    """
    return sweep_of(read_yaml(path))


def read_yaml(path: Path) -> Any:
    """Read a YAML or JSON file.

    Raises:
        InputError: the file is missing or is not YAML.
    """
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"cannot be read ({e})", where=str(path)) from e
    except yaml.YAMLError as e:
        raise InputError(f"is not YAML ({' '.join(str(e).split())})", where=str(path)) from e


def named(pipelines: Iterable[Pipeline]) -> tuple[Variant, ...]:
    """Name pipelines by the slots in which they differ; equal ones are one variant.

    Enrichers that all have where there is a filter are not named: without one they do not matter.
    """
    distinct = list(dict.fromkeys(pipelines))
    varied = [
        f.name
        for f in dataclasses.fields(Pipeline)
        if len({getattr(p, f.name) for p in distinct if f.name != "enrich" or p.filter}) > 1
    ]
    slots = varied or ["chunk", "first"]
    forms = {stage for p in distinct for slot in slots for stage in _stages(p, slot)}
    several = Counter(type(stage).__name__ for stage in forms)
    return tuple(Variant(_name(p, slots, several), p) for p in distinct)


def _stages(pipeline: Pipeline, slot: str) -> list[Stage[Any]]:
    value = getattr(pipeline, slot)
    return [s for s in (value if isinstance(value, tuple) else (value,)) if isinstance(s, Stage)]


def _name(pipeline: Pipeline, slots: Iterable[str], several: Mapping[str, int]) -> str:
    """Join the slots' labels; a stage's fields are named where it comes in several forms."""
    parts = []
    for slot in slots:
        if slot in pipeline.idle:
            continue
        stages, value = _stages(pipeline, slot), getattr(pipeline, slot)
        labels = [
            stage_label(s) if several[type(s).__name__] > 1 else s.label or type(s).__name__
            for s in stages
        ]
        if labels:
            parts.append(" + ".join(labels))
        elif value not in (None, ()):
            parts.append(f"{slot} {value}")
    return " · ".join(parts) or "plain"


def variant_name(pipeline: Pipeline, slots: Iterable[str]) -> str:
    """Name a pipeline by some of its slots, with the fields that are not default."""
    stages = (stage for slot in slots for stage in _stages(pipeline, slot))
    return " · ".join(stage_label(stage) for stage in stages)


def stage_label(stage: Stage[Any]) -> str:
    """Name a stage with the fields that are not default: `FixedTokens(size=200, overlap=40)`."""
    return stage.label or _brief(short(stage))


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        ((name, fields),) = value.items()
        return f"{name}({', '.join(f'{k}={_brief(v)}' for k, v in fields.items())})"
    if isinstance(value, list):
        return "/".join(_brief(v) for v in value)
    if isinstance(value, str) and (len(value) > LONGEST or "\n" in value):
        return f"{' '.join(value.split())[:LONGEST]}…{digest(value)[:4]}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise SpecError(f"{key} takes a mapping from slot to stages, not {value!r}")
    return value


def _options(base: Pipeline, slot: str, options: Any) -> list[Any]:
    _known_slot(slot)
    if not isinstance(options, list) or not options:
        raise SpecError(f"grid.{slot} takes a list of options, not {options!r}")
    return [slot_value(slot, _as_in(base, slot, option)) for option in options]


def _as_in(base: Pipeline, slot: str, option: Any) -> Any:
    """Give stages that are named without fields those of the base's stage of that name."""
    own = {type(stage).__name__: full(stage) for stage in _stages(base, slot)}
    if isinstance(option, list):
        return [_as_in(base, slot, o) for o in option]
    return own.get(option, option) if isinstance(option, str) else option


def _known_slot(slot: str) -> None:
    if slot not in {f.name for f in dataclasses.fields(Pipeline)}:
        pipeline_of({slot: None})  # raises, and lists the slots


def _measures(names: Any) -> tuple[Measure, ...]:
    if names is None:
        return DEFAULT_MEASURES
    if not isinstance(names, list) or not names:
        raise SpecError(f"measures takes a list like [R@20, nDCG@10], not {names!r}")
    return tuple(dict.fromkeys(parse_measure(name) for name in names))


def _with_baseline(
    base: Pipeline, variants: tuple[Variant, ...], measures: tuple[Measure, ...], baseline: Any
) -> SweepSpec:
    names = [v.name for v in variants]
    if baseline is None:
        return SweepSpec(variants, measures, names[0])
    if isinstance(baseline, str):
        if baseline not in names:
            raise SpecError(f"the baseline {baseline!r} is no variant{one_of(baseline, names)}")
        return SweepSpec(variants, measures, baseline)
    slots = _mapping(baseline, "baseline")
    for slot in slots:
        _known_slot(slot)
    changes = {s: slot_value(s, _as_in(base, s, v)) for s, v in slots.items()}
    pipeline = dataclasses.replace(base, **changes).effective()
    for variant in variants:
        if variant.source == pipeline:
            return SweepSpec(variants, measures, variant.name)
    return SweepSpec((Variant("baseline", pipeline), *variants), measures, "baseline")
