"""What every stage is: a frozen dataclass of configuration that prints, hashes and parses back.

A stage holds no client, no path and no state. Its spec is what a user writes in YAML or picks in a
form (`"RRF"` or `{"RRF": {"k": 60}}`); its key names what it makes from given inputs.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Generic, Literal, Protocol, Self, TypeVar, get_args, get_origin

from retrieval.errors import SpecError, one_of
from retrieval.types import digest

Spec = str | dict[str, Any] | None
T_co = TypeVar("T_co", covariant=True)
S = TypeVar("S", bound="Stage[Any]")


class Product(Protocol):
    """What a stage makes and the artefact store can keep."""

    def arrays(self) -> Mapping[str, Any]:
        """Return the value as named numpy arrays."""

    @classmethod
    def of_arrays(cls, a: Mapping[str, Any]) -> Self:
        """Rebuild the value."""


@dataclasses.dataclass(frozen=True)
class Stage(Generic[T_co]):
    """One box of the diagram. Subclasses are frozen dataclasses with an `apply` method.

    `revision` is raised whenever the same fields begin to make something else; `product` is the
    class of what `apply` returns when it is worth keeping on disk, else None.
    """

    revision: ClassVar[int] = 1
    product: ClassVar[type[Product] | None] = None

    def key(self, *parents: str, **parameters: object) -> str:
        """Name what this stage makes of the parents' products."""
        own = json.dumps([full(self), self.versions, parameters], sort_keys=True)
        return digest(*parents, own)

    @property
    def label(self) -> str:
        """Return a short name where the class and its fields say less; else nothing."""
        return ""

    @property
    def versions(self) -> list[Any]:
        """Return what besides the fields decides what is made: its revision, those of its parts."""
        return [self.revision, *(part.versions for part in self.parts)]

    @property
    def lacking(self) -> tuple[str, ...]:
        """Say what it needs that is not set up here, a sentence each with the fix."""
        return tuple(problem for part in self.parts for problem in part.lacking)

    @property
    def parts(self) -> "list[Stage[Any]]":
        """Return the stages in its fields."""
        values = (getattr(self, f.name) for f in dataclasses.fields(self))
        return [value for value in values if isinstance(value, Stage)]


def full(stage: Stage[Any]) -> Spec:
    """Return the stage's spec with all its fields: what is stored."""
    return _spec(stage, every=True)


def short(stage: Stage[Any]) -> Spec:
    """Return the stage's spec without the fields that have their default: what is shown."""
    return _spec(stage, every=False)


def _spec(stage: Stage[Any], *, every: bool) -> Spec:
    hints = field_types(type(stage))
    fields = {
        f.name: _plain(getattr(stage, f.name), hints[f.name], every)
        for f in dataclasses.fields(stage)
        if (every and not f.metadata.get("later"))
        or f.metadata.get("shown")
        or getattr(stage, f.name) != _default(f)
    }
    name = type(stage).__name__
    return {name: fields} if fields else name


def _plain(value: Any, hint: Any, every: bool) -> object:
    if isinstance(value, Stage):
        return _spec(value, every=every)
    if isinstance(value, tuple):
        return [_plain(v, get_args(hint)[0], every) for v in value]
    return float(value) if hint is float else value


def _default(field: "dataclasses.Field[Any]") -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def build(spec: Any, classes: Sequence[type[S]], slot: str) -> S:
    """Make a stage from its spec.

    Raises:
        SpecError: an unknown name or field (the message lists the valid ones) or a bad value.
    """
    name, given = _name_and_fields(spec, slot)
    by_name = {c.__name__: c for c in classes}
    if name not in by_name:
        raise SpecError(f"{slot} has no stage {name!r}{one_of(name, by_name, slot)}")
    cls = by_name[name]
    hints = field_types(cls)
    for field in given:
        if field not in hints:
            raise SpecError(f"{name} has no field {field!r}{one_of(str(field), hints, 'field')}")
    values = {f: _value(v, hints[f], cls, f) for f, v in given.items()}
    try:
        return cls(**values)
    except TypeError as e:
        raise SpecError(f"{name} cannot be made from {given!r}: {e}") from e


def _name_and_fields(spec: Any, slot: str) -> tuple[str, dict[str, Any]]:
    if isinstance(spec, str):
        return spec, {}
    if isinstance(spec, Mapping) and len(spec) == 1:
        name, given = next(iter(spec.items()))
        if given is None:
            return str(name), {}
        if isinstance(given, Mapping):
            return str(name), dict(given)
    raise SpecError(f"{slot} takes a name or {{Name: {{field: value}}}}, not {spec!r}")


def field_types(cls: type[Any]) -> dict[str, Any]:
    """Return the annotation of each field, in order."""
    return _field_types(cls)  # type: ignore[arg-type]  # mypy doubts that classes hash


@cache
def _field_types(cls: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


def stages_of(cls: type[Stage[Any]], field: str) -> tuple[type[Stage[Any]], ...]:
    """Return the stages that a field accepts (a tokenizer in a BM25), or nothing."""
    found = {f.name: f for f in dataclasses.fields(cls)}[field].metadata.get("stages", ())
    return typing.cast("tuple[type[Stage[Any]], ...]", found)


def nested(*classes: type[Stage[Any]], default: Stage[Any]) -> Any:
    """Declare a field that holds a stage."""
    return dataclasses.field(default=default, metadata={"stages": classes})


def shown(default: Any) -> Any:
    """Declare a field that the short spec names even when it has its default."""
    return dataclasses.field(default=default, metadata={"shown": True})


def lines(default: str, *, later: bool = False) -> Any:
    """Declare a field that holds text of several lines; for `later`, see below."""
    return dataclasses.field(default=default, metadata={"lines": True, "later": later})


def later(default: Any) -> Any:
    """Declare a field that came after keys were made: they name it only where not default."""
    return dataclasses.field(default=default, metadata={"later": True})


def _value(value: Any, hint: Any, cls: type[Stage[Any]], field: str) -> Any:
    classes = stages_of(cls, field)
    if classes:
        return build(value, classes, f"{cls.__name__}.{field}")
    where = f"{cls.__name__}.{field}"
    if get_origin(hint) is tuple:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise SpecError(f"{where} takes a list, not {value!r}")
        return tuple(_scalar(v, get_args(hint)[0], where) for v in value)
    return _scalar(value, hint, where)


def _scalar(value: Any, hint: Any, where: str) -> Any:
    options = get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for option in options:
        if get_origin(option) is Literal and value in get_args(option):
            return value
        if option is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if isinstance(option, type) and type(value) is option:
            return value
        if option is types.NoneType and value is None:
            return None
    raise SpecError(f"{where} takes {_describe(options)}, not {value!r}")


def _describe(options: Iterable[Any]) -> str:
    words = []
    for option in options:
        choices = get_args(option) if get_origin(option) is Literal else ()
        words += [repr(c) for c in choices] or [getattr(option, "__name__", str(option))]
    return " or ".join(words)


def require(condition: bool, stage: Stage[Any], field: str, rule: str) -> None:
    """Reject a field's value in `__post_init__`.

    Raises:
        SpecError: when the condition does not hold.
    """
    if not condition:
        value = getattr(stage, field)
        raise SpecError(f"{type(stage).__name__}.{field} must be {rule}, not {value!r}")
