"""The routes beside the pages: what they give, what they refuse."""

import asyncio
import json

import pytest
from starlette.requests import Request

from goldsets.store import evenings, gold, leases
from pages.ui import routes

HOST = "localhost:8501"


class Answer:
    def __init__(self, response):
        self.status, self.body = response.status_code, json.loads(response.body)


@pytest.fixture
def ask(monkeypatch):
    """Ask a route of a night's workspace as a browser would."""

    def on(night_):
        monkeypatch.setattr(routes, "workspace", lambda: night_.workspace)
        routes._held.cache_clear()

        def post(name, body, host=HOST, origin=f"http://{HOST}"):
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()

            async def receive():
                return {"type": "http.request", "body": raw, "more_body": False}

            headers = [(b"host", host.encode()), (b"origin", origin.encode())]
            scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
            route = next(r for r in routes.ROUTES if r.path == f"/api/label/{name}")
            return Answer(asyncio.run(route.endpoint(Request(scope, receive))))

        return post

    return on


def test_lease_save_and_what_a_rater_may_see(night, ask):
    n = night()
    post = ask(n)
    ahead = post("next", {"token": n.tokens[0], "tab": "t", "number": 2}).body
    first = ahead["items"]
    assert len(first) == 2
    assert set(first[0]) == {
        "lease", "item", "query", "wording", "document", "title", "mono", "text", "base", "length",
        "start", "end", "label",
    }  # fmt: skip
    shown = first[0]
    spans = [[shown["start"], shown["start"] + 7]]
    body = {"lease": shown["lease"], "key": "k" * 8, "action": "grade", "grade": 3, "spans": spans}
    saved = post("save", body)
    assert (saved.status, saved.body["again"]) == (200, False)
    assert post("save", body).body == {**saved.body, "again": True}
    more = post("next", {"token": n.tokens[0], "tab": "t", "number": 2}).body
    assert more["left"] == ahead["left"] - 1 > 0
    (e,) = gold.read(n.workspace, "tonight").evidence[shown["query"]]
    assert e.exact == "passage"


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example:8501", "http://evil.example:8501"),  # DNS rebinding
        (HOST, "http://evil.example"),
        (HOST, "null"),
        (HOST, ""),
        ("", ""),
        ("localhost.evil.example", "http://localhost.evil.example"),
    ],
)
def test_other_pages_are_refused(night, ask, host, origin):
    n = night()
    answer = ask(n)("next", {"token": n.tokens[0], "tab": "t"}, host, origin)
    assert answer.status == 403
    with n.workspace.read() as db:
        assert db.execute("SELECT count(*) FROM leases").fetchone()[0] == 0


@pytest.mark.parametrize("host", ["127.0.0.1:80", "[::1]:8501", "localhost"])
def test_every_name_of_this_machine_is_taken(night, ask, host):
    n = night()
    assert ask(n)("next", {"token": n.tokens[0], "tab": "t"}, host, f"http://{host}").status == 200


def test_a_shared_server_answers_to_its_own_name(night, ask, monkeypatch):
    n = night()
    monkeypatch.setenv("PIZZA_HOSTS", "box.lan,10.0.0.7")
    for host in ("box.lan:8501", "10.0.0.7"):
        answer = ask(n)("next", {"token": n.tokens[0], "tab": "t"}, host, f"http://{host}")
        assert answer.status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b"\xff", b'"x"', b"{}", b'{"token": 1}',
        b'{"lease": "x"}', b'{"token": "x", "tab": "y", "number": "many"}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["next", "save", "more", "search", "take", "release", "no-answer"])
def test_nonsense_is_refused_in_one_sentence(night, ask, name, body):
    answer = ask(night())(name, body)
    assert answer.status in (400, 403)
    assert answer.body["error"]


def test_a_body_is_bounded(night, ask):
    answer = ask(night())("save", b"x" * (routes.MAX_BODY + 1))
    assert (answer.status, "bytes" in answer.body["error"]) == (400, True)


def test_a_token_opens_nothing_but_its_own(night, ask):
    n = night(people=2)
    post = ask(n)
    (mine,) = post("next", {"token": n.tokens[0], "tab": "t", "number": 1}).body["items"]
    for stranger in (n.tokens[1], n.tokens[0], "", "x" * 32):
        body = {"lease": stranger, "key": "k" * 8, "action": "grade", "grade": 3}
        assert post("save", body).status == 403
    assert post("more", {"lease": n.tokens[0], "start": 0, "end": 9}).status == 403
    assert post("more", {"lease": mine["lease"], "start": 0, "end": 9}).status == 200


def test_onlookers_look_on(night, ask):
    n = night()
    onlooker = evenings.token(n.workspace, evenings.join(n.workspace, n.evening, "o", "onlooker"))
    post = ask(n)
    assert post("next", {"token": onlooker, "tab": "t"}).status == 403
    assert post("search", {"token": onlooker, "words": "says"}).status == 403
    assert post("no-answer", {"token": onlooker, "query": "q0"}).status == 403


def test_search_and_take(night, ask):
    n = night(queries=2, passages=4)
    post = ask(n)
    (hit, *_) = post("search", {"token": n.tokens[0], "words": "PASSAGE 003"}).body["hits"]
    marked = {hit["text"][a:b] for a, b in hit["matches"]}
    assert "003" in marked
    body = {"token": n.tokens[0], "tab": "t", "query": "q1", "document": "guide.md"}
    taken = post("take", {**body, "start": 0, "end": 11})
    assert taken.body["item"]["wording"] == "query 1"
    for bad in ({"start": 5, "end": 5}, {"start": -1, "end": 4}, {"start": 0, "end": 10**9}):
        assert post("take", {**body, **bad}).status == 400
    assert post("take", {**body, "document": "no.md", "start": 0, "end": 4}).status == 400
    assert post("take", {**body, "query": "nope", "start": 0, "end": 4}).status == 400
    pattern = post("search", {"token": n.tokens[0], "words": "(", "regex": True})
    assert (pattern.status, "RE2" in pattern.body["error"]) == (400, True)


def test_the_corpus_has_no_answer_and_has_one_after_all(night, ask):
    n = night()
    post = ask(n)
    body = {"token": n.tokens[0], "query": "q1"}
    assert post("no-answer", body).status == 200
    assert post("no-answer", body).status == 200
    assert gold.read(n.workspace, "tonight").queries[1].tags == ("no-answer",)
    post("no-answer", {**body, "none": False})
    assert gold.read(n.workspace, "tonight").queries[1].tags == ()


def test_a_tab_gives_back(night, ask):
    n = night(people=2)
    post = ask(n)
    post("next", {"token": n.tokens[0], "tab": "t", "number": 6})
    assert post("release", {"token": n.tokens[0], "tab": "t"}).status == 200
    assert len(leases.lease(n.workspace, n.tokens[1], "t", 6)) == 6
