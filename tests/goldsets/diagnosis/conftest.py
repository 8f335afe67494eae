from tests.retrieval.providers.conftest import server, vendors  # noqa: F401
