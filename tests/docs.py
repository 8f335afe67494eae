"""Write docs/pipeline.md from the stages themselves: python -m tests.docs."""

import dataclasses
import inspect
import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml

from retrieval import pipeline
from retrieval.pipeline import LISTS, OPTIONAL, SLOTS, Pipeline, full_spec
from retrieval.stage import Stage, field_types, full, stages_of

PATH = Path(__file__).parents[1] / "docs" / "pipeline.md"
COMMAND = "python -m tests.docs"
DIAGRAM = inspect.cleandoc(pipeline.__doc__ or "").split("\n\n")[1]
LONG = 40
"""Characters of a default beyond which only its beginning is shown."""

INTRO = f"""# The pipeline, stage by stage

```
{DIAGRAM}
```

Made from the docstrings and fields of the code by `{COMMAND}`; a test holds it current. A
spec names a stage for each slot, alone (`chunk: ByHeading`) or with fields (`chunk: {{ByHeading:
{{size: 200}}}}`); what is left out has its default. A sweep's `base` and `grid` take the same
words. `pool` is the number of candidates each first stage returns, {Pipeline().pool}
unless given."""

StageClass = type[Stage[Any]]


def reference() -> str:
    """Describe every slot and every stage it takes, then the stages that a field takes."""
    parts = [INTRO]
    for slot, classes in SLOTS.items():
        parts += [f"## {slot}", _about(slot)]
        parts += [_entry(cls, example(slot, cls)) for cls in classes]
    parts += ["## In a field", "Stages that stand in a field of another."]
    parts += [_entry(cls, "", f"In {', '.join(where)}.") for cls, where in _nested().items()]
    return "\n\n".join(parts) + "\n"


def example(slot: str, cls: StageClass) -> str:
    """Write a spec of one slot as YAML, with the fields that are short to write."""
    spec = full(cls())
    fields = spec[cls.__name__] if isinstance(spec, dict) else {}
    brief = {k: v for k, v in fields.items() if v not in (None, "", []) and len(str(v)) <= LONG}
    named = {cls.__name__: dict(list(brief.items())[:2])} if brief else cls.__name__
    return f"{slot}: {_flow([named] if slot in LISTS else named)}"


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


def _about(slot: str) -> str:
    held = full_spec(Pipeline())[slot]
    default = f"`{_flow(held)}`" if held else "none"
    kind = "Several may stand in a list. " if slot in LISTS else ""
    kind += "It may be left empty (`null`). " if slot in OPTIONAL else ""
    return f"{kind}Default: {default}."


def _entry(cls: StageClass, spec: str, where: str = "") -> str:
    rows = [
        f"| `{name}` | {_type(cls, name, hint)} | {_default(cls, name)} |"
        for name, hint in field_types(cls).items()
    ]
    table = "\n".join(["| field | takes | default |", "|---|---|---|", *rows]) if rows else ""
    said = inspect.cleandoc(cls.__doc__ or "")
    parts = [f"### {cls.__name__}", where, said, table, f"`{spec}`" if spec else ""]
    return "\n\n".join(filter(None, parts))


def _type(cls: StageClass, name: str, hint: Any) -> str:
    inside = stages_of(cls, name)
    return ", ".join(f"`{c.__name__}`" for c in inside) if inside else _words(hint)


def _words(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(f"`{_flow(v)}`" for v in get_args(hint))
    if isinstance(hint, types.UnionType):
        return " or ".join(map(_words, get_args(hint)))
    if get_origin(hint) is tuple:
        return f"a list of {_words(get_args(hint)[0])}"
    plain = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return plain.get(hint, "nothing" if hint is types.NoneType else str(hint))


def _default(cls: StageClass, name: str) -> str:
    spec = full(cls())
    fields = spec[cls.__name__] if isinstance(spec, dict) else {}
    text = json.dumps(fields.get(name, getattr(cls(), name)), ensure_ascii=False)
    return f"`{text}`" if len(text) <= 2 * LONG else f"`{text[:LONG]}`..."


def _nested() -> dict[StageClass, list[str]]:
    """Find the stages that fields take, with where they stand."""
    found: dict[StageClass, list[str]] = {}
    waiting = [cls for classes in SLOTS.values() for cls in classes]
    own = set(waiting)
    for cls in waiting:
        for inner, where in _inside(cls):
            if inner not in own and inner not in found:
                waiting.append(inner)
            if inner not in own:
                found.setdefault(inner, []).append(where)
    return found


def _inside(cls: StageClass) -> Iterator[tuple[StageClass, str]]:
    for field in dataclasses.fields(cls):
        for inner in stages_of(cls, field.name):
            yield inner, f"`{cls.__name__}.{field.name}`"


if __name__ == "__main__":
    PATH.write_text(reference(), encoding="utf-8")
