from pathlib import Path

import numpy as np
import pytest

from retrieval.store import Workspace, artifacts

ARRAYS = {
    "matrix": np.arange(600, dtype=np.float32).reshape(20, 30),
    "transposed": np.arange(600).reshape(20, 30).T,
    "small": np.array([1, 2], np.int32),
    "empty": np.empty((0, 3), np.int64),
    "bytes": np.frombuffer("안녕".encode(), np.uint8),
}


def files(workspace: Workspace) -> list[Path]:
    return sorted(workspace.artifacts.rglob("*.npy"))


def test_arrays_come_back_with_their_shapes_and_types(workspace: Workspace) -> None:
    artifacts.save(workspace, "key", "Stage", ARRAYS, 1.5)
    found = artifacts.load(workspace, "key")
    assert found is not None
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
    assert artifacts.seconds(workspace, ["key", "other"]) == {"key": 1.5}
    assert artifacts.known(workspace, ["key", "other"]) == {"key"}


def test_nothing_is_found_under_a_key_that_was_never_saved(workspace: Workspace) -> None:
    assert artifacts.load(workspace, "key") is None


def test_equal_arrays_are_one_file_and_nothing_temporary_is_left(workspace: Workspace) -> None:
    artifacts.save(workspace, "one", "Stage", {"a": np.arange(99)}, 0)
    artifacts.save(workspace, "two", "Stage", {"b": np.arange(99)}, 0)
    assert len(files(workspace)) == 1
    assert list(workspace.temporary.iterdir()) == []


def test_equal_bytes_of_other_shapes_or_types_are_other_files(workspace: Workspace) -> None:
    square = np.zeros((3, 3), np.int64)
    several = {"a": square, "b": square.ravel(), "c": square.view(np.float64)}
    artifacts.save(workspace, "key", "Stage", several, 0)
    found = artifacts.load(workspace, "key")
    assert found is not None
    assert [(a.shape, a.dtype) for a in found.values()] == [
        (a.shape, a.dtype) for a in several.values()
    ]


@pytest.mark.parametrize("size", [2, 1_000], ids=["small", "mapped"])
@pytest.mark.parametrize("left", [None, 0, 5, 100, -1])
def test_a_file_that_is_gone_or_cut_is_not_found_and_is_written_again(
    workspace: Workspace, size: int, left: int | None
) -> None:
    array = {"a": np.arange(size)}
    artifacts.save(workspace, "key", "Stage", array, 0)
    (file,) = files(workspace)
    if left is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:left])
    assert artifacts.load(workspace, "key") is None
    artifacts.save(workspace, "key", "Stage", array, 0)
    found = artifacts.load(workspace, "key")
    assert found is not None
    assert np.array_equal(found["a"], array["a"])
