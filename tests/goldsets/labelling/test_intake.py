import unicodedata
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsets.labelling import grouping
from goldsets.labelling.grouping import grouped, led
from goldsets.labelling.intake import (
    Intake,
    Log,
    Proposal,
    as_queries,
    fresh_id,
    logged,
    pasted,
    proposed,
)
from goldsets.labelling.wording import normal, wording
from goldsets.types import GoldSet, Query
from retrieval.errors import InputError
from retrieval.runtime import Runtime
from retrieval.types import Float32

EMPTY = GoldSet("gold", "corpus", ())
HELD = GoldSet("gold", "corpus", (Query("known", "Reset  password"), Query("환불", "환불 방법")))


def texts(intake: Intake) -> list[str]:
    return [q.text for q in intake.queries]


def log_of(**counts: int) -> Log:
    rows = "".join(f'"{text}",{count}\n' for text, count in counts.items())
    return logged(f"query,count\n{rows}".encode(), "log.csv")


def fake_embed(model: object, asked: Sequence[str], purpose: str, rt: Runtime) -> Float32:
    """Give each text a direction of its own."""
    seeds = [int.from_bytes(blake2b(t.encode(), digest_size=4).digest()) for t in asked]
    rows = np.array(
        [np.random.default_rng(s).standard_normal(64) for s in seeds] or np.empty((0, 64))
    )
    unit: Float32 = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "embed", fake_embed)


def test_ids_are_readable_and_fresh() -> None:
    assert fresh_id("How do I reset my password?", ()) == "how-do-i-reset-my"
    assert fresh_id("비밀번호 재설정 방법은?", ()) == "비밀번호-재설정-방법은"
    decomposed = unicodedata.normalize("NFD", "비밀번호")
    assert fresh_id(decomposed, ()) == "비밀번호"
    assert fresh_id("?!", ()) == "query"
    assert fresh_id("a", {"a"}) == "a-2"
    assert fresh_id("a", {"a", "a-2", "a-3", "a-4"}) == "a-5"
    assert len(fresh_id("x" * 1_000_000, ())) == 48


@given(st.sets(st.integers(2, 40)))
def test_an_id_is_fresh_whatever_is_taken(numbers: set[int]) -> None:
    taken = {"a", *(f"a-{n}" for n in numbers)}
    assert fresh_id("a", taken) not in taken


def test_lines_become_queries() -> None:
    got = pasted(
        "How do I export?\r\n\r\n  비밀번호   재설정 \n\tKubernetes 설치 방법\n",
        EMPTY,
        tags=("pizza",),
    )
    assert got.queries == (
        Query("how-do-i-export", "How do I export?", "en", ("pizza",), "any", "written"),
        Query("비밀번호-재설정", "비밀번호 재설정", "ko", ("pizza",), "any", "written"),
        Query("kubernetes-설치-방법", "Kubernetes 설치 방법", "ko", ("pizza",), "any", "written"),
    )
    assert (got.lines, got.blank) == (4, 1)
    assert list(got.notes()) == []


@pytest.mark.parametrize(
    "text",
    [
        "1. one\n2. two\n3. three",
        "1) one\n 2) two\n\n 10) three",
        "(1) one\n(2) two\n(3) three",
        "- one\n* two\n• three",
        "· one\n○ two\n※ three",
        "- [ ] one\n- [x] two\n-\n- three",
        "Q1. one\nQ2: two\nthree",
        "1.one\n2.two\n1.three",
    ],
)
def test_lists_are_read_without_their_marks(text: str) -> None:
    assert texts(pasted(text, EMPTY)) == ["one", "two", "three"]


@pytest.mark.parametrize(
    "text",
    [
        "3. Liga tickets",
        "1. FC Köln\nrefund\nexport",
        "2.5 mm jack\n3.5 mm jack",
        "10:30 train\n11:30 train",
        "404. not found\n403. forbidden",
        "-rf meaning\n#1 song",
    ],
)
def test_what_is_no_list_is_left_as_it_is(text: str) -> None:
    assert texts(pasted(text, EMPTY)) == text.split("\n")


