"""The door of a shared server: nothing is answered before the passphrase has been said."""

import os
from functools import lru_cache
from html import escape
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from goldsets.labelling.access import COOKIE_SECONDS, Gate, Viewer
from pages.ui.routes import check_origin, hosts
from retrieval.errors import Forbidden

COOKIE = "pizza-night"
DOOR = "/api/enter"


@lru_cache(maxsize=1)
def gate() -> Gate | None:
    """Return the gate `pizza serve --share` has set up; None where the server is not shared."""
    held = os.environ.get("PIZZA_GATE", "")
    if not held:
        return None
    raters, hosts_, secret = held.split("|")
    return Gate(raters, hosts_, bytes.fromhex(secret))


def viewer(cookies: str) -> Viewer | None:
    """Return who sent a Cookie header; on an unshared server everybody is its host."""
    held = gate()
    if held is None:
        return Viewer("host")
    try:
        morsel = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return held.viewer(morsel.value) if morsel else None


class Door:
    """Middleware: pages, sockets and routes of a shared server are behind the passphrase."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through who is known; send the others to the door."""
        if scope["type"] not in ("http", "websocket") or gate() is None:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        named = headers.get("host", "").rsplit(":", 1)[0] in hosts()
        open_ = scope["path"] in (DOOR, "/_stcore/health")
        if named and (open_ or viewer(headers.get("cookie", ""))):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})
        else:
            page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
            answer = RedirectResponse(DOOR, 303) if page and named else Response(status_code=403)
            await answer(scope, receive, send)


async def knock(request: Request) -> Response:
    """Show the door."""
    return _page("")


async def enter(request: Request) -> Response:
    """Take the passphrase; let in with a cookie, or say in one sentence why not."""
    held = gate()
    if held is None:
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
button { background: #c2410c; color: #fff; border: 0; font-weight: 600; margin-top: 1rem; }
p { color: #c2410c; margin: .8rem 0 0; min-height: 1.5em; }
</style>
<form method="post" action="/api/enter"><h1>🍕 Pizza Night</h1>
<label>Passphrase · 암호<input type="password" name="passphrase" autofocus required></label>
<button>Come in · 들어가기</button><p>{problem}</p></form>"""

ROUTES = [Route(DOOR, knock, methods=["GET"]), Route(DOOR, enter, methods=["POST"])]
