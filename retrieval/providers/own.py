"""A team's own retriever behind a URL: `POST {"query", "k"}` -> `{"hits": [...]}`, best first.

The contract is docs/own-retriever.md. Nothing is followed or trusted: no redirect, no proxy, no
more than so many bytes, and no longer than so many seconds, however slowly an answer drips.
"""

import json
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, IncompleteRead
from threading import Event, Timer
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from retrieval.cost import Usage
from retrieval.errors import BadAnswer, InputError, Refused, SpecError
from retrieval.hits import Hit, hit_of
from retrieval.ingest.fields import parse_json, shown
from retrieval.providers.base import Asked, call
from retrieval.providers.vendor import Vendor
from retrieval.runtime import Runtime

MOST_BYTES = 32 * 1024 * 1024
MOST_HITS = 1_000
SAID = 10_000
"""Characters that are read of what a failing server says."""
SHORTEST = 8
"""Characters of a token that is looked for in answers."""
SECRET = re.compile(
    r"(?:^|[-_.]|(?-i:(?<=[a-z])(?=[A-Z]))|api|access|auth)"
    r"(?:key|token|secret|pass(?:word|wd)?|pwd|sig(?:nature)?|auth|credentials?)$",
    re.IGNORECASE,
)
"""Names of parameters whose values are not to be kept: `api_key`, `access-token`, `sig`."""


@dataclass(frozen=True)
class Answer:
    """What a retriever returned for a query: its first k hits, and how many there were beyond."""

    hits: tuple[Hit, ...]
    beyond: int = 0


@dataclass(frozen=True)
class Server:
    """Where a retriever listens; `token_env` names the variable that holds its bearer token."""

    url: str
    token_env: str = ""
    at_once: int = 4

    def __post_init__(self) -> None:
        _check(self.url)
        if not 1 <= self.at_once <= 64:
            raise SpecError(f"at_once must be from 1 to 64 calls, not {self.at_once!r}")

    @cached_property
    def parts(self) -> SplitResult:
        """Return the parts of the address."""
        return urlsplit(self.url)

    @cached_property
    def vendor(self) -> Vendor:
        """Return whom we call; priced, if at all, as `own@host:port/path`."""
        keys = (self.token_env,) if self.token_env else ()
        source, sdk = f"own@{self.parts.netloc}", ("http.client",)
        return Vendor(self.url, source, keys, "", sdk, at_once=self.at_once)

    @property
    def name(self) -> str:
        """Return the name under which its calls are priced."""
        return f"{self.vendor.source}/{self.model}"

    @property
    def model(self) -> str:
        """Return the path of the address."""
        return self.parts.path.strip("/") or "search"


def ask(server: Server, query: str, k: int, rt: Runtime) -> Answer:
    """Ask for the first k hits of a query.

    Raises:
        ProviderError: the server failed, or answered what cannot be right; begins with its address.
        OverBudget: a budget holds, and would be passed or the price is not known.
    """

    def send(seconds: float) -> tuple[Answer, None]:
        body = json.dumps({"query": query, "k": k}, ensure_ascii=False).encode()
        return read_answer(server, post(server, body, seconds), k), None

    return call(Asked(server.vendor, server.model, "search", Usage(searches=1), send), rt)


def read_answer(server: Server, data: bytes, k: int) -> Answer:
    """Read what a server answered; of more than k hits the first k.

    Raises:
        BadAnswer: it is not what the contract says; names the place in it.
    """
    where = "its answer"
    try:
        held = parse_json(data.decode())
        if not isinstance(held, dict) or not isinstance(held.get("hits"), list):
            raise InputError(f"not an object with a list of hits: {shown(held)}")
        hits = []
        for i, row in enumerate(held["hits"][:k]):
            where = f"hits[{i}]"
            hits.append(hit_of(row))
    except (InputError, UnicodeDecodeError) as e:
        problem = e.problem if isinstance(e, InputError) else "not UTF-8"
        inner = f"{where}.{e.where}" if isinstance(e, InputError) and e.where else where
        raise BadAnswer(server.url, f"gave what cannot be used, {inner}: {problem}") from None
    return Answer(tuple(hits), max(0, len(held["hits"]) - k))