def test_duplicates_are_dropped_and_counted() -> None:
    nfd = unicodedata.normalize("NFD", "환불 방법")
    got = pasted(f"RESET password\nStraße\nSTRASSE\nstrasse\n{nfd}\nexport\n", HELD)
    assert texts(got) == ["Straße", "export"]
    assert (got.repeated, got.held) == (2, 2)
    assert list(got.notes()) == ["2 repeated an earlier line", "2 the gold set holds already"]


def test_ids_are_unlike_those_held_and_taken() -> None:
    held = GoldSet("gold", "corpus", (Query("refund", "?"),))
    got = pasted("refund!\nrefund?\nexport", held, taken={"refund-2", "export"})
    assert [q.id for q in got.queries] == ["refund-3", "refund-4", "export-2"]


def test_a_line_too_long_is_named_and_the_rest_goes_in() -> None:
    got = pasted("a\0b\x07\n" + "x" * 2001 + "\n" + "y" * 2000 + "\n\ud800\nz\ud800", EMPTY)
    assert texts(got) == ["ab", "y" * 2000, "z"]
    assert list(got.notes()) == [
        "1 query left out",
        "line 2: 2,001 characters, a query may have 2,000",
    ]


def test_five_thousand_lines_and_a_megabyte_at_once() -> None:
    lines = [f"how do I reset my password {i}" for i in range(5000)]
    lines[2500] = "x" * 1_000_000
    got = pasted("\n".join(lines), EMPTY)
    assert len({q.id for q in got.queries}) == 4999
    assert got.report.problems[0].startswith("line 2501: 1,000,000 characters")


@given(st.text(max_size=40), st.lists(st.text(max_size=9), max_size=6))
def test_every_pasted_line_is_accounted_for(text: str, lines: list[str]) -> None:
    got = pasted("\n".join([text, *lines, *lines]), HELD)
    out = got.blank + got.repeated + got.held + got.report.kinds.total()
    assert len(got.queries) + out == got.lines
    assert len({normal(q.text) for q in got.queries}) == len(got.queries)
    assert len({q.id for q in got.queries}) == len(got.queries)
    assert not {q.id for q in got.queries} & {q.id for q in HELD.queries}


ASKED = {
    "reset password": 40,
    "password reset": 25,
    "how do i reset my password?": 9,
    "reset passwrod": 2,
    "Reset Password": 1,
    "import csv": 30,
    "export csv": 28,
    "shipping time": 12,
    "delivery time": 5,
    "python 2": 7,
    "python 3": 6,
    "비밀번호 재설정": 20,
    "비밀번호를 재설정하려면 어떻게 하나요?": 8,
    "비밀번호재설정": 3,
    "영업시간 변경": 4,
    "로그인": 3,
    "로그아웃": 2,
}


def test_queries_that_ask_the_same_are_one_group() -> None:
    groups = {g.text: g for g in grouped(ASKED, Runtime())}
    assert {t: g.count for t, g in groups.items()} == {
        "reset password": 77,
        "비밀번호 재설정": 31,
        "import csv": 30,
        "export csv": 28,
        "shipping time": 17,
        "python 2": 7,
        "python 3": 6,
        "영업시간 변경": 4,
        "로그인": 3,
        "로그아웃": 2,
    }
    assert groups["reset password"].members == (
        ("reset password", 40),
        ("password reset", 25),
        ("how do i reset my password?", 9),
        ("reset passwrod", 2),
        ("Reset Password", 1),
    )


def test_heads_and_a_tail_are_proposed_and_what_is_held_is_marked() -> None:
    held = (Query("a", "How to reset password"), Query("b", "delivery time"), Query("c", "환불"))
    log = log_of(**ASKED)
    got = proposed(log, GoldSet("g", "c", held), heads=5, tail=3, seed=1, rt=Runtime())
    assert [(p.text, p.count, p.held) for p in got[:5]] == [
        ("reset password", 77, "a"),
        ("비밀번호 재설정", 31, ""),
        ("import csv", 30, ""),
        ("export csv", 28, ""),
        ("shipping time", 17, "b"),
    ]
    assert [p.kind for p in got] == ["head"] * 5 + ["tail"] * 3
    assert got[0].share == 77 / sum(ASKED.values())
    assert got[0].members[1] == ("password reset", 25)


