"""Kiwi, an analyser of Korean morphemes; its model lies inside a package (the extra `ko`).

Source: Lee, "Kiwi: Developing a Korean Morphological Analyzer Based on Statistical Language Models
and Skip-Bigram" (2024).
"""

import importlib.metadata
from functools import cache
from threading import Lock
from typing import Any

from retrieval.providers.vendor import load

_turn = Lock()
"""Loading takes seconds and half a gigabyte: two threads must not do it at once."""


def morphemes(text: str) -> list[tuple[str, str]]:
    """Return the morphemes of a text in order, each with its tag (of the Sejong tag set).

    Raises:
        MissingExtra: kiwipiepy is not installed.
    """
    with _turn:
        kiwi = _kiwi()
    return [(m.form, m.tag) for m in kiwi.tokenize(text)]


@cache
def version() -> str:
    """Return the versions of the analyser and its model: others find other morphemes."""
    try:
        packages = ("kiwipiepy", "kiwipiepy_model")
        return "/".join(importlib.metadata.version(package) for package in packages)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@cache
def _kiwi() -> Any:
    return load("kiwipiepy", "ko").Kiwi(num_workers=1)
