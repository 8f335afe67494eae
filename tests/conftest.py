"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("pizza", max_examples=60, deadline=None, derandomize=True)
settings.register_profile("explore", max_examples=5_000, deadline=None)  # by hand, now and then
settings.load_profile("pizza")


@pytest.fixture(scope="session")
def pizza_data() -> Path:
    """The folder of public data sets; tests that ask for it are skipped without PIZZA_DATA."""
    folder = os.environ.get("PIZZA_DATA")
    if not folder:
        pytest.skip("PIZZA_DATA does not point to the public data sets")
    return Path(folder)
