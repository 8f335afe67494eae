from retrieval.store import Workspace, scores


def test_scores_come_back_by_judge_and_pair(workspace: Workspace) -> None:
    scores.keep(workspace, "j", {"x": 0.1, "y": -2})
    scores.keep(workspace, "other", {"x": 3.0})
    assert scores.fetch(workspace, "j", ["y", "z", "x", "y"]) == {"x": 0.1, "y": -2.0}
    assert scores.fetch(workspace, "other", ["x"]) == {"x": 3.0}
    assert scores.fetch(workspace, "none", ["x"]) == {}


def test_a_score_that_is_there_stays_and_many_are_found(workspace: Workspace) -> None:
    many = {str(i): i / 7 for i in range(scores.PAGE + 7)}
    scores.keep(workspace, "j", many)
    scores.keep(workspace, "j", {"1": 9.0})
    assert scores.fetch(workspace, "j", list(many)) == many
    assert scores.fetch(workspace, "j", []) == {}
