"""A server on this machine that answers as vendors do, checks what they would, fails to order."""

import base64
import hashlib
import json
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Body = dict[str, Any]
KEY = "key-of-the-test-4f8a1c"


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: Body


class Wrong(Exception):
    """What a vendor would answer with 400, or another status."""

    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.status = status


def direction(text: str, width: int) -> list[float]:
    """A vector that differs from text to text; not of length 1, as not every vendor's is."""
    seed = hashlib.sha256(text.encode()).digest()
    return [(seed[i % 32] + i % 7) / 100 - 1.2 for i in range(width)]


@dataclass
class Vendors:
    """`play("429", "503", ...)` is what the next requests get; `bend` alters good answers.

    `says` writes what chat models answer to the system's text and what they were asked.

    Faults: a status; "429 after 0.3" with Retry-After; "hang"; "drop"; "html".
    """

    requests: list[Request] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    for_ever: str = ""
    hang_seconds: float = 1.0
    bend: Callable[[Body], Body] | None = None
    says: Callable[[str], str] | None = None
    slow_seconds: float = 0.0
    cached: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    in_flight: int = 0
    most_in_flight: int = 0

    def play(self, *faults: str) -> None:
        self.faults = list(faults)

    @property
    def texts(self) -> list[str]:
        """Every text that was sent to be embedded."""
        return [text for r in self.requests for text in texts_of(r.body)]

    def __enter__(self) -> Self:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def next_fault(self) -> str:
        with self.lock:
            return self.faults.pop(0) if self.faults else self.for_ever


def texts_of(body: Body) -> Sequence[str]:
    given = body.get("texts") or body.get("input") or []
    return [given] if isinstance(given, str) else given


