from collections.abc import Iterator

import pytest

from retrieval.retry import Retry
from retrieval.runtime import Runtime
from retrieval.store import Workspace
from tests.retrieval.providers.stub import KEY, Vendors

KEYS = (
    *("VOYAGE_API_KEY", "CO_API_KEY", "COHERE_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
    *("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
QUICK = Retry(
    attempts=4, first_seconds=0.01, longest_seconds=0.02, deadline_seconds=20, timeout_seconds=10
)


@pytest.fixture(scope="session")
def server() -> Iterator[Vendors]:
    with Vendors() as vendors:
        yield vendors


@pytest.fixture
def vendors(server: Vendors, monkeypatch: pytest.MonkeyPatch) -> Vendors:
    """All vendors, at an address on this machine; nothing of what an earlier test asked."""
    fresh = Vendors()
    fresh.url = server.url
    server.__dict__.update({k: v for k, v in fresh.__dict__.items() if k not in ("lock",)})
    for name in (*PROXIES, *map(str.lower, PROXIES)):
        monkeypatch.delenv(name, raising=False)
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    for name in ("VOYAGE_API_KEY", "CO_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("VOYAGE_BASE_URL", f"{server.url}/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    monkeypatch.setenv("CO_API_URL", server.url)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    return server


@pytest.fixture
def quick(workspace: Workspace) -> Runtime:
    """A runtime over an empty workspace that tries again at once."""
    return Runtime(workspace, retry=QUICK)
