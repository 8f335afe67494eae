"""Forms made from the stages themselves: their fields, types and docstrings."""

import dataclasses
import json
import re
import types
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Literal, get_args, get_origin

import streamlit as st

from goldsets.evaluation.measures import DEFAULT_MEASURES, parse_measure
from goldsets.evaluation.spec import SweepSpec, stage_label, sweep_of
from goldsets.sample import SWEEP
from pages.ui import frame
from retrieval.errors import SpecError
from retrieval.pipeline import LISTS, SLOTS, slot_value
from retrieval.stage import Stage, field_types, short, stages_of

GRID_SLOTS = {
    "chunk": "Chunk",
    "enrich": "Fields for filters",
    "contextualize": "Context beside each chunk",
    "filter": "Filter",
    "rewrite": "Rewrite queries",
    "first": "First stage",
    "embed": "Embedding model",
    "fuse": "Fuse",
    "rerank": "Rerank",
    "assemble": "Assemble",
}
CITED = """<passage-{mark} {number}>
source: {title}#{anchor}

{text}
</passage-{mark}>"""
"""A template that tells a reader what to cite, and that no text of a document can end."""

START: Mapping[str, Sequence[Any]] = {
    "chunk": SWEEP["grid"]["chunk"],
    "enrich": [None],
    "contextualize": [None, "Headings"],
    "filter": [None],
    "rewrite": [None],
    "first": SWEEP["grid"]["first"],
    "embed": ["Local"],
    "fuse": ["RRF"],
    "rerank": [None],
    "assemble": ["InRankOrder"],
}
OFFERED: Mapping[str, Sequence[Any]] = {
    "chunk": [
        "Given",
        {"FixedTokens": {"size": 200}},
        {"FixedTokens": {"size": 200, "overlap": 40}},
        "FixedTokens",
        {"FixedTokens": {"size": 800}},
        "BySentence",
        {"ByHeading": {"size": 200}},
        "ByHeading",
        {"Recursive": {"size": 200}},
        "Recursive",
        "Semantic",
    ],
    "enrich": [None, ["Dates"], ["Language"], ["Symbols"], ["Sections"]],
    "contextualize": [None, "Headings"],
    "filter": [None],
    "rewrite": [None, "MultiQuery", "HyDE"],
    "first": [
        [{"BM25": {"tokenize": "Identifiers"}}],
        ["BM25"],
        [{"BM25": {"tokenize": "HangulBigrams"}}],
        ["Dense"],
        [{"BM25": {"tokenize": "Identifiers"}}, "Dense"],
        [{"BM25": {"tokenize": "HangulBigrams"}}, "Dense"],
        ["Regex"],
        [{"BM25": {"tokenize": "Identifiers"}}, "Regex"],
    ],
    "embed": [
        "Local",
        {"Local": {"model": "e5-small"}},
        *("FastEmbed", "Voyage", "Cohere", "Gemini", "OpenAI"),
    ],
    "fuse": ["RRF", {"RRF": {"k": 0, "weights": [0.5, 0.5]}}, "Weighted"],
    "rerank": [
        None,
        {"Rescore": {"late": 0}},
        *("Rescore", "MaxSim", "CrossEncoder"),
        *("VoyageRerank", "CohereRerank", "Pointwise", "Listwise"),
    ],
    "assemble": [
        "InRankOrder",
        "Context",
        {"Context": {"max_tokens": 4000}},
        {"Context": {"max_tokens": 4000, "neighbours": 1}},
        {"Context": {"max_tokens": 4000, "order": "edges"}},
        {"Context": {"max_tokens": 4000, "template": CITED}},
    ],
}


def sweep_form(beside: Callable[[], Mapping[str, Any]]) -> SweepSpec | None:
    """Let a sweep be put together, by picking or as YAML; None while it cannot be read.

    `beside` lets variants be chosen that stand beside the grid, as a spec.
    """
    how = st.segmented_control(
        "How",
        ["Pick", "YAML"],
        default="Pick",
        required=True,
        label_visibility="collapsed",
        key="how",
    )
    try:
        return _as_yaml() if how == "YAML" else _picked(beside)
    except SpecError as e:
        st.error(str(e))
        return None


