"""Passages that speak to a model rather than to a reader, for people to look at.

Nothing rests on this: passages stand in prompts as data and answers are validated. It names what a
reader of the review should see, by patterns that anyone can read.
"""

import re

PATTERNS = (
    r"\b(ignore|disregard|forget|override)\b[^.\n]{0,40}\b(above|previous|prior|earlier|all|any)\b"
    r"[^.\n]{0,30}\b(instructions?|prompts?|text|rules?|messages?)\b",
    r"\b(ignore|disregard|forget) (all )?(of )?(the )?(above|previous|everything)\b",
    r"\b((answer|reply|respond|say) (only |just |always )?|(return|output) (only|just|always) )"
    r"(with )?[\"'`“]?(yes|no|true|false)\b",
    r"\byou are (now )?(an?|the) (\w+ )?(ai|assistant|language model|llm|chatbot|judge)\b",
    r"\b(system prompt|system message|new instructions?)\s*:",
    r"\b(as an? )?(ai|language) model,? (you|please)\b",
    r"<\|?/?(im_start|im_end|system|assistant|endoftext)\|?>|\[/?INST\]",
    r"(위|앞|이전|지금까지)의?\s*(모든\s*)?(내용|지시|명령|지침|프롬프트)[을를은는]?\s*(모두\s*)?(무시|잊)",
    r"(예|네|아니요|참|거짓|yes|no)(라고|로|으로)?만?\s*(답|대답|응답)(하|해)",
    r"(너는|당신은)\s*(이제\s*)?(인공지능|AI|언어\s*모델|챗봇|심사)",
)
HOSTILE = re.compile("|".join(f"(?:{p})" for p in PATTERNS), re.IGNORECASE)
MOST = 5


def addressed(text: str) -> tuple[str, ...]:
    """Return what of a text seems to instruct a model, at most five pieces; nothing if none."""
    found = (" ".join(m[0].split()) for m in HOSTILE.finditer(text))
    return tuple(dict.fromkeys(found))[:MOST]
