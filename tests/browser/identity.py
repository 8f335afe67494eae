"""A small identity provider (OpenID Connect, code flow); people say who they are by a link."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "pizza-night"


@dataclass
class Provider:
    """The provider: `people` are claims by subject; `issued` is every code and token it gave."""

    people: Mapping[str, Mapping[str, Any]]
    issuer: str = ""
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    issued: list[str] = field(default_factory=list)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    key: RSAKey = field(
        default_factory=lambda: RSAKey.generate_key(
            2048, {"kid": "one", "use": "sig", "alg": "RS256"}
        )
    )

    @property
    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def choices(self, query: dict[str, str]) -> str:
        """Return the page on which somebody says who they are."""
        assert query["client_id"] == CLIENT
        links = []
        for subject, claims in self.people.items():
            code = secrets.token_urlsafe(12)
            self.asked[code] = {**query, "sub": subject}
            back = urlencode({"code": code, "state": query["state"]})
            name = escape(claims["name"])
            links.append(f"<a href='{escape(query['redirect_uri'])}?{escape(back)}'>{name}</a>")
        return "<!doctype html>" + "<br>".join(links)

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        """Give the tokens a code stands for, once."""
        basic = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        assert basic == f"{CLIENT}:{self.secret}"
        asked = self.asked.pop(form["code"])
        proof = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(proof).decode().rstrip("=") == asked["code_challenge"]
        moment, access = int(time.time()), secrets.token_urlsafe(24)
        claims = {
            **self.people[asked["sub"]],
            **{"iss": self.issuer, "sub": asked["sub"], "aud": CLIENT, "nonce": asked["nonce"]},
            **{"iat": moment, "exp": moment + 600},
        }
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        self.issued += [form["code"], access, signed]
        return {"access_token": access, "token_type": "Bearer", "id_token": signed}


@contextmanager
def providing(people: Mapping[str, Mapping[str, Any]]) -> Iterator[Provider]:
    """Run a provider whose people have these claims."""
    provider = Provider(people)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                self.answer(provider.choices(dict(parse_qsl(parts.query))), "text/html")
            elif parts.path == "/keys":
                self.answer(json.dumps({"keys": [provider.key.as_dict(private=False)]}))
            else:
                self.answer(json.dumps(provider.metadata))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            given = provider.token(dict(parse_qsl(body)), self.headers["authorization"])
            self.answer(json.dumps(given))

        def answer(self, said: str, kind: str = "application/json") -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(said.encode())))
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
