"""Reviews: kept, edited and dropped queries, taken back again, and the dial."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from goldsets.generation import work
from goldsets.generation.filters import CHEAP, sieved
from goldsets.generation.review import decide, drop_left, settle, table, turn_dial
from goldsets.generation.spec import Thresholds, generation_of
from goldsets.generation.types import Draft
from goldsets.reporting import history
from goldsets.store import drafts, generations, gold, open_workspace
from goldsets.types import REVIEWED, SYNTHETIC, Evidence, Query
from retrieval.errors import InputError
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from tests.goldsets.generation.author import SURVIVE
from tests.goldsets.generation.conftest import SPEC, Walked, no_error

pytestmark = pytest.mark.slow


@pytest.fixture
def made(walked: Walked, tmp_path: Path) -> Workspace:
    """A copy of what was walked, to review."""
    return open_workspace(shutil.copytree(walked.workspace.path, tmp_path / "desk"))


def survivor(made: Workspace) -> Draft:
    t = table(made, 1)
    return next(d for d in t.drafts if d.name in t.sieved.survivors)


def filtered(made: Workspace, by: str) -> Draft:
    t = table(made, 1)
    return next(d for d in t.drafts if next(iter(t.sieved.reasons[d.name]), "") == by)


def entry(made: Workspace, draft: Draft) -> Query | None:
    name = f"synthetic-1-{draft.id}"
    return next((q for q in gold.read(made, "made").queries if q.id == name), None)


def status(made: Workspace, draft: Draft) -> str:
    t = table(made, 1)
    return t.status(next(d for d in t.drafts if d.id == draft.id))


def test_what_is_not_reviewed_waits_on_the_dashboard(made: Workspace) -> None:
    (waiting,) = history.queues(made)
    assert waiting == (f"{SURVIVE} generated queries of made to review", "Generate")


def test_a_kept_query_is_reviewed_and_stays_so_whatever_the_filters_say(made: Workspace) -> None:
    d = survivor(made)
    decide(made, d.id, "keep", "Ann")
    turn_dial(made, 1, Thresholds(run=2, rare=0.0))
    held = entry(made, d)
    assert held is not None
    assert (held.origin, held.text) == (SYNTHETIC + REVIEWED, d.text)
    assert status(made, d) == "reviewed"
    assert table(made, 1).counts["reviewed"] == 1


def test_an_edit_changes_words_and_evidence(made: Workspace) -> None:
    d = survivor(made)
    text = corpora.read(made, "planted")
    document = text.documents[text.row[d.evidence[0].document]]
    other = Evidence.of(document.id, document.text, 0, 10)
    decide(made, d.id, "edit", "Ann", text="  other   words ")
    decide(made, d.id, "edit", "Bo", evidence=[other])
    held = entry(made, d)
    assert held is not None
    assert held.text == "other words"
    assert gold.read(made, "made").of(held) == (other,)
    assert [(r.action, r.who) for r in drafts.reviews(made, 1)] == [("edit", "Ann"), ("edit", "Bo")]

    decide(made, d.id, "undo", "Bo")
    held = entry(made, d)
    assert held is not None
    assert (held.text, gold.read(made, "made").of(held)) == ("other words", d.evidence)
    decide(made, d.id, "undo", "Ann")
    assert entry(made, d) == replace(held, text=d.text, origin=SYNTHETIC)
    turn_dial(made, 1, Thresholds(rare=0.0, run=2))  # nobody's decision any more
    assert (entry(made, d) is None) == (d.name not in table(made, 1).sieved.survivors)


def test_a_dropped_query_is_gone_until_that_is_taken_back(made: Workspace) -> None:
    d = survivor(made)
    decide(made, d.id, "drop", "Ann")
    settle(made, 1)
    assert entry(made, d) is None
    assert status(made, d) == "dropped"
    decide(made, d.id, "undo", "Ann")
    held = entry(made, d)
    assert held is not None
    assert held.origin == SYNTHETIC
    assert status(made, d) == "unreviewed"


def test_what_a_filter_dropped_can_be_kept_or_mended(made: Workspace) -> None:
    copied = filtered(made, "copies the passage")
    assert entry(made, copied) is None
    decide(made, copied.id, "keep", "Ann")
    assert entry(made, copied) is not None

    broken = filtered(made, "malformed")
    with pytest.raises(InputError, match="no query to keep"):
        decide(made, broken.id, "keep", "Ann")
    wrong = filtered(made, "misquoted")
    with pytest.raises(InputError, match="no evidence to keep"):
        decide(made, wrong.id, "keep", "Ann")
    decide(made, wrong.id, "edit", "Ann", evidence=copied.evidence)
    assert entry(made, wrong) is not None


@pytest.mark.parametrize(
    ("action", "who", "said"),
    [("burn", "Ann", "no action"), ("keep", " ", "name"), ("edit", "Ann", "another text"),
     ("undo", "Ann", "nothing was decided")],
)  # fmt: skip
def test_what_cannot_be_decided_is_refused(
    made: Workspace, action: str, who: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        decide(made, survivor(made).id, action, who)  # type: ignore[arg-type]  # on purpose


def test_the_dial_moves_what_stands_in_the_gold_set_and_back_without_a_call(
    made: Workspace, walked: Walked
) -> None:
    asked = walked.author.asked.total()
    loose = Thresholds(answering=20)
    turn_dial(made, 1, loose)
    assert len(gold.read(made, "made").queries) == SURVIVE + 1  # what many answer
    turn_dial(made, 1, Thresholds(run=2, rare=0.0))
    few = {q.id for q in gold.read(made, "made").queries}
    assert len(few) == len(table(made, 1).sieved.survivors) < SURVIVE
    turn_dial(made, 1, Thresholds())
    assert len(gold.read(made, "made").queries) == SURVIVE
    assert walked.author.asked.total() == asked


def test_a_second_run_leaves_reviews_as_they_are(made: Workspace) -> None:
    kept, gone = [d for d in table(made, 1).drafts if d.gold][:2]
    decide(made, kept.id, "edit", "Ann", text="my words")
    decide(made, gone.id, "drop", "Ann")
    work.run(made, 1, Runtime(made), no_error)
    held = entry(made, kept)
    assert held is not None
    assert held.text == "my words"
    assert entry(made, gone) is None
    assert len(gold.read(made, "made").queries) == SURVIVE - 1


def test_reviewing_needs_no_model(made: Workspace) -> None:
    spec = generation_of(SPEC)
    assert table(made, 1).spec == spec


def test_what_the_gold_set_says_already_is_not_entered_again(made: Workspace) -> None:
    other = generation_of({**SPEC, "sample": 20})  # the same queries of some of the passages
    begun = work.begin(made, other, "planted", "made")
    before = gold.read(made, "made")
    work.run(made, begun.id, Runtime(made), no_error)
    assert gold.read(made, "made") == before
    t = table(made, begun.id)
    assert t.sieved.survivors == set()
    assert t.sieved.counts["in the gold set already"] > 5
    assert "dropped: in the gold set already" in "\n".join(work.outcome(made, begun.id))


def test_what_a_looser_dial_lets_through_is_judged_when_it_runs_again(
    made: Workspace, walked: Walked
) -> None:
    turn_dial(made, 1, Thresholds(run=1_000, rare=1.0))
    copied = [d for d in table(made, 1).drafts if d.measured.run >= 6]
    waiting = table(made, 1).sieved.reasons[copied[0].name]
    assert list(waiting) == ["not answered"]
    assert "run the generation again" in waiting["not answered"]
    before = walked.author.asked.total()
    work.run(made, 1, Runtime(made), no_error)
    assert walked.author.asked.total() > before
    t = table(made, 1)
    left = sieved(t.drafts, Thresholds(run=1_000, rare=1.0), CHEAP).survivors
    assert any(d.measured.run >= 6 for d in t.drafts if d.name in left)
    assert all(d.measured.answered is not None for d in t.drafts if d.name in left)


def test_what_an_earlier_run_left_unreviewed_is_dropped_at_once_and_the_later_takes_its_place(
    made: Workspace,
) -> None:
    kept, gone = [d for d in table(made, 1).drafts if d.gold][:2]
    decide(made, kept.id, "keep", "Ann")
    begun = work.begin(made, generation_of({**SPEC, "seed": 1, "sample": 40}), "planted", "made")
    work.run(made, begun.id, Runtime(made), no_error)
    assert drafts.left(made, begun) == [1] * (SURVIVE - 1)
    assert drafts.left(made, generations.read(made, 1)) == []
    assert "20 of earlier runs stand there unreviewed too" in [*work.outcome(made, begun.id)][-1]
    t = table(made, begun.id)
    assert t.counts["unreviewed"] == 0  # the earlier run says the same

    with pytest.raises(InputError, match="name"):
        drop_left(made, begun.id, " ")
    assert drop_left(made, begun.id, "Ann") == SURVIVE - 1
    assert drafts.left(made, begun) == []
    t = table(made, begun.id)
    assert t.counts["unreviewed"] > 10
    own = [d for d in t.drafts if t.status(d) == "unreviewed"]
    held = {q.id: q.text for q in gold.read(made, "made").queries}
    assert {*held} == {kept.gold, *(d.gold for d in own)}
    work.run(made, 1, Runtime(made), no_error)
    assert status(made, gone) == "dropped"
    assert {q.id: q.text for q in gold.read(made, "made").queries} == held
    decide(made, gone.id, "undo", "Ann")
    assert status(made, gone) in ("unreviewed", "filtered")