def _picked(beside: Callable[[], Mapping[str, Any]]) -> SweepSpec:
    grid = {slot: _options(slot, label) for slot, label in GRID_SLOTS.items()}
    grid = {slot: values for slot, values in grid.items() if values}
    variants = beside()
    known = [str(m) for m in DEFAULT_MEASURES]
    measures = st.multiselect(
        "Measures",
        [
            *known,
            "R@10",
            "P@5",
            "Success@5",
            "AP@100",
            "Judged@10",
            "EvidencePrecision@4000tok",
            "IoU@5",
        ],
        default=known,
        accept_new_options=True,
        key="measures",
        help="\n\n".join(f"`{m}` {parse_measure(m).about}" for m in known),
    )
    return sweep_of({"grid": grid, "variants": variants, "measures": measures or known})


def _options(slot: str, label: str) -> list[Any]:
    """Let the options of a slot be picked, and new ones be made."""
    own = st.session_state.setdefault(f"made-{slot}", [])
    offered = {option_label(slot, o): o for o in [*OFFERED[slot], *own]}
    start = [option_label(slot, o) for o in START[slot]]
    added = st.session_state.pop(f"chosen-{slot}", None)
    if added:
        st.session_state[f"grid-{slot}"] = [*st.session_state.get(f"grid-{slot}", start), added]
    left, right = st.columns([1, 0.12], vertical_alignment="bottom")
    with left:
        chosen = st.multiselect(
            label, list(offered), default=start, key=f"grid-{slot}", help=_help(slot)
        )
    with right, st.popover("", icon=":material/add:", help=f"Make another option for {slot}"):
        _new_option(slot, own)
    return [offered[c] for c in chosen]


def option_label(slot: str, option: Any) -> str:
    """Name an option as variants will name it."""
    if option is None:
        return "none"
    value = slot_value(slot, option)
    if value == ():
        return "none"
    return " + ".join(map(stage_label, value)) if isinstance(value, tuple) else stage_label(value)


def _help(slot: str) -> str:
    return "\n\n".join(f"**{c.__name__}** {_summary(c)}" for c in SLOTS[slot])


def _summary(cls: type[Any]) -> str:
    return " ".join((cls.__doc__ or "").split("\n\n")[0].split())


def _new_option(slot: str, own: list[Any]) -> None:
    try:
        made = _made(slot)
    except (SpecError, ValueError) as e:
        st.error(str(e))
        return
    if st.button("Add", key=f"add-{slot}", type="primary"):
        own.append(made)
        st.session_state[f"chosen-{slot}"] = option_label(slot, made)
        st.rerun()


def _made(slot: str) -> Any:
    if slot in LISTS:
        made = stages(slot, (SLOTS[slot][0](),), f"new-{slot}")
        return [short(m) for m in made] or [SLOTS[slot][0].__name__]
    made = stage(slot, SLOTS[slot][0](), f"new-{slot}")
    return made and short(made)


def stages(slot: str, now: Sequence[Stage[Any]], key: str) -> tuple[Stage[Any], ...]:
    """Let the stages of a list slot be chosen and filled in, beginning with what it holds now.

    Two of one class in it keep their own fields.
    """
    numbered = [f"{type(s).__name__} {n}" if n else type(s).__name__ for n, s in _copies(now)]
    held = dict(zip(numbered, now, strict=True))
    classes = {c.__name__: c for c in SLOTS[slot]}
    offered = list(dict.fromkeys([*numbered, *classes]))
    names = st.multiselect("Stages", offered, default=numbered, key=key)
    return tuple(
        _fields(classes[n.split()[0]], f"{key}-{n}", held.get(n) or classes[n.split()[0]]())
        for n in names
    )


def _copies(now: Sequence[Stage[Any]]) -> list[tuple[int, Stage[Any]]]:
    """Number the stages of one class: nothing for the first, then 2, 3, ..."""
    seen: Counter[type] = Counter()
    found = []
    for s in now:
        seen[type(s)] += 1
        found.append((seen[type(s)] if seen[type(s)] > 1 else 0, s))
    return found