class Failed(Exception):
    """A status that is an error, with the attributes by which it is read as a fault."""

    def __init__(self, response: HTTPResponse, body: Any) -> None:
        super().__init__(response.status)
        self.status_code, self.headers, self.body = response.status, response.headers, body


def post(server: Server, body: bytes, seconds: float) -> bytes:
    """Make one attempt; return the body of an answer with status 200.

    Raises:
        Failed: it answers with a status from 400 up.
        ProviderError: it redirects, or answers too much or with an odd status.
        OSError: it cannot be reached, is too slow, or ends before its answer does.
    """
    connection = _connected(server.parts, seconds)
    with _for(seconds, connection):
        target = server.parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        token = server.vendor.key()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request("POST", target, body, headers)
        response = connection.getresponse()
        if response.status == 200:
            return _without(token, _body(server, response))
        if response.status >= 400:
            raise Failed(response, _said(response))
        if response.status >= 300:
            bare = re.sub(r"[?#].*|(?<=//)[^/]*@", "", response.headers.get("Location", ""))
            there = shown(_without(token, bare.encode()).decode())
            raise Refused(
                server.url,
                f"redirects ({response.status}) to {there}, which is not followed;"
                " give the address that answers",
            )
        raise BadAnswer(server.url, f"answered with status {response.status}, expected 200")


def _connected(parts: SplitResult, seconds: float) -> HTTPConnection:
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection: HTTPConnection = HTTPSConnection(host, port, timeout=seconds, context=context)
    else:
        connection = HTTPConnection(host, port, timeout=seconds)
    connection.connect()
    return connection


@contextmanager
def _for(seconds: float, connection: HTTPConnection) -> Iterator[None]:
    """Give a connection so many seconds in all: a timeout of a socket begins anew at each byte."""
    late, line = Event(), connection.sock

    def end() -> None:
        late.set()
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception:
        if not late.is_set():
            raise
    finally:
        timer.cancel()
        connection.close()
        line.close()
    if late.is_set():  # what was read until then may look whole
        raise TimeoutError("the answer took too long")


def _body(server: Server, response: HTTPResponse) -> bytes:
    try:
        data = response.read(MOST_BYTES + 1)
    except IncompleteRead:
        raise ConnectionResetError("the answer was cut off") from None
    if len(data) > MOST_BYTES:
        raise BadAnswer(server.url, f"answered with more than {MOST_BYTES >> 20} MB")
    if response.length:
        raise ConnectionResetError("the answer was cut off")
    return data


def _without(token: str, said: bytes) -> bytes:
    """Blank a token that is sent back; one of few letters would blank what means something else."""
    return said.replace(token.encode(), b"***") if len(token) >= SHORTEST else said


def _said(response: HTTPResponse) -> Any:
    """Return the reason that a failing server gives: its JSON, else its words."""
    text = response.read(SAID).decode(errors="replace")
    try:
        return parse_json(text)
    except InputError:
        return text


def _check(url: str) -> None:
    """Refuse an address that is none, or that would be kept with a secret in it.

    Raises:
        SpecError: it is not http(s), has no host, or holds a name or password before its host or a
            key among its parameters; says nothing that might be one.
    """
    fix = "give one like http://localhost:8000/search"
    told = "what was given" if "@" in url else shown(re.split("[?#]", url)[0])
    try:
        parts = urlsplit(url)
        port, given = parts.port, [name for name, _ in parse_qsl(parts.query)]
    except ValueError:
        raise SpecError(f"{told} is not an address; {fix}") from None
    held = next((f"the parameter {shown(n)}" for n in given if SECRET.search(n)), "")
    if parts.username is not None or parts.password is not None:
        held = "a name or a password"
    if held:
        raise SpecError(
            f"the address of {parts.hostname!r} holds {held}, and addresses are kept with"
            " results; put a token into the environment and name its variable in token_env"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise SpecError(f"{told} is not an http or https address; {fix}")
    if not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise SpecError(f"{told} has to be percent-encoded to be an address; {fix}")
