"""The routes beside the pages: labels are saved, and items fetched, without a rerun of a script.

Each takes and gives JSON. A request is answered only when it comes from a page of this server
(Origin and Host are checked), and opens only what its token opens: a rater's token their queue, a
lease's token its item.
"""

import json
import os
from collections.abc import Awaitable, Callable
from functools import lru_cache, wraps
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from goldsets.labelling import evening as evenings
from goldsets.labelling.find import Hit, find
from goldsets.store import leases, open_workspace
from goldsets.store.labels import Passage
from goldsets.store.leases import Leased
from retrieval.errors import Forbidden, InputError, PizzaError
from retrieval.ingest.media import is_prose
from retrieval.store import Workspace, corpora
from retrieval.types import Corpus, Span

MAX_BODY = 64 * 1024
AROUND = 1_500
"""Characters of the document sent before and after a passage."""
AT_MOST = 40_000
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

Answer = dict[str, Any]


@lru_cache(maxsize=1)
def workspace() -> Workspace:
    """Open the workspace once for all requests."""
    return open_workspace()


def hosts() -> tuple[str, ...]:
    """Return the names this server may be asked by."""
    shared = os.environ.get("PIZZA_HOSTS", "")
    return (*LOOPBACK, *(h for h in shared.split(",") if h))


def check_origin(request: Request) -> None:
    """Refuse what does not come from a page of this server.

    Raises:
        Forbidden: the Host is not one of this server's, or the Origin is another.
    """
    host = request.headers.get("host", "")
    name = urlsplit(f"//{host}").hostname or ""
    if f"[{name}]" not in hosts() and name not in hosts():
        raise Forbidden(f"this server is not {name!r}; name it with PIZZA_HOSTS")
    if urlsplit(request.headers.get("origin", "")).netloc != host:
        raise Forbidden("the request came from another page")


def answering(answer: Callable[[Answer], Answer]) -> Callable[[Request], Awaitable[Response]]:
    """Make a route of a function of a JSON object; what it raises on purpose is said to the page.

    400 says that the request cannot be used, 403 that its token does not open it.
    """

    @wraps(answer)
    async def route(request: Request) -> Response:
        try:
            check_origin(request)
            body = await _body(request)
            return JSONResponse(await run_in_threadpool(answer, body))
        except Forbidden as e:
            return JSONResponse({"error": str(e)}, 403)
        except PizzaError as e:
            return JSONResponse({"error": str(e)}, 400)
        except (KeyError, TypeError, ValueError):
            return JSONResponse({"error": "the request has not the form it should have"}, 400)

    return route


async def _body(request: Request) -> Answer:
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) > MAX_BODY:
            raise InputError(f"a request may have {MAX_BODY:,} bytes")
    read = json.loads(held)
    if not isinstance(read, dict):
        raise TypeError
    return read


@answering
def following(body: Answer) -> Answer:
    """Lease what a tab has in hand: `{token, tab, number, at}` to `{items, left}`."""
    token, tab, at = str(body["token"]), str(body["tab"])[:64], str(body.get("at", ""))
    number = min(max(int(body.get("number", 5)), 1), 20)
    leased = leases.lease(workspace(), token, tab, number, at)
    return {"items": [shown(x) for x in leased], "left": leases.left(workspace(), token)}


@answering
def save(body: Answer) -> Answer:
    """Log a label: `{lease, key, action, grade, spans, note, seconds}` to `{saved}`."""
    spans = [Span(_integer(a), _integer(b)) for a, b in body.get("spans", ())]
    seconds = body.get("seconds")
    saved = leases.save(
        workspace(),
        str(body["lease"]),
        str(body["key"]),
        str(body["action"]),
        body.get("grade"),
        spans,
        str(body.get("note", "")),
        None if seconds is None else float(seconds),
    )
    return {"saved": saved.id, "item": saved.item, "again": saved.again}


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value


