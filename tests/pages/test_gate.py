"""The door of a server: which one stands there, and whom it lets through."""

import asyncio

import pytest

from goldsets.labelling.access import Gate, SignIn, Viewer, hashed
from pages.ui import gate
from retrieval.errors import InputError

PASSPHRASE = "|".join(("passphrase", hashed("margherita please"), hashed("a host's code"), "ab"))
CLAIMS = {"is_logged_in": True, "iss": "i", "sub": "s", "iat": 2**40, "email": "hana@example.org"}


@pytest.fixture
def door(monkeypatch):
    """Set up a door by what `pizza serve` tells the server."""

    def setting(said: str) -> None:
        monkeypatch.setenv("PIZZA_GATE", said)
        monkeypatch.setenv("PIZZA_HOSTS", "pizza.local")
        gate.gate.cache_clear()

    yield setting
    gate.gate.cache_clear()


def through(path="/", host="pizza.local:8501", kind="http", cookie="") -> bool:
    """Tell whether the app behind the door is asked."""
    asked = []

    async def app(scope, receive, send):
        asked.append(scope["path"])

    async def send(message):
        pass

    headers = [(b"host", host.encode()), (b"cookie", cookie.encode())]
    scope = {"type": kind, "method": "GET", "path": path, "headers": headers}
    asyncio.run(gate.Door(app)(scope, None, send))
    return bool(asked)


def test_alone_everybody_is_the_host_and_nobody_is_asked_who_they_are(door):
    door("")
    assert gate.gate() is None
    assert gate.viewer("", pytest.fail) == Viewer("host")
    assert through(host="evil.example")


def test_the_passphrase_opens_by_its_cookie(door):
    door(PASSPHRASE)
    held = gate.gate()
    assert isinstance(held, Gate)
    cookie = f"{gate.COOKIE}={held.cookie('rater')}"
    assert gate.viewer(cookie, pytest.fail).role == "rater"
    assert gate.viewer("", lambda: CLAIMS) is None
    assert through(cookie=cookie)
    assert not through()
    assert not through(host="evil.example", cookie=cookie)


def test_a_sign_in_opens_to_all_who_name_this_server_and_pages_ask_who_it_is(door):
    door("sign-in|hana@example.org|ann@example.org")
    assert isinstance(gate.gate(), SignIn)
    assert gate.viewer("", lambda: CLAIMS).role == "host"
    assert gate.viewer("", lambda: {**CLAIMS, "email": "x@y.z"}).role == "rater"
    assert gate.viewer(f"{gate.COOKIE}=host.x.9999999999.y", dict) is None
    for kind in ("http", "websocket"):
        assert through(kind=kind)
        assert not through(kind=kind, host="evil.example")
        assert not through(kind=kind, host="pizza.local.evil.example:8501")
    assert asyncio.run(gate.knock(None)).headers["location"] == "/"


@pytest.mark.parametrize("said", ["sign-in", "passphrase|x", "x", "sign-in|", "a|b|c"])
def test_a_door_that_cannot_be_read_opens_to_nobody(door, said):
    door(said)
    with pytest.raises(InputError):
        through()
    with pytest.raises(InputError):
        gate.viewer("", lambda: CLAIMS)
