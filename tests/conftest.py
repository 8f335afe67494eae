"""What all tests share."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

settings.register_profile("pizza", max_examples=60, deadline=None, derandomize=True)
settings.register_profile("explore", max_examples=5_000, deadline=None)  # by hand, now and then
settings.load_profile("pizza")

MEMORY = Path("/dev/shm")


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what is imported: most of what there is."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory where there is such and room: SQLite's many fsyncs then cost nothing."""
    roomy = os.access(MEMORY, os.W_OK) and disk_usage(MEMORY).free > 1_000_000_000
    with TemporaryDirectory(dir=MEMORY if roomy else None, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def pizza_data() -> Path:
    """The folder of public data sets; tests that ask for it are skipped without PIZZA_DATA."""
    folder = os.environ.get("PIZZA_DATA")
    if not folder:
        pytest.skip("PIZZA_DATA does not point to the public data sets")
    return Path(folder)
