"""A team's own retriever on this machine, which keeps the contract and breaks it to order."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from retrieval.hits import Hit, row_of

Search = Callable[[str, int], list[Hit]]
MEGABYTE = 1024 * 1024
LOUD = [{"document": f"d{i}", "text": f"hit {i}", "score": float(-i)} for i in range(10_000)]


def nothing(query: str, k: int) -> list[Hit]:
    return []


@dataclass
class Retriever:
    """`play("429", "drop", ...)` is what the next requests get, `for_ever` all of them.

    Faults: a status; "429 after 0.3" with Retry-After; "302 URL"; "hang"; "drip"; "drop"; "html";
    "cut", "cut chunks" and "cut end"; "huge"; "flood"; or a body as it is.
    """

    search: Search = nothing
    token: str = ""
    requests: list[Mapping[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    for_ever: str = ""
    hang_seconds: float = 1.0
    slow_seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    in_flight: int = 0
    most_in_flight: int = 0

    def play(self, *faults: str) -> None:
        self.faults = list(faults)

    @property
    def asked(self) -> list[str]:
        return [str(r.get("query")) for r in self.requests]

    def __enter__(self) -> Self:
        handler = type("Bound", (Handler,), {"retriever": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/search"
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def next_fault(self) -> str:
        with self.lock:
            return self.faults.pop(0) if self.faults else self.for_ever


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    retriever: Retriever

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.send(405, {"error": "POST is what this takes"})

    def do_POST(self) -> None:
        raw, own = self.rfile.read(int(self.headers.get("content-length") or 0)), self.retriever
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        with own.lock:
            own.requests.append(body if isinstance(body, dict) else {})
            own.headers.append({k.lower(): v for k, v in self.headers.items()})
            own.in_flight += 1
            own.most_in_flight = max(own.most_in_flight, own.in_flight)
        try:
            time.sleep(own.slow_seconds)
            self.reply(body, own.next_fault())
        except OSError:
            pass  # who asked has gone
        finally:
            with own.lock:
                own.in_flight -= 1

    def reply(self, body: Any, fault: str) -> None:
        own = self.retriever
        if fault in FAULTS:
            FAULTS[fault](self)
        elif fault[:3].isdigit():
            status, _, more = fault.partition(" ")
            said = {"error": {"message": f"no, says the stub to {own.token or 'nobody'}"}}
            redirect = {"Location": more} if status.startswith("3") else {}
            wait = {"Retry-After": more.split()[1]} if more.startswith("after") else {}
            self.send(int(status), said, {**redirect, **wait})
        elif fault:
            self.send(200, fault)
        elif own.token and self.headers.get("authorization") != f"Bearer {own.token}":
            self.send(401, {"error": "who are you"})
        else:
            self.answer(body)

    def answer(self, body: Any) -> None:
        query, k = (body.get(name) if isinstance(body, dict) else None for name in ("query", "k"))
        if not isinstance(query, str) or type(k) is not int or k < 1:
            self.send(400, {"error": "query is a text and k a number from 1"})
            return
        hits = [row_of(hit) for hit in self.retriever.search(query, k)]
        self.send(200, {"hits": hits[:k]})

    def send(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.begin(status, {"content-length": str(len(data)), **(headers or {})})
        self.wfile.write(data)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def hang(self) -> None:
        time.sleep(self.retriever.hang_seconds)
        self.send(200, {"hits": []})

    def drip(self) -> None:
        """A byte at a time, so that no timeout of a socket ever ends."""
        self.begin(200, {"content-length": "100000"})
        for _ in range(100_000):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.02)

    def drip_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(100_000):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.02)

    def drop(self) -> None:
        self.close_connection = True
        self.connection.close()

    def cut(self) -> None:
        self.begin(200, {"content-length": "1000"})
        self.wfile.write(b'{"hits": [')
        self.close_connection = True

    def cut_chunks(self) -> None:
        self.begin(200, {"transfer-encoding": "chunked"})
        self.wfile.write(b'5\r\n{"hit\r\n')
        self.close_connection = True

    def huge(self) -> None:
        self.begin(200, {"transfer-encoding": "chunked"})
        for _ in range(200):
            self.wfile.write(b"100000\r\n" + b" " * MEGABYTE + b"\r\n")

    def flood(self) -> None:
        self.send(200, {"hits": LOUD})


FAULTS: dict[str, Callable[[Handler], None]] = {
    "hang": Handler.hang,
    "drip": Handler.drip,
    "drip headers": Handler.drip_headers,
    "drop": Handler.drop,
    "cut": Handler.cut,
    "cut chunks": Handler.cut_chunks,
    "huge": Handler.huge,
    "flood": Handler.flood,
    "html": lambda own: own.send(200, "<html>Sign in to the guest network</html>"),
}
