"""The pages of an evening, in both languages."""

import re

import pytest

from goldsets import sample
from goldsets.labelling.types import Settings
from goldsets.store import evenings, gold, labels
from goldsets.types import GoldSet
from pages.ui.words import SHEET, WORDS

HANGUL = re.compile("[가-힣]")


@pytest.fixture
def workspace(loaded, copied):
    workspace = copied(loaded)
    queries = gold.read(workspace, sample.NAME).queries[:3]
    gold.write(workspace, GoldSet("friday", sample.NAME, queries), "test")
    evening = evenings.create(workspace, "friday", "friday", Settings(raters=2))
    evenings.join(workspace, evening, "Host", "host")
    return workspace


def shown(test) -> str:
    said = [*test.markdown, *test.info, *test.caption, *test.error]
    labelled = [*test.metric, *test.button, *test.text_input]
    bodies = [h.proto.body for h in test.get("html")]
    return " ".join([*(e.value for e in said), *(e.label for e in labelled), *bodies])


@pytest.mark.parametrize("view", ["tonight", "queries", "agreement", "disputes", "settings", "new"])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_view_in_both_languages(opened, workspace, view, lang):
    asked = {"evening": "friday", "rater": "Host", "view": view, "lang": lang}
    test = opened("pages/pizza_night.py", workspace.path, **asked)
    assert not test.error
    assert bool(HANGUL.search(shown(test))) == (lang == "ko")


def test_joining_by_name_and_coming_back(opened, workspace):
    test = opened("pages/label.py", workspace.path, evening="friday")
    test.text_input[0].set_value("Ann")
    test.button[0].click().run()
    assert not test.error
    assert [m.name for m in evenings.members(workspace, evenings.named(workspace, "friday"))] == [
        "Host",
        "Ann",
    ]
    again = opened("pages/label.py", workspace.path, evening="friday", rater="Ann")
    assert not again.text_input


def test_an_evening_is_started_and_asks_for_queries(opened, loaded, copied):
    workspace = copied(loaded)
    test = opened("pages/pizza_night.py", workspace.path)
    name, grades, host = test.text_input
    name.set_value("saturday")
    host.set_value("Bea")
    assert grades.value == "not relevant, on topic, answers in part, answers"
    next(b for b in test.button if b.label == "Start").click().run()
    assert not test.error
    (evening,) = evenings.every(workspace)
    assert (evening.name, evening.goldset) == ("saturday", "saturday")
    (host,) = evenings.members(workspace, evening)
    assert (host.name, host.role) == ("Bea", "host")
    assert "No query yet" in shown(test)


def test_a_bad_setting_is_one_sentence_and_loses_nothing(opened, workspace):
    test = opened("pages/pizza_night.py", workspace.path, rater="Host", view="settings")
    test.text_input[0].set_value("only one")
    next(b for b in test.button if b.label == "Save").click().run()
    assert "2 to 10 grades" in test.error[0].value
    assert evenings.named(workspace, "friday").settings == Settings(raters=2)
    assert labels.labels(workspace, evenings.named(workspace, "friday")) == []


def test_both_languages_say_all_and_say_it_with_the_same_values():
    for name, (english, korean) in WORDS.items():
        values = [sorted(re.findall(r"\{\w*\}", text)) for text in (english, korean)]
        assert values[0] == values[1], name
        assert not HANGUL.search(english), name
        assert HANGUL.search(korean), name
    assert {name for _, name in SHEET} <= set(WORDS)