@answering
def release(body: Answer) -> Answer:
    """Give back what a closing tab holds: `{token, tab}`."""
    leases.release(workspace(), str(body["token"]), str(body["tab"])[:64])
    return {}


@answering
def more(body: Answer) -> Answer:
    """Return more of the document around an item: `{lease, start, end}` to `{text, base}`."""
    leased = leases.held(workspace(), str(body["lease"]))
    start = max(0, min(_integer(body["start"]), leased.item.start))
    end = max(_integer(body["end"]), leased.item.end)
    return {"text": leased.text[start : min(end, start + AT_MOST)], "base": start}


@answering
def search(body: Answer) -> Answer:
    """Find passages by words or a pattern: `{token, words, regex}` to `{hits}`."""
    corpus = _corpus(str(body["token"]))
    hits = find(corpus, str(body["words"]), regex=bool(body.get("regex")))
    return {"hits": [_hit(corpus, h) for h in hits]}


def _hit(corpus: Corpus, hit: Hit) -> Answer:
    document = corpus.documents[corpus.row[hit.document]]
    return {
        "document": hit.document,
        "title": document.label,
        "start": hit.start,
        "end": hit.end,
        "text": document.text[hit.start : hit.end],
        "matches": [[m.start - hit.start, m.end - hit.start] for m in hit.matches[:50]],
    }


@answering
def take(body: Answer) -> Answer:
    """Take a passage into one's hands: `{token, tab, query, document, start, end}` to `{item}`."""
    token, corpus = str(body["token"]), _corpus(str(body["token"]))
    start, end = _integer(body["start"]), _integer(body["end"])
    document = str(body["document"])
    length = len(corpus.documents[corpus.row[document]].text) if document in corpus.row else 0
    if not 0 <= start < end <= min(length, start + AT_MOST):
        raise InputError(f"there is no passage from {start} to {end} in {document!r}")
    passage = Passage(str(body["query"]), document, start, end, "search")
    tab = str(body["tab"])[:64]
    return {
        "item": shown(
            leases.add_found(workspace(), token, tab, corpus.name, corpus.version, passage)
        )
    }


@answering
def no_answer(body: Answer) -> Answer:
    """Say that the corpus has no answer to a query, or that it has: `{token, query, none}`."""
    none = bool(body.get("none", True))
    evenings.say_no_answer(workspace(), str(body["token"]), str(body["query"]), none)
    return {}


def _corpus(token: str) -> Corpus:
    """Read the corpus a rater's token opens.

    Raises:
        Forbidden: the token is nobody's, or that of an onlooker.
    """
    name = evenings.corpus_of(workspace(), token)
    return _held(name, corpora.versions(workspace(), name)[0].number)


@lru_cache(maxsize=4)
def _held(name: str, version: int) -> Corpus:
    return corpora.read(workspace(), name, version)


def shown(leased: Leased) -> Answer:
    """Make of a leased item what its rater may see: nothing of pipelines, ranks or others."""
    item, label = leased.item, leased.label
    base, high = max(0, item.start - AROUND), min(len(leased.text), item.end + AROUND)
    mine = None
    if label is not None:
        spans = [[s.start, s.end] for s in label.spans]
        mine = {"action": label.action, "grade": label.grade, "spans": spans, "note": label.note}
    return {
        "lease": leased.token,
        "item": item.id,
        "query": item.query,
        "wording": leased.wording,
        "document": item.document,
        "title": leased.title,
        "mono": not is_prose(leased.media),
        "text": leased.text[base:high],
        "base": base,
        "length": len(leased.text),
        "start": item.start,
        "end": item.end,
        "label": mine,
    }


ROUTES = [
    Route(f"/api/label/{name}", route, methods=["POST"])
    for name, route in {
        "next": following,
        "save": save,
        "release": release,
        "more": more,
        "search": search,
        "take": take,
        "no-answer": no_answer,
    }.items()
]
