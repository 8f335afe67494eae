import numpy as np

from retrieval.store import Workspace, vectors


def test_vectors_come_back_by_model_and_hash(workspace: Workspace) -> None:
    one, two = np.float32([1, 0.1]), np.float32([-2, np.pi])
    vectors.keep(workspace, "m", {"x": one, "y": two})
    vectors.keep(workspace, "other", {"x": two})
    found = vectors.fetch(workspace, "m", ["y", "z", "x", "y"])
    assert {h: v.tolist() for h, v in found.items()} == {"x": one.tolist(), "y": two.tolist()}
    assert vectors.fetch(workspace, "other", ["x"])["x"].tolist() == two.tolist()
    assert vectors.fetch(workspace, "none", ["x"]) == {}


def test_a_vector_that_is_there_stays(workspace: Workspace) -> None:
    vectors.keep(workspace, "m", {"x": np.float32([1])})
    vectors.keep(workspace, "m", {"x": np.float32([2]), "y": np.float64([3])})
    found = vectors.fetch(workspace, "m", ["x", "y"])
    assert (found["x"].tolist(), found["y"].tolist()) == ([1.0], [3.0])


def test_more_than_a_page_is_found(workspace: Workspace) -> None:
    many = {str(i): np.float32([i]) for i in range(vectors.PAGE + 7)}
    vectors.keep(workspace, "m", many)
    assert {h: v[0] for h, v in vectors.fetch(workspace, "m", list(many)).items()} == many
    assert vectors.fetch(workspace, "m", []) == {}
