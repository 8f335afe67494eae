"""A retriever of a team's own over real HTTP: the contract, and every way to break it."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from retrieval.errors import (
    BadAnswer,
    MissingKey,
    ProviderError,
    RateLimited,
    Refused,
    SpecError,
    Unavailable,
)
from retrieval.hits import Hit
from retrieval.providers.own import MOST_BYTES, Answer, Server, ask
from retrieval.retry import Retry
from retrieval.runtime import Runtime
from retrieval.store import Workspace, ledger
from tests.retrieval.providers.own_server import LOUD, Retriever

TOKEN = "token-of-the-test-77ab"
QUICK = Retry(4, first_seconds=0.01, longest_seconds=0.02, deadline_seconds=20, timeout_seconds=10)
HITS = [
    Hit("d1", 0, 12, "what it says", 2.5, "c1"),
    Hit("d2", 5, 9),
    Hit(text="찾은 글", score=0.25),
    Hit("d3"),
    Hit(id="c9"),
]


@pytest.fixture
def own() -> Iterator[Retriever]:
    with Retriever(search=lambda query, k: HITS) as retriever:
        yield retriever


def asked(own: Retriever, k: int = 10, rt: Runtime | None = None, token: str = "") -> Answer:
    return ask(Server(own.url, token), '왜 젖나 "why"', k, rt or Runtime(retry=QUICK))


def test_a_query_is_posted_and_hits_come_back(own: Retriever) -> None:
    assert asked(own) == Answer(tuple(HITS))
    assert own.requests == [{"query": '왜 젖나 "why"', "k": 10}]
    assert own.headers[0]["content-type"] == "application/json"
    assert "authorization" not in own.headers[0]
    assert asked(own, k=2) == Answer(tuple(HITS[:2]))


def test_a_token_comes_from_the_environment_and_goes_nowhere_else(
    own: Retriever, monkeypatch: pytest.MonkeyPatch, workspace: Workspace
) -> None:
    own.token = TOKEN
    with pytest.raises(MissingKey, match="set MY_TOKEN in the environment"):
        asked(own, token="MY_TOKEN")
    assert own.requests == []
    with pytest.raises(Refused, match=r"refused \(401\): who are you; check its key"):
        asked(own)
    monkeypatch.setenv("MY_TOKEN", TOKEN)
    rt = Runtime(workspace, retry=QUICK)
    assert asked(own, rt=rt, token="MY_TOKEN").hits
    own.for_ever = "403"
    with pytest.raises(Refused) as caught:
        asked(own, rt=rt, token="MY_TOKEN")
    assert "says the stub to ***" in str(caught.value)
    assert TOKEN not in repr(ledger.calls(workspace)) + repr(Server(own.url, "MY_TOKEN"))


@pytest.mark.parametrize("token", ["two\r\nX-Evil: lines", "käse☃"])
def test_a_token_that_cannot_be_sent_is_not_shown(
    own: Retriever, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("MY_TOKEN", token)
    with pytest.raises(ProviderError) as caught:
        asked(own, token="MY_TOKEN")
    assert token[:5] not in str(caught.value).replace(own.url, "")
    assert own.requests == []


@pytest.mark.parametrize(
    "faults",
    [["429", "429"], ["500", "502"], ["503", "408"], ["drop", "drop"], ["cut", "cut chunks"]],
    ids=str,
)
def test_what_passes_by_itself_is_tried_again(own: Retriever, faults: list[str]) -> None:
    own.play(*faults)
    assert asked(own).hits == tuple(HITS)
    assert len(own.requests) == 3


def test_retry_after_is_waited(own: Retriever) -> None:
    own.play("429 after 0.3")
    begun = time.monotonic()
    asked(own)
    assert time.monotonic() - begun >= 0.3


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ("429", RateLimited, r"wants fewer calls \(429\): no, says the stub"),
        ("500", Unavailable, r"failed \(500\): no, says the stub"),
        ("drop", Unavailable, "dropped the connection"),
        ("cut", Unavailable, "dropped the connection"),
    ],
)
def test_a_fault_for_ever_ends_after_so_many_attempts(
    own: Retriever, fault: str, error: type[ProviderError], says: str
) -> None:
    own.for_ever = fault
    with pytest.raises(error, match=f"^{own.url} {says}"):
        asked(own)
    assert len(own.requests) == QUICK.attempts


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ("400", Refused, r"refused \(400\): no, says the stub"),
        ("404", Refused, r"refused \(404\)"),
        ("204", BadAnswer, "answered with status 204, expected 200"),
        ("201", BadAnswer, "answered with status 201, expected 200"),
        ("html", BadAnswer, "its answer: not JSON .*<html>Sign in"),
        ("{", BadAnswer, "its answer: not JSON"),
        ("\x00\x01", BadAnswer, "its answer: not JSON"),
        ("[" * 100_000, BadAnswer, "its answer: not JSON that can be used"),
        ("[]", BadAnswer, "not an object with a list of hits"),
        ("null", BadAnswer, "not an object with a list of hits"),
        ('{"results": []}', BadAnswer, "not an object with a list of hits"),
        ('{"hits": {}}', BadAnswer, "not an object with a list of hits"),
        ('{"hits": [7]}', BadAnswer, r"hits\[0\]: a hit is an object, not 7"),
        ('{"hits": [{}]}', BadAnswer, r"hits\[0\]: a hit needs a document"),
        ('{"hits": [{"text": " "}]}', BadAnswer, r"hits\[0\]: a hit needs a document"),
        ('{"hits": [{"id": "a"}, {"document": 3}]}', BadAnswer, r"hits\[1\].document: not text"),
        ('{"hits": [{"text": ["a"]}]}', BadAnswer, r"hits\[0\].text: not text"),
        ('{"hits": [{"text": "\\ud800"}]}', BadAnswer, r"hits\[0\].text: half a character"),
        ('{"hits": [{"document": "d", "start": 1}]}', BadAnswer, r"hits\[0\].end: start and end"),
        ('{"hits": [{"document": "d", "start": 5, "end": 5}]}', BadAnswer, "start must be below"),
        ('{"hits": [{"document": "d", "start": -5, "end": 5}]}', BadAnswer, "start: not a whole"),
        ('{"hits": [{"document": "d", "start": 0, "end": 5.5}]}', BadAnswer, "end: not a whole"),
        ('{"hits": [{"document": "d", "start": true, "end": 5}]}', BadAnswer, "start: not a whole"),
        ('{"hits": [{"document": "d", "start": 0, "end": 1e99}]}', BadAnswer, "end: not a whole"),
        ('{"hits": [{"document": "d", "score": NaN}]}', BadAnswer, "not JSON that can be used"),
        ('{"hits": [{"document": "d", "score": Infinity}]}', BadAnswer, "not JSON that can"),
        ('{"hits": [{"document": "d", "score": 1e999}]}', BadAnswer, "score: not a finite number"),
        ('{"hits": [{"document": "d", "score": "1"}]}', BadAnswer, "score: not a finite number"),
        ('{"hits": [{"document": "d", "score": true}]}', BadAnswer, "score: not a finite number"),
        (f'{{"hits": [{{"id": "c", "score": {"9" * 400}}}]}}', BadAnswer, "score: not a finite"),
        ("302 http://elsewhere.example/", Refused, r"redirects \(302\) to 'http://elsewhere.exam"),
        ("307 file:///etc/passwd", Refused, r"redirects \(307\) to 'file:///etc/passwd', which is"),
        ("302 http://u:secret@x.example/y?z=secret", Refused, r"to 'http://x.example/y', which"),
        ("301", Refused, r"redirects \(301\) to ''"),
    ],
    ids=lambda v: v[:40] if isinstance(v, str) else "",
)
def test_what_cannot_be_right_is_named_at_once(
    own: Retriever, fault: str, error: type[ProviderError], says: str
) -> None:
    own.play(fault)
    with pytest.raises(error, match=f"^{own.url} .*{says}") as caught:
        asked(own)
    assert len(own.requests) == 1
    assert len(str(caught.value)) < 400
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_of_more_hits_than_were_asked_for_the_first_count(own: Retriever) -> None:
    own.play("flood")
    answer = asked(own, k=7)
    assert [hit.document for hit in answer.hits] == [row["document"] for row in LOUD[:7]]
    assert answer.beyond == 9_993


def test_a_huge_body_is_not_read_to_its_end(own: Retriever) -> None:
    own.play("huge")
    with pytest.raises(BadAnswer, match=f"answered with more than {MOST_BYTES >> 20} MB"):
        asked(own)


@pytest.mark.parametrize("fault", ["hang", "drip", "drip headers"])
def test_a_server_that_is_slow_in_any_way_ends_at_the_timeout(own: Retriever, fault: str) -> None:
    own.for_ever = fault
    rt = Runtime(retry=replace(QUICK, attempts=2, timeout_seconds=0.3))
    begun = time.monotonic()
    with pytest.raises(Unavailable, match=f"^{own.url} did not answer in time"):
        asked(own, rt=rt)
    assert len(own.requests) == 2
    assert time.monotonic() - begun < 1.5


def test_a_server_that_is_not_there_is_named() -> None:
    with Retriever() as gone:
        url = gone.url
    with pytest.raises(Unavailable, match=f"^{url} dropped the connection, or cannot be reached"):
        ask(Server(url), "x", 1, Runtime(retry=replace(QUICK, attempts=2)))


def test_what_is_not_https_is_named(own: Retriever) -> None:
    server = Server(own.url.replace("http:", "https:"))
    with pytest.raises(Unavailable, match=r"cannot be reached \(SSLError\)"):
        ask(server, "x", 1, Runtime(retry=replace(QUICK, attempts=1)))


def test_a_proxy_of_the_environment_is_not_asked(
    own: Retriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert asked(own).hits


def test_nothing_is_left_behind(own: Retriever) -> None:
    before = threading.active_count()
    for fault in ("", "500", "drop", "drip", "html", "302 /"):
        own.for_ever = fault
        with pytest.raises(ProviderError) if fault else nothing_raised():
            asked(own, rt=Runtime(retry=Retry(1, timeout_seconds=0.2)))
    time.sleep(0.3)  # the threads of the server end when they see that nobody listens
    assert threading.active_count() <= before + 2


class nothing_raised:  # noqa: N801
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "not an http or https address"),
        ("localhost:8000", "not an http or https address"),
        ("file:///etc/passwd", "not an http or https address"),
        ("ftp://host/x", "not an http or https address"),
        ("http://", "not an http or https address"),
        ("http:///x", "not an http or https address"),
        ("http://host:0/", "not an http or https address"),
        ("http://host:99999/", "not an address"),
        ("http://[::1/", "not an address"),
        ("http://host/a b", "percent-encoded"),
        ("http://host/\r\nX: y", "percent-encoded"),
        ("http://höst/", "percent-encoded"),
        ("http://user:secret@host/", "holds a name or a password"),
        ("http://secret@host/", "holds a name or a password"),
        ("http://user:secret@host:99999/", "what was given is not an address"),
        ("user:secret@host/search", "what was given is not an http or https address"),
        ("htp://host/?x=secret", "'htp://host/' is not an http or https address"),
        ("http://host/s?index=docs&api_key=secret", "holds the parameter 'api_key'"),
        ("http://host/s?X-Amz-Signature=secret", "holds the parameter 'X-Amz-Signature'"),
        ("http://host/s?accessToken=secret#x", "holds the parameter 'accessToken'"),
    ],
)
def test_an_address_is_http_and_holds_no_secret(url: str, says: str) -> None:
    with pytest.raises(SpecError, match=says) as caught:
        Server(url)
    assert "secret" not in str(caught.value)


def test_other_parameters_of_an_address_are_kept() -> None:
    url = "http://host/search?index=docs&monkey=1&bypass=2&author=x"
    assert Server(url).url == url


def test_calls_stand_in_the_ledger_with_a_price_that_is_unknown_or_ones_own(
    own: Retriever, workspace: Workspace
) -> None:
    rt = Runtime(workspace, retry=QUICK, job=3)
    asked(own, rt=rt)
    host = own.url.removeprefix("http://").removesuffix("/search")
    (workspace.path / "prices.json").write_text(f'{{"own@{host}/*": {{"searches": 0.002}}}}')
    asked(own, rt=rt)
    priced, unknown = ledger.calls(workspace)
    assert (unknown.model, unknown.job, unknown.usd) == (f"own@{host}/search", 3, None)
    assert priced.usd == pytest.approx(0.002)
