"""What is set up of a vendor: its key, its SDK, its address."""

from dataclasses import replace

import pytest

from retrieval.errors import InputError, MissingExtra, MissingKey
from retrieval.providers.gemini import VENDOR as GEMINI
from retrieval.providers.openai import VENDOR as OPENAI
from retrieval.providers.openai import OpenAI
from retrieval.providers.vendor import Vendor
from retrieval.providers.voyage import VENDOR as VOYAGE
from tests.retrieval.providers.stub import KEY, Vendors


def test_the_variable_that_holds_the_key_is_told_and_not_the_key(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (VOYAGE.key_name, GEMINI.key_name) == ("VOYAGE_API_KEY", "GEMINI_API_KEY")
    monkeypatch.delenv("GEMINI_API_KEY")
    assert GEMINI.key_name == ""
    monkeypatch.setenv("GOOGLE_API_KEY", f" {KEY}\n")
    assert (GEMINI.key_name, GEMINI.key()) == ("GOOGLE_API_KEY", KEY)
    monkeypatch.setenv("GOOGLE_API_KEY", "  ")
    with pytest.raises(MissingKey, match="set GEMINI_API_KEY or GOOGLE_API_KEY"):
        GEMINI.key()


def test_what_is_lacking_is_said_with_the_fix(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert VOYAGE.lacking == OPENAI.lacking == ()
    bare = Vendor("Oven", "oven", ("OVEN_KEY",), "OVEN_URL", ("no.such_either", "no_such"), "oven")
    assert bare.module == ""
    assert bare.lacking == (
        'the package no_such is not installed; run: pip install "pizza-night[oven]"',
        "Oven needs a key; set OVEN_KEY in the environment and start again",
    )
    with pytest.raises(MissingExtra, match="no_such is not installed"):
        bare.sdk()
    with pytest.raises(MissingExtra, match=r"run: pip install pizza-night$"):
        replace(bare, extra="").sdk()


def test_the_first_sdk_that_is_installed_is_used() -> None:
    both = replace(VOYAGE, modules=("no_such", "json.decoder", "json"))
    assert both.module == "json.decoder"
    assert both.sdk().JSONDecoder


def test_a_server_of_ones_own_lacks_no_key(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert OPENAI.lacking == ()
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert OPENAI.lacking == (
        "OpenAI needs a key; set OPENAI_API_KEY in the environment and start again",
    )


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        (
            "https://me:secret@example.org:8000/v1?token=secret#secret",
            "https://example.org:8000/v1",
        ),
        ("https://a:b@secret@example.org/", "https://example.org/"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_its_secrets(
    given: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", given)
    assert OPENAI.shown_base == shown


@pytest.mark.parametrize("given", ["me:secret@example.org/v1", "http://[secret", "http://x:secret"])
def test_an_address_that_is_none_is_said_and_not_shown(
    vendors: Vendors, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", given)
    said = "OPENAI_BASE_URL: is no address; give one such as https://example.org/v1"
    assert OPENAI.lacking == (said,)
    with pytest.raises(InputError) as caught:
        OpenAI("tiny", width=8).identity  # noqa: B018
    assert str(caught.value) == said
