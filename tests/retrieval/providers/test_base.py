"""The seam: what is tried again and for how long, what is said, and how much happens at once."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from email.utils import formatdate

import numpy as np
import pytest

from retrieval.errors import (
    BadAnswer,
    Cancelled,
    MissingExtra,
    PizzaError,
    ProviderError,
    RateLimited,
    Refused,
    SpecError,
    Unavailable,
)
from retrieval.ingest.embed import embed
from retrieval.providers import generativeai, vendor
from retrieval.providers.anthropic import Claude
from retrieval.providers.base import in_order, scores_of, together
from retrieval.providers.chat import Prompt
from retrieval.providers.cohere import Cohere
from retrieval.providers.faults import read_fault
from retrieval.providers.gemini import Gemini
from retrieval.providers.openai import OpenAI
from retrieval.providers.voyage import Voyage
from retrieval.retry import Retry
from retrieval.runtime import Runtime
from retrieval.store import Workspace, ledger
from tests.retrieval.providers.stub import KEY, Vendors

Ask = Callable[[Runtime], object]


def embedding(embedder: Voyage | Cohere | Gemini | OpenAI) -> Ask:
    return lambda rt: embed(embedder, ["a"], "query", rt)


ASKS: dict[str, Ask] = {
    "Voyage": embedding(Voyage()),
    "Cohere": embedding(Cohere()),
    "Gemini": embedding(Gemini()),
    "OpenAI": embedding(OpenAI()),
    "Anthropic": lambda rt: Claude().write(Prompt("hello"), rt),
}
each = pytest.mark.parametrize("vendor", ASKS)


@each
@pytest.mark.parametrize(
    "faults", [["429", "429"], ["500", "502"], ["503", "408"], ["drop", "drop"], ["504", "drop"]]
)
def test_what_passes_by_itself_is_tried_again(
    vendors: Vendors, quick: Runtime, vendor: str, faults: list[str]
) -> None:
    vendors.play(*faults)
    ASKS[vendor](quick)
    assert len(vendors.requests) == 3


def test_an_overloaded_vendor_is_tried_again(vendors: Vendors, quick: Runtime) -> None:
    vendors.play("529")
    ASKS["Anthropic"](quick)
    assert len(vendors.requests) == 2


@each
@pytest.mark.parametrize(("status", "error"), [("503", Unavailable), ("429", RateLimited)])
def test_a_fault_for_ever_ends_after_so_many_attempts(
    vendors: Vendors, quick: Runtime, vendor: str, status: str, error: type[ProviderError]
) -> None:
    vendors.for_ever = status
    with pytest.raises(error, match=f"^{vendor} .*{status}.*(no, says the stub|overloaded)"):
        ASKS[vendor](quick)
    assert len(vendors.requests) == quick.retry.attempts


@each
@pytest.mark.parametrize("status", ["400", "401", "403", "404", "422"])
def test_a_refusal_is_final_and_holds_no_key(
    vendors: Vendors, quick: Runtime, vendor: str, status: str
) -> None:
    vendors.for_ever = status
    with pytest.raises(Refused, match=rf"^{vendor} refused \({status}\): no, says") as caught:
        ASKS[vendor](quick)
    older = vendor == "Gemini" and Gemini.vendor.module == generativeai.MODULE
    assert len(vendors.requests) == (3 if older and status == "401" else 1)  # it renews no key
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@each
def test_a_page_instead_of_an_answer_is_named(
    vendors: Vendors, quick: Runtime, vendor: str
) -> None:
    vendors.play("html")
    with pytest.raises(BadAnswer, match=f"^{vendor} gave an answer that cannot be read"):
        ASKS[vendor](quick)
    assert len(vendors.requests) == 1


@each
def test_a_hang_ends_at_the_timeout_and_is_tried_again(
    vendors: Vendors, quick: Runtime, vendor: str
) -> None:
    ASKS[vendor](quick)  # imports and connects
    vendors.requests.clear()
    vendors.play("hang", "hang")
    vendors.hang_seconds = 1.2
    rt = Runtime(retry=replace(quick.retry, attempts=2, timeout_seconds=0.3))
    begun = time.monotonic()
    with pytest.raises(Unavailable, match=f"^{vendor} did not answer in time"):
        ASKS[vendor](rt)
    assert len(vendors.requests) == 2
    assert time.monotonic() - begun < 1.1


@each
def test_retry_after_is_waited(vendors: Vendors, quick: Runtime, vendor: str) -> None:
    ASKS[vendor](quick)
    vendors.play("429 after 0.3")
    begun = time.monotonic()
    ASKS[vendor](Runtime(retry=quick.retry))
    assert time.monotonic() - begun >= 0.3


def test_a_wait_beyond_the_deadline_is_not_begun(vendors: Vendors, quick: Runtime) -> None:
    vendors.play("429 after 3600")
    begun = time.monotonic()
    with pytest.raises(RateLimited):
        ASKS["Voyage"](quick)
    assert time.monotonic() - begun < 3
    assert len(vendors.requests) == 1


def test_the_deadline_holds_over_all_attempts(vendors: Vendors, quick: Runtime) -> None:
    ASKS["Voyage"](quick)
    vendors.for_ever = "hang"
    vendors.hang_seconds = 0.5
    rt = Runtime(retry=Retry(100, 0.01, 0.01, deadline_seconds=0.7, timeout_seconds=0.3))
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        ASKS["Voyage"](rt)
    assert time.monotonic() - begun < 1.2


def test_work_that_is_not_wanted_stops_while_it_waits(vendors: Vendors) -> None:
    def progress(step: str, done: int, total: int) -> None:
        if "trying again" in step and time.monotonic() - begun > 0.3:
            raise Cancelled

    vendors.for_ever = "503"
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        ASKS["OpenAI"](Runtime(progress=progress, retry=Retry(first_seconds=30)))
    own = [r for r in vendors.requests if "OpenAI" in r.headers.get("user-agent", "")]
    assert len(own) == 1  # a call that the test before gave up may still come in
    assert time.monotonic() - begun < 5


def test_delays_double_with_jitter_up_to_the_longest() -> None:
    retry = Retry(first_seconds=1, longest_seconds=5)
    assert [retry.delay(n, 0.0) for n in (1, 2, 3, 4, 9)] == [0.5, 1, 2, 2.5, 2.5]
    assert retry.delay(2, 0.999) == pytest.approx(2, abs=0.01)
    with pytest.raises(SpecError, match="give one at least"):
        Retry(attempts=0)


class Odd(Exception):
    def __init__(self, status_code: int, headers: dict[str, str], message: str = "no") -> None:
        self.status_code, self.headers, self.message = status_code, headers, message


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("2", 2), ("0.5", 0.5), ("-1", 0), ("soon", None), ("nan", None), ("", None)],
)
def test_retry_after_as_a_number(header: str, seconds: float | None) -> None:
    assert read_fault(Odd(429, {"Retry-After": header}), "V").wait_seconds == seconds


def test_retry_after_as_a_date() -> None:
    headers = {"retry-after": formatdate(time.time() + 30, usegmt=True)}
    assert read_fault(Odd(503, headers), "V").wait_seconds == pytest.approx(30, abs=1.5)


def test_what_a_vendor_says_is_cut_and_holds_no_part_of_a_key() -> None:
    said = f"Incorrect API key provided: sk-proj-ab****9xyz. {'word ' * 99}{KEY}"
    problem = str(read_fault(Odd(401, {}, said), "V", KEY).problem)
    assert problem.startswith("V refused (401): Incorrect API key provided: ***. word")
    assert len(problem) < 300
    assert KEY not in str(read_fault(Odd(400, {}, f"key {KEY}"), "V", KEY).problem)


def test_a_package_that_is_not_there_is_an_extra() -> None:
    with pytest.raises(MissingExtra, match=r'pip install "pizza-night\[anthropic\]"'):
        vendor.load("no_such_package", "anthropic")


def test_calls_at_once_are_bounded(vendors: Vendors, quick: Runtime) -> None:
    vendors.slow_seconds = 0.05
    embed(Cohere(width=8), [f"t{i}" for i in range(96 * 9)], "passage", quick)
    assert len(vendors.requests) == 9
    assert 2 <= vendors.most_in_flight <= Cohere.vendor.at_once


def test_when_a_call_fails_the_others_end_and_what_was_paid_is_kept(
    vendors: Vendors, quick: Runtime
) -> None:
    texts = [f"text {i:04d}" for i in range(96 * 12)]
    vendors.slow_seconds = 0.1
    vendors.faults = ["", "", "", "400"]
    with pytest.raises(Refused):
        embed(Cohere(width=8), texts, "passage", quick)
    made = len(vendors.requests)
    assert made < 12
    embed(Cohere(width=8), texts, "passage", quick)
    assert len(vendors.requests) - made == 12 - (made - 1)


def test_one_error_ends_the_rest_and_is_the_one_raised() -> None:
    begun: list[int] = []

    def work(i: int, rt: Runtime) -> None:
        begun.append(i)
        if i == 1:
            raise PizzaError("the first")
        rt.wait(5, "wait")

    start = time.monotonic()
    with pytest.raises(PizzaError, match="the first"):
        together(work, 50, 4, Runtime())
    assert time.monotonic() - start < 3
    assert len(begun) <= 4


def test_nothing_to_do_is_nothing_done() -> None:
    together(lambda i, rt: pytest.fail("called"), 0, 4, Runtime())


@pytest.mark.parametrize(
    "pairs", [[(0, "a")], [(0, "a"), (0, "b")], [(0, "a"), (2, "b")], [(None, "a"), (1, "b")]]
)
def test_answers_are_told_apart_by_their_index(pairs: Sequence[tuple[object, str]]) -> None:
    with pytest.raises(BadAnswer, match=r"^V gave"):
        in_order("V", pairs, 2)
    assert in_order("V", [(1, "b"), (0, "a")], 2) == ["a", "b"]


def test_scores_are_finite_numbers() -> None:
    assert np.array_equal(scores_of("V", [(1, 0.5), (0, 1)], 2), [1, 0.5])
    for wrong in (None, "1", float("nan")):
        with pytest.raises(BadAnswer, match="not a finite number"):
            scores_of("V", [(0, wrong)], 1)


def test_a_failed_call_is_in_the_ledger(vendors: Vendors, workspace: Workspace) -> None:
    threads = threading.active_count()
    rt = Runtime(workspace, retry=Retry(1), job=7)
    for faults in (["400"], ["503"], ["drop"], []):
        vendors.play(*faults)
        try:
            ASKS["Voyage"](rt)
        except ProviderError:
            continue
    done, dropped, failed, refused = ledger.calls(workspace)
    assert [c.state for c in (done, dropped, failed, refused)] == ["done", *["failed"] * 3]
    assert refused.usd == failed.usd == 0  # nobody was served
    assert dropped.usd is None  # who knows
    assert done.usd == pytest.approx(0.02e-6)
    assert done.error == ""
    assert dropped.error.startswith("Voyage dropped the connection")
    assert refused.error == "Voyage refused (400): no, says the stub to ***"
    assert {c.job for c in ledger.calls(workspace)} == {7}
    assert threading.active_count() < threads + 10
