from tests.retrieval.providers.conftest import quick, server, vendors  # noqa: F401
