from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

from retrieval.errors import Cancelled, Paused, Stopped
from retrieval.ingest.embed import Vectors
from retrieval.runtime import RECENT, Made, Runtime
from retrieval.stage import Stage
from retrieval.store import Workspace, artifacts


@dataclass(frozen=True)
class Times(Stage[Vectors]):
    """Multiplies, reporting each row, and notes every call."""

    factor: float = 2.0
    product: ClassVar[type[Vectors]] = Vectors
    calls: ClassVar[list[float]] = []

    def apply(self, vectors: Vectors, rt: Runtime, plus: float = 0.0) -> Vectors:
        self.calls.append(self.factor)
        for row in range(len(vectors.matrix)):
            rt.progress("Times", row + 1, len(vectors.matrix))
        return Vectors(np.asarray(vectors.matrix * self.factor + plus, np.float32))


@dataclass(frozen=True)
class Sum(Stage[float]):
    """Adds up; its product is not worth keeping."""

    def apply(self, vectors: Vectors, rt: Runtime) -> float:
        return float(vectors.matrix.sum())


@dataclass
class Stopping:
    """Progress that stops the work when a step has come so far."""

    step: str
    done: int
    error: type[Stopped]
    heard: list[tuple[str, int, int]] = field(default_factory=list)

    def __call__(self, step: str, done: int, total: int) -> None:
        self.heard.append((step, done, total))
        if (step, done) == (self.step, self.done):
            raise self.error


@pytest.fixture(autouse=True)
def calls() -> list[float]:
    Times.calls.clear()
    return Times.calls


def start(rt: Runtime, *, passing: bool = False) -> Made[Vectors]:
    return rt.given(Vectors(np.ones((3, 2), np.float32)), "start", passing=passing)


def test_nothing_is_made_before_it_is_read(calls: list[float]) -> None:
    rt = Runtime()
    made = rt.run(Times(), rt.run(Times(3.0), start(rt)))
    assert calls == []
    assert made.value.matrix.tolist() == [[6, 6]] * 3
    assert calls == [3.0, 2.0]


def test_equal_stages_over_equal_inputs_are_made_once(calls: list[float]) -> None:
    rt = Runtime()
    one, two = rt.run(Times(), start(rt)), rt.run(Times(2), start(rt))
    assert one is two
    assert one.value is two.value
    other = rt.run(Times(), start(rt), plus=1.0)
    assert other.value.matrix[0, 0] == 3
    assert calls == [2.0, 2.0]
    assert rt.tally.made == {one.key, other.key} == set(rt.tally.seconds)


def test_a_second_runtime_finds_what_the_first_kept(
    workspace: Workspace, calls: list[float]
) -> None:
    one, two = Runtime(workspace), Runtime(workspace)
    first = one.run(Times(), start(one)).value
    again = two.run(Times(), start(two)).value
    assert again.matrix.tolist() == first.matrix.tolist()
    assert calls == [2.0]
    assert two.tally.made == set()
    key = one.run(Times(), start(one)).key
    assert artifacts.seconds(workspace, [key]) == one.tally.seconds


def test_without_a_workspace_nothing_outlives_the_runtime(calls: list[float]) -> None:
    for rt in (Runtime(), Runtime()):
        _ = rt.run(Times(), start(rt)).value
    assert calls == [2.0, 2.0]


def test_a_product_of_no_class_is_not_kept(workspace: Workspace) -> None:
    rt = Runtime(workspace)
    total = rt.run(Sum(), rt.run(Times(), start(rt)))
    assert total.value == 12
    assert [m.stage for m in total.line()] == ["given", "Times", "Sum"]
    assert [m.kept for m in total.line()] == [False, True, False]
    assert artifacts.known(workspace, [m.key for m in total.line()]) == {total.parents[0].key}


@pytest.mark.parametrize("left", [None, 0, 140])
def test_a_damaged_artefact_is_made_again(
    workspace: Workspace, calls: list[float], left: int | None
) -> None:
    first = Runtime(workspace)
    _ = first.run(Times(), start(first)).value
    (file,) = workspace.artifacts.rglob("*.npy")
    if left is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:left])
    for rt in (Runtime(workspace), Runtime(workspace)):
        assert rt.run(Times(), start(rt)).value.matrix.tolist() == [[2, 2]] * 3
    assert calls == [2.0, 2.0]


@pytest.mark.parametrize("error", [Paused, Cancelled])
def test_a_stage_stopped_half_way_leaves_nothing_and_can_be_made_later(
    workspace: Workspace, calls: list[float], error: type[Stopped]
) -> None:
    rt = Runtime(workspace, progress=Stopping("Times", 2, error))
    made = rt.run(Times(), start(rt))
    with pytest.raises(error):
        _ = made.value
    assert list(workspace.artifacts.rglob("*.npy")) == []
    assert artifacts.known(workspace, [made.key]) == set()
    assert rt.tally.made == set()
    rt.progress = Stopping("", 0, error)
    assert made.value.matrix[0, 0] == 2
    assert calls == [2.0, 2.0]


def test_what_was_finished_before_the_stop_is_kept(workspace: Workspace) -> None:
    rt = Runtime(workspace)
    below = rt.run(Times(3.0), start(rt))
    above = rt.run(Times(5.0), below)
    rt.progress = Stopping("Times", 1, Paused)
    with pytest.raises(Paused):
        _ = above.value
    rt.progress = Stopping("Times", 3, Paused)
    with pytest.raises(Paused):
        _ = above.value
    rt.progress = Stopping("", 0, Paused)
    _ = above.value
    assert artifacts.known(workspace, [below.key, above.key]) == {below.key, above.key}


def test_progress_hears_the_stage_and_its_units() -> None:
    listener = Stopping("", 0, Stopped)
    rt = Runtime(progress=listener)
    _ = rt.run(Times(), start(rt)).value
    assert listener.heard == [("Times", 0, 1), ("Times", 1, 3), ("Times", 2, 3), ("Times", 3, 3)]


def test_what_comes_from_a_passing_value_is_neither_kept_nor_remembered(
    workspace: Workspace, calls: list[float]
) -> None:
    rt = Runtime(workspace)
    for _ in range(2):
        made = rt.run(Times(), start(rt, passing=True))
        assert made.value.matrix[0, 0] == 2
        assert not made.kept
    assert calls == [2.0, 2.0]
    assert list(workspace.artifacts.rglob("*.npy")) == []


def test_one_process_needs_no_pool() -> None:
    rt = Runtime()
    assert rt.pool is None
    rt.close()


def test_what_was_made_of_these_very_objects_is_remembered_for_a_while() -> None:
    rt, objects = Runtime(), [[i] for i in range(RECENT + 1)]
    first = rt.recent("name", (objects[0],), object)
    assert rt.recent("name", (objects[0],), object) is first
    assert rt.recent("other", (objects[0],), object) is not first
    assert rt.recent("name", ([0],), object) is not first  # equal is not the same
    assert rt.recent("name", (objects[0], objects[1]), object) is not first
    for other in objects[1:]:
        rt.recent("name", (other,), object)
        assert rt.recent("name", (objects[0],), object) is first  # what is used stays
    for other in objects[1:]:
        rt.recent("name", (other,), object)
    assert rt.recent("name", (objects[0],), object) is not first
