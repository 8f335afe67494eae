"""The door of a shared server: nothing is answered before the passphrase has been said.

Where people sign in instead, the door lets in who names this server, and each page asks who it is.
"""

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from html import escape
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from goldsets.labelling.access import COOKIE_SECONDS, Gate, SignIn, Viewer
from pages.ui.routes import check_origin, hosts
from retrieval.errors import Forbidden, InputError

COOKIE = "pizza-night"
DOOR = "/api/enter"


@lru_cache(maxsize=1)
def gate() -> Gate | SignIn | None:
    """Return the door `pizza serve --share` has set up; None where the server is not shared.

    Raises:
        InputError: what it was set up with cannot be read.
    """
    match os.environ.get("PIZZA_GATE", "").split("|"):
        case [""]:
            return None
        case ["passphrase", raters, hosts_, secret]:
            return Gate(raters, hosts_, bytes.fromhex(secret))
        case ["sign-in", *emails]:
            return SignIn.of(emails)
        case _:
            raise InputError("PIZZA_GATE is not as pizza serve --share makes it")


def by_sign_in() -> bool:
    """Tell whether people come in by signing in."""
    return isinstance(gate(), SignIn)


def viewer(cookies: str, claims: Callable[[], Mapping[str, Any]]) -> Viewer | None:
    """Return who sent a Cookie header, or signed in; unshared, everybody is the server's host."""
    match gate():
        case None:
            return Viewer("host")
        case SignIn() as door:
            return door.viewer(claims())
        case Gate() as door:
            return _by_cookie(door, cookies)


def _by_cookie(door: Gate, cookies: str) -> Viewer | None:
    try:
        morsel = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return door.viewer(morsel.value) if morsel else None


class Door:
    """Middleware: pages, sockets and routes of a shared server are behind the door."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through who is known; send the others to the door."""
        door = gate()
        if scope["type"] not in ("http", "websocket") or door is None:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        named = headers.get("host", "").rsplit(":", 1)[0] in hosts()
        open_ = isinstance(door, SignIn) or scope["path"] in (DOOR, "/_stcore/health")
        if named and (open_ or _by_cookie(door, headers.get("cookie", ""))):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})
        else:
            page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
            answer = RedirectResponse(DOOR, 303) if page and named else Response(status_code=403)
            await answer(scope, receive, send)


async def knock(request: Request) -> Response:
    """Show the door."""
    return _page("") if isinstance(gate(), Gate) else RedirectResponse("/", 303)


async def enter(request: Request) -> Response:
    """Take the passphrase; let in with a cookie, or say in one sentence why not."""
    held = gate()
    if not isinstance(held, Gate):
        return RedirectResponse("/", 303)
    try:
        check_origin(request)
        body = (await request.body())[:4096]
        said = parse_qs(body.decode("utf-8", "replace")).get("passphrase", [""])[0]
        address = request.client.host if request.client else ""
        cookie = await run_in_threadpool(held.enter, said, address)
    except Forbidden as e:
        return _page(str(e), 403)
    answer = RedirectResponse("/pizza_night", 303)
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=int(COOKIE_SECONDS),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def _page(problem: str, status: int = 200) -> Response:
    body = PAGE.replace("{problem}", escape(problem))
    policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
    return HTMLResponse(body, status, {"content-security-policy": policy})


PAGE = """<!doctype html><meta charset="utf-8"><title>Pizza Night</title>
<meta name="viewport" content="width=device-width">
<style>
body { font: 16px/1.5 system-ui, sans-serif; background: #faf7f2; color: #1f2328;
  display: grid; place-items: center; min-height: 90vh; margin: 0; }
form { background: #fff; border: 1px solid #e5e0d8; border-radius: 10px; padding: 2rem;
  width: 20rem; }
h1 { font-size: 1.3rem; margin: 0 0 1rem; }
input, button { font: inherit; width: 100%; box-sizing: border-box; padding: .55rem .8rem;
  border-radius: 8px; border: 1px solid #d9d3c8; margin-top: .4rem; }
button { background: #b93d0b; color: #fff; border: 0; font-weight: 600; margin-top: 1rem; }
p { color: #b93d0b; margin: .8rem 0 0; min-height: 1.5em; }
</style>
<form method="post" action="/api/enter"><h1>🍕 Pizza Night</h1>
<label>Passphrase · 암호<input type="password" name="passphrase" autofocus required></label>
<button>Come in · 들어가기</button><p>{problem}</p></form>"""

ROUTES = [Route(DOOR, knock, methods=["GET"]), Route(DOOR, enter, methods=["POST"])]