@pytest.mark.usefixtures("no_model")
def test_the_tail_is_drawn_by_chance_and_by_seed() -> None:
    log = log_of(**{f"{chr(97 + i) * 9} word": 26 - i for i in range(26)})

    def tail(seed: int) -> list[str]:
        got = proposed(log, EMPTY, heads=2, tail=6, seed=seed, rt=Runtime())
        assert [p.count for p in got[2:]] == sorted((p.count for p in got[2:]), reverse=True)
        return [p.text for p in got[2:]]

    assert tail(1) == tail(1)
    drawn = Counter(text for seed in range(200) for text in tail(seed))
    assert len(drawn) == 24
    assert min(drawn.values()) > 25  # 50 expected
    assert len(proposed(log, EMPTY, heads=20, tail=99, seed=0, rt=Runtime())) == 26
    assert proposed(log_of(), EMPTY, heads=20, tail=9, seed=0, rt=Runtime()) == []
    with pytest.raises(InputError, match="tail must be from 0 to 10,000, not -1"):
        proposed(log, EMPTY, heads=1, tail=-1, seed=0, rt=Runtime())


@pytest.mark.usefixtures("no_model")
@given(
    st.dictionaries(
        st.text("ab 12 재설정?", min_size=1, max_size=6), st.integers(0, 9), max_size=30
    )
)
def test_what_is_grouped_is_neither_lost_nor_counted_twice(counts: dict[str, int]) -> None:
    groups = grouped(counts, Runtime())
    members = [m for g in groups for m in g.members]
    assert sorted(members) == sorted(counts.items())
    assert [g.count for g in groups] == sorted((g.count for g in groups), reverse=True)
    assert all(g.members[0][1] == max(n for _, n in g.members) for g in groups)


def test_groups_do_not_chain() -> None:
    """Each is near the next, but only those near a leader join it."""
    angles = np.arange(9) * 0.3  # cos(0.3) = 0.955, cos(0.6) = 0.825
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    words = [wording(f"word{chr(97 + i)}", {}) for i in range(9)]
    assert led(vectors, words, Runtime()) == [0, 0, 2, 2, 4, 4, 6, 6, 8]


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((200, 3))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    words = [wording(f"word{chr(97 + i // 26)}{chr(97 + i % 26)}", {}) for i in range(200)]
    whole = led(unit, words, Runtime())
    monkeypatch.setattr(grouping, "BLOCK", 7)
    steps: list[tuple[str, int, int]] = []
    blocks = led(unit, words, Runtime(progress=lambda *step: steps.append(step)))
    assert blocks == whole
    assert len(set(whole)) < 100
    assert steps[1] == ("Group queries", 7, 200)


@pytest.mark.usefixtures("no_model")
def test_beyond_a_bound_only_content_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "COMPARED", 2)
    asked: list[str] = []

    def spy(model: object, texts: Sequence[str], purpose: str, rt: Runtime) -> Float32:
        asked.extend(texts)
        return fake_embed(model, texts, purpose, rt)

    monkeypatch.setattr(grouping, "embed", spy)
    counts = {"alpha": 9, "x " * 300 + "y": 8, "beta": 7, "gamma": 1, "gammas": 1}
    assert [g.count for g in grouped(counts, Runtime())] == [9, 8, 7, 2]
    assert asked == ["alpha", "beta"]


def test_proposals_become_queries() -> None:
    proposals = [
        Proposal("Reset password", 9, 0.5, "head", (("Reset password", 9),)),
        Proposal("환불 방법", 1, 0.1, "tail", (("환불 방법", 1),)),
    ]
    assert as_queries(proposals, {"reset-password"}) == [
        Query("reset-password-2", "Reset password", "en", ("head",), "any", "logged"),
        Query("환불-방법", "환불 방법", "ko", ("tail",), "any", "logged"),
    ]
