from tests.goldsets.evening import night  # noqa: F401