def handler_of(vendors: Vendors) -> type[BaseHTTPRequestHandler]:
    class Bound(Handler):
        pass

    Bound.vendors = vendors
    return Bound


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or the body waits 40 ms for the headers' acknowledgement
    vendors: Vendors

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.send(405, {"message": "POST is what this takes"})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {k.lower(): v for k, v in self.headers.items()}
        request = Request(self.path.split("?")[0], headers, json.loads(raw))
        vendors = self.vendors
        with vendors.lock:
            vendors.requests.append(request)
            vendors.in_flight += 1
            vendors.most_in_flight = max(vendors.most_in_flight, vendors.in_flight)
        try:
            time.sleep(vendors.slow_seconds)
            self.reply(request, vendors.next_fault())
        finally:
            with vendors.lock:
                vendors.in_flight -= 1

    def reply(self, request: Request, fault: str) -> None:
        if fault == "drop":
            self.close_connection = True
            self.connection.close()
        elif fault == "html":
            self.send(200, "<html>Sign in to the guest network</html>")
        elif fault and fault != "hang":
            status, _, seconds = fault.partition(" after ")
            said = {"message": f"no, says the stub to {KEY}", "code": int(status)}
            body = {"error": said, "message": said["message"], "detail": said["message"]}
            self.send(int(status), body, {"Retry-After": seconds} if seconds else {})
        else:
            time.sleep(self.vendors.hang_seconds if fault else 0)
            self.send(*answer(self.vendors, request))

    def send(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        kind = "text/html" if isinstance(body, str) else "application/json"
        lengths = {"content-type": kind, "content-length": str(len(data))}
        for name, value in {**lengths, **(headers or {})}.items():
            self.send_header(name, value)
        try:
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            pass  # who asked has gone


def answer(vendors: Vendors, request: Request) -> tuple[int, Body]:
    try:
        route = next((r for p, r in ROUTES.items() if request.path.endswith(p)), None)
        if route is None:
            raise Wrong(f"there is no {request.path}", 404)
        good = route(vendors, request)
        return 200, vendors.bend(good) if vendors.bend else good
    except Wrong as e:
        return e.status, {"error": {"message": str(e), "code": e.status}, "message": str(e)}
    except (KeyError, TypeError, AttributeError) as e:
        return 400, {"message": f"{type(e).__name__}: {e}"}


def need(holds: object, why: str, status: int = 400) -> None:
    if not holds:
        raise Wrong(why, status)


def bearer(request: Request) -> None:
    need(request.headers.get("authorization") == f"Bearer {KEY}", "bad key", 401)


def base64_of(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def embeddings(vendors: Vendors, request: Request) -> Body:
    """Voyage's and OpenAI's, which differ in what they take."""
    body = request.body
    bearer(request)
    texts = body["input"]
    need(texts and all(isinstance(t, str) for t in texts), "input must be strings")
    if body["model"].startswith("voyage"):
        need(request.path == "/v1/embeddings", "bad path", 404)
        need(body["input_type"] in ("query", "document"), "bad input_type")
        need(len(texts) <= 1000, "at most 1,000 texts")
        width = body.get("output_dimension") or 1024
    else:
        need("input_type" not in body, "unknown field input_type")
        need(len(texts) <= 2048, "at most 2,048 texts")
        own = {"text-embedding-3-large": 3072, "tiny": 8}.get(body["model"], 1536)
        width = body.get("dimensions") or own
    need(body["model"] != "unknown", "no such model", 404)
    shape = base64_of if body.get("encoding_format") == "base64" else list
    rows = [
        {"object": "embedding", "index": i, "embedding": shape(direction(t, width))}
        for i, t in enumerate(texts)
    ]
    used = sum(map(len, texts))
    usage = {"total_tokens": used, "prompt_tokens": used}
    return {"object": "list", "data": rows, "model": body["model"], "usage": usage}


def contextualized(vendors: Vendors, request: Request) -> Body:
    bearer(request)
    body = request.body
    need(body["input_type"] in ("query", "document"), "bad input_type")
    need(len(body["inputs"]) <= 1000, "at most 1,000 inputs")
    width = body.get("output_dimension") or 1024
    rows = [
        {
            "object": "list",
            "index": i,
            "data": [
                {
                    "object": "embedding",
                    "index": j,
                    "embedding": base64_of(direction("|".join([*texts, t]), width)),
                }
                for j, t in enumerate(texts)
            ],
        }
        for i, texts in enumerate(body["inputs"])
    ]
    used = sum(len(t) for texts in body["inputs"] for t in texts)
    return {"object": "list", "data": rows, "model": body["model"], "usage": {"total_tokens": used}}


def relevance(query: str, text: str) -> float:
    asked, found = set(query.lower().split()), set(text.lower().split())
    return len(asked & found) / max(len(asked), 1)


def ranked(body: Body) -> list[Body]:
    need(len(body["documents"]) <= 1000, "at most 1,000 documents")
    scores = [relevance(body["query"], text) for text in body["documents"]]
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    return [{"index": i, "relevance_score": scores[i]} for i in order]


def voyage_rerank(vendors: Vendors, request: Request) -> Body:
    bearer(request)
    need(request.path == "/v1/rerank", "bad path", 404)
    usage = {"total_tokens": 11}
    return {"object": "list", "data": ranked(request.body), "model": "m", "usage": usage}


def cohere_embed(vendors: Vendors, request: Request) -> Body:
    bearer(request)
    body = request.body
    need(len(body["texts"]) <= 96, "at most 96 texts")
    need(body["input_type"] in ("search_query", "search_document"), "bad input_type")
    need(body["embedding_types"] == ["float"], "bad embedding_types")
    width = body.get("output_dimension") or 1536
    rows = [direction(t, width) for t in body["texts"]]
    meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 9}}
    return {"id": "e", "embeddings": {"float": rows}, "texts": body["texts"], "meta": meta}


def cohere_rerank(vendors: Vendors, request: Request) -> Body:
    bearer(request)
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    return {"id": "r", "results": ranked(request.body), "meta": meta}


def written(vendors: Vendors, messages: Sequence[Mapping[str, str]]) -> str:
    """What `says` makes of all that a chat model was sent."""
    sent = "\n".join(m["content"] for m in messages if m["content"])
    return vendors.says(sent) if vendors.says else ""


def cohere_chat(vendors: Vendors, request: Request) -> Body:
    bearer(request)
    need(request.body["messages"][-1]["role"] == "user", "the user speaks last")
    said = written(vendors, request.body["messages"]) or "cohere says hi"
    message = {"role": "assistant", "content": [{"type": "text", "text": said}]}
    units = {"input_tokens": 5, "output_tokens": 3}
    usage = {"billed_units": units, "tokens": units}
    return {"id": "c", "finish_reason": "COMPLETE", "message": message, "usage": usage}