def stage(slot: str, now: Stage[Any] | None, key: str, *, empty: bool = False) -> Stage[Any] | None:
    """Let a slot's stage be chosen and filled in, beginning with what it holds now."""
    classes = {c.__name__: c for c in SLOTS[slot]}
    names = [*(["none"] if empty else []), *classes]
    index = names.index(type(now).__name__) if now else 0
    name = st.selectbox("Stage", names, index=index, key=key)
    if name not in classes:
        return None
    cls = classes[name]
    return _fields(cls, f"{key}-{name}", now if isinstance(now, cls) else cls())


def one_stage(
    label: str,
    classes: Sequence[type[Stage[Any]]],
    now: Stage[Any],
    key: str,
    names: Mapping[str, str] | None = None,
) -> Any:
    """Let one of several stages be chosen and filled in; `names` says some of them in words."""
    by_name = {c.__name__: c for c in classes}
    said = names or {}
    index = list(by_name).index(type(now).__name__)
    options = list(by_name)
    name = st.selectbox(label, options, index, format_func=lambda n: said.get(n, n), key=key)
    cls = by_name[name]
    return _fields(cls, f"{key}-{name}", now if isinstance(now, cls) else cls())


def _fields(cls: type[Stage[Any]], key: str, now: Stage[Any]) -> Stage[Any]:
    """Draw a widget a field, beginning with what a stage has; return the stage they make."""
    frame.quiet(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(_summary(cls))))
    values = {}
    for field in dataclasses.fields(cls):
        values[field.name] = _widget(cls, field, f"{key}-{field.name}", getattr(now, field.name))
    return cls(**values)


def _widget(cls: type[Stage[Any]], field: "dataclasses.Field[Any]", key: str, now: Any) -> Any:
    hint, nested = field_types(cls)[field.name], stages_of(cls, field.name)
    if nested:
        by_name = {c.__name__: c for c in nested}
        index = list(by_name).index(type(now).__name__)
        name = st.selectbox(field.name, list(by_name), index=index, key=key)
        own = by_name[name]
        return _fields(own, f"{key}-{name}", now if isinstance(now, own) else own())
    if get_origin(hint) is Literal:
        options = list(get_args(hint))
        return st.selectbox(field.name, options, index=options.index(now), key=key)
    if hint is bool:
        return st.checkbox(field.name, value=now, key=key)
    if get_origin(hint) is tuple:
        return _several(field.name, get_args(hint)[0] is float, key, now)
    if field.metadata.get("lines"):
        return st.text_area(field.name, value=now, key=key)
    if hint is str:
        return st.text_input(field.name, value=now, key=key)
    if isinstance(hint, types.UnionType) and str in get_args(hint):
        written = now if isinstance(now, str) else "" if now is None else json.dumps(now)
        return scalar(st.text_input(field.name, value=written, key=key) or "", field.default)
    if isinstance(hint, types.UnionType):
        step = 0.1 if float in get_args(hint) else 1
        return st.number_input(field.name, value=now, step=step, key=key)
    return st.number_input(field.name, value=now, key=key)


def _several(label: str, numbers: bool, key: str, now: Sequence[Any]) -> tuple[Any, ...]:
    kind = "numbers" if numbers else "values"
    held = ", ".join(map(str, now))
    written = st.text_input(label, value=held, placeholder=f"{kind}, with commas", key=key) or ""
    if numbers:
        return tuple(float(w) for w in written.replace(",", " ").split())
    return tuple(scalar(w) for w in written.split(",") if w.strip())


def scalar(written: str, nothing: Any = "") -> Any:
    """Read a number, true or false as JSON does; anything else, and all within quotes, is text."""
    try:
        value = json.loads(written)
    except ValueError:
        return written.strip() or nothing
    return written if isinstance(value, dict | list) or value is None else value


def _as_yaml() -> SweepSpec | None:
    import yaml

    text = st.text_area("Spec", yaml.safe_dump(SWEEP, sort_keys=False), height=420, key="yaml")
    try:
        return sweep_of(yaml.safe_load(text or ""))
    except yaml.YAMLError as e:
        raise SpecError(f"this is not YAML: {e}") from e
