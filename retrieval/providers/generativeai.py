"""Gemini through google-generativeai, whose support has ended: where the extra of its name is here.

It is used instead of google-genai when somebody has installed it, for the same models at the same
addresses with the same answers: what is made and kept does not depend on it.
"""

from collections.abc import Sequence
from typing import Any

from retrieval.cost import Usage
from retrieval.providers.chat import Prompt
from retrieval.providers.vendor import Vendor, load, one_client

MODULE, EXTRA = "google.generativeai", "google-generativeai"


def embed(
    vendor: Vendor, model: str, texts: Sequence[str], kind: str, width: int | None, seconds: float
) -> list[Any]:
    """Make one attempt; return a row of numbers a text."""
    cut = {"output_dimensionality": width} if width else {}
    answer = _configured(vendor.key(), vendor.base).embed_content(
        model=f"models/{model}",
        content=[{"parts": [{"text": text}]} for text in texts],  # as text it may not be empty
        task_type=kind,
        request_options=_once(seconds),
        **cut,
    )
    return list(answer["embedding"])


def write(
    vendor: Vendor, model: str, prompt: Prompt, temperature: float | None, seconds: float
) -> tuple[str, Usage | None]:
    """Make one attempt; return the text and what was counted."""
    warmth = {} if temperature is None else {"temperature": temperature}
    sdk = _configured(vendor.key(), vendor.base)
    chat = sdk.GenerativeModel(model, system_instruction=prompt.system or None)
    answer = chat.generate_content(
        "\n\n".join(filter(None, (prompt.document, prompt.ask))),
        generation_config={"max_output_tokens": prompt.max_tokens, **warmth},
        request_options=_once(seconds),
    )
    parts = answer.candidates[0].content.parts if answer.candidates else ()
    return "".join(part.text for part in parts), _used(answer.usage_metadata)


def _used(counts: Any) -> Usage | None:
    """Read the counts: what is neither prompt nor answer are thoughts, paid as output."""
    if not counts.prompt_token_count:
        return None
    read, asked = counts.cached_content_token_count, counts.prompt_token_count
    written = max(counts.total_token_count - asked, counts.candidates_token_count)
    return Usage(input=asked - read, output=written, cache_read=read)


def _once(seconds: float) -> dict[str, Any]:
    return {"timeout": seconds, "retry": None}


@one_client
def _configured(key: str, base: str | None) -> Any:
    """Import the package and tell it where to ask."""
    sdk = load(MODULE, EXTRA)
    options = {"api_endpoint": base} if base else None
    sdk.configure(api_key=key, transport="rest", client_options=options)
    return sdk