def gemini_embed(vendors: Vendors, request: Request) -> Body:
    need(request.headers.get("x-goog-api-key") == KEY, "bad key", 401)
    asked = request.body["requests"]
    for r in asked:  # an older SDK sends the numbers of the API's enumeration
        r["taskType"] = {1: "RETRIEVAL_QUERY", 2: "RETRIEVAL_DOCUMENT"}.get(
            r["taskType"], r["taskType"]
        )
    need(len(asked) <= 100, "at most 100 requests in one batch")
    need(all(r["taskType"].startswith("RETRIEVAL_") for r in asked), "bad taskType")
    texts = [r["content"]["parts"][0]["text"] for r in asked]
    request.body["texts"] = texts
    widths = [r.get("outputDimensionality") or 3072 for r in asked]
    return {"embeddings": [{"values": direction(t, w)} for t, w in zip(texts, widths, strict=True)]}


def gemini_chat(vendors: Vendors, request: Request) -> Body:
    need(request.headers.get("x-goog-api-key") == KEY, "bad key", 401)
    asked = request.body["contents"][0]["parts"][0]["text"]
    need(asked, "no text")
    told = request.body.get("systemInstruction") or {"parts": [{"text": ""}]}
    messages = [{"content": part["text"]} for part in (*told["parts"], {"text": asked})]
    said = {"role": "model", "parts": [{"text": written(vendors, messages) or "gemini says hi"}]}
    counts = {"promptTokenCount": 14, "cachedContentTokenCount": 4, "candidatesTokenCount": 3}
    usage = {**counts, "thoughtsTokenCount": 2, "totalTokenCount": 19}
    reply = [{"content": said, "finishReason": "STOP", "index": 0}]
    return {"candidates": reply, "usageMetadata": usage, "modelVersion": "m"}


def anthropic_chat(vendors: Vendors, request: Request) -> Body:
    body = request.body
    held = request.headers.get("x-api-key") == KEY
    need(held or request.headers.get("authorization") == f"Bearer {KEY}", "bad key", 401)
    need(request.headers.get("anthropic-version"), "anthropic-version is missing")
    need(isinstance(body["max_tokens"], int), "max_tokens is missing")
    blocks = body["messages"][-1]["content"]
    usage = defaultdict(int, input_tokens=0, output_tokens=3)
    for block in blocks:
        need(block["text"].strip(), "text must not be empty")
        words = len(block["text"].split())
        if "cache_control" not in block:
            usage["input_tokens"] += words
        elif block["text"] in vendors.cached:
            usage["cache_read_input_tokens"] += words
        else:
            usage["cache_creation_input_tokens"] += words
    vendors.cached |= {b["text"] for b in blocks if "cache_control" in b}
    said = f"context {hashlib.sha256(blocks[-1]['text'].encode()).hexdigest()[:6]}"
    messages = [{"content": body.get("system", "")}, *({"content": b["text"]} for b in blocks)]
    said = written(vendors, messages) or said
    about = {"id": "m", "type": "message", "role": "assistant", "model": body["model"]}
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    return {**about, **end, "content": [{"type": "text", "text": said}], "usage": dict(usage)}


def openai_chat(vendors: Vendors, request: Request) -> Body:
    bearer(request)
    need({"max_tokens", "max_completion_tokens"} & {*request.body}, "no bound on tokens")
    said = written(vendors, request.body["messages"]) or "gpt says hi"
    message = {"role": "assistant", "content": said}
    details = {"cached_tokens": 2}
    usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
    return {
        **{"id": "x", "object": "chat.completion", "created": 1, "model": request.body["model"]},
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {**usage, "prompt_tokens_details": details},
    }


ROUTES: Mapping[str, Callable[[Vendors, Request], Body]] = {
    "/contextualizedembeddings": contextualized,
    "/v2/embed": cohere_embed,
    "/v2/rerank": cohere_rerank,
    "/v2/chat": cohere_chat,
    "/embeddings": embeddings,
    "/rerank": voyage_rerank,
    ":batchEmbedContents": gemini_embed,
    ":generateContent": gemini_chat,
    "/v1/messages": anthropic_chat,
    "/chat/completions": openai_chat,
}
