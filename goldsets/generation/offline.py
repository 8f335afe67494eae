"""The stand-in without a key: key phrases and sentence templates, in English and Korean.

It reads no criteria and understands nothing; it is there so that the whole road can be walked
without a model, and its queries say by their origin that it wrote them. It answers as models are
asked to, in JSON, so that its answers go the same way.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from goldsets.formats.base import language_of
from goldsets.types import STAND_IN
from retrieval.ingest.chunk import SENTENCE_END
from retrieval.ingest.tokenize import ENGLISH_STOP_WORDS, HangulBigrams, folded, words
from retrieval.query.names import names_in
from retrieval.stage import Stage

if TYPE_CHECKING:
    from goldsets.generation.orders import Order
    from goldsets.generation.types import Passage


@dataclass(frozen=True)
class Offline(Stage[str]):
    """The offline stand-in, extractive: key phrases and sentence templates, no model, no calls."""

    @property
    def name(self) -> str:
        """Return the name that its queries carry."""
        return STAND_IN


ENOUGH_WORDS = 25
ENOUGH_SENTENCES = 2
SAME_WORDS = 0.75
"""The share of a query's words that a passage must hold to count as an answer."""

FENCE = re.compile(r"(```|~~~).*?(\1|\Z)", re.DOTALL)
NOISE = re.compile(
    r"\{[#.*][^}\n]*\}|<[^>\n]{1,200}>|!\[[^\]\n]*\]\([^)\n]*\)|^\s*([/|:#=~-]{3,}.*|\{\*.*\*\})$",
    re.MULTILINE,
)
LINK = re.compile(r"\[([^\]\n]*)\]\([^)\n]*\)")
HEADING = re.compile(r"^#{1,6}\s.*$", re.MULTILINE)
WORD = re.compile(r"[^\W_][\w.\-]*\w|\w")
VERBS = frozenset(
    re.findall(
        r"\w+",
        "add access apply avoid build call change check choose combine configure connect convert "
        "copy create customize debug declare define delete deploy disable document enable exclude "
        "export extend find generate get handle import include inspect install integrate launch "
        "limit list load make mix modify mount move open organize override pass post raise read "
        "receive redirect register remove rename replace restrict return reuse run save secure "
        "select send serve set share show sort split start stop store test try update upgrade "
        "upload use validate verify write",
    )
)
TROUBLE = re.compile(
    r"\b(error|exception|failure|warning|conflict|timeout|(permission|access) denied"
    r"|missing|invalid)\b",
    re.IGNORECASE,
)
TROUBLE_KO = re.compile(r"오류|에러|예외|실패|경고|문제|느려|충돌|안 되|않습니다|않는")
ERROR_NAME = re.compile(r"\b[A-Z]\w+(?:Error|Exception|Warning)\b|\b[45]\d\d\b")
SHAPED = re.compile(
    r"(?!.*\.(com|org|io|dev|net)\b)(?=.*(_|[a-z][A-Z]|[A-Z]{2}[a-z]|\.[A-Za-z]))"
    r"[A-Za-z][\w.-]*(\(\))?"
)
"""Names with the shape of an identifier, which plain words between quotation marks have not."""
GENERIC = re.compile(
    r"(recap|summary|overview|introduction|next steps?|check it|try it|technical details"
    r"|examples?|terms used.*|notes?|tips?|about"
    r"|요약|정리|개요|소개|다음 단계|예시|기술 세부사항|확인.*|참고)",
    re.IGNORECASE,
)
"""Headings that say nothing of what stands under them: the one above them does."""
ENDING = re.compile(r"(?<=[가-힣A-Za-z]{2})(에서|으로|은|는|이|가|을|를|에|의|로|와|과|도|만)$")
VERBAL = re.compile(r"[가-힣](다|요|면|고|해|한|할|된|되는|하는|있는|하게|않는|하여)$")
STOP = ENGLISH_STOP_WORDS | frozenset(
    re.findall(
        r"\w+",
        "you your we our i he she from can will would should could may might do does did have has "
        "had so than too very just about into over also more most some any all each other when "
        "where which who what how why up out using used use one two way same like see here",
    )
)


def judged(passage: "Passage") -> str:
    """Let passages through that are prose enough; the criteria are not read."""
    prose = sentences(passage.text)
    held = sum(len(s.split()) for s in prose)
    yes = held >= ENOUGH_WORDS and len(prose) >= ENOUGH_SENTENCES and bool(topic(passage))
    reason = f"{STAND_IN}, criteria not read: {held} words in {len(prose)} sentences of prose"
    return _json(reason=reason, yes=yes)


def answers(query: str, passages: Sequence["Passage"]) -> str:
    """Take a passage for an answer when it holds most of the query's words."""
    wanted = terms(query) - terms(" ".join(ASKING))
    here = {t for p in passages for t in terms(f"{p.place} {p.text}")}
    shared = len(wanted & here)
    yes = bool(wanted) and shared / len(wanted) >= SAME_WORDS
    reason = f"{STAND_IN}: {shared} of the query's {len(wanted)} words stand in it"
    quote = best_sentence(passages[0].text, query) if yes else ""
    return _json(reason=reason, yes=yes, quote=quote)


ASKING = (
    *("how do i use", "what is the", "what", "with"),
    *("difference between", "together with", "does mean", "getting", "should i know about"),
    *("어떻게", "사용하나요", "무엇인가요", "언제", "차이", "함께", "하려면", "해야", "하나요"),
)
"""The words of the templates, which no passage has to hold."""


def written(order: "Order") -> str:
    """Fill a template of the order's kind with key phrases; leave it empty where there are none."""
    passages = [s.passage for s in order.passages]
    text = passages[0].text
    own = language_of([text])
    query = ""
    if not order.language or order.language == own:
        query = (_korean if own == "ko" else _english)(order.kind, passages)
    if not query:
        return _json(query="", quotes=[])
    quotes = [best_sentence(p.text, f"{query} {topic(p)}") for p in passages]
    return _json(query=query, quotes=quotes)


def _english(kind: str, passages: Sequence["Passage"]) -> str:
    p = passages[0]
    about, text = _lower(topic(p)), p.text
    if kind == "multi_hop":
        other = _lower(topic(passages[1]))
        doing = about if about.split()[0] in VERBS else f"use {about}"
        return "" if other == about else f"How do I {doing} together with {other}?"
    if kind == "keywords":
        return " ".join(dict.fromkeys([*content(about)[:3], *phrases(text, about)[:1]]))
    if kind == "identifier":
        names = [n for n in names_in(text) if SHAPED.fullmatch(n)]
        return f"{names[0]} {' '.join(content(about)[:2])}" if names else ""
    if kind == "comparison":
        return _compared(text, "What is the difference between {a} and {b}?")
    if kind == "symptom":
        return _symptom(text, about)
    if kind != "question":
        return ""
    first = about.split()[0]
    if first in VERBS:
        return f"How do I {about}?"
    if first.endswith("ing"):
        return f"What should I know about {about}?"
    return f"How do I use {about}?" if "`" in text else f"What does {about} mean?"


def _symptom(text: str, about: str) -> str:
    trouble = next((s for s in sentences(text) if TROUBLE.search(s)), "")
    if not trouble:
        return ""
    name = ERROR_NAME.search(trouble) or ERROR_NAME.search(text)
    if name:
        return f"getting {name[0]} with {about}"
    word = TROUBLE.search(trouble)
    return f"{about} {word[0].lower()}" if word else ""


def _korean(kind: str, passages: Sequence["Passage"]) -> str:
    p = passages[0]
    about, text = topic(p), p.text
    if kind == "multi_hop":
        other = topic(passages[1])
        return (
            ""
            if other == about
            else f"{about}{_with(about)} {other}{_object(other)} 함께 사용하려면?"
        )
    if kind == "keywords":
        return " ".join(dict.fromkeys([*about.split()[:3], *phrases(text, about)[:1]]))
    if kind == "identifier":
        names = [n for n in names_in(text) if SHAPED.fullmatch(n)]
        return f"{names[0]} {about}" if names else ""
    if kind == "comparison":
        return _compared(text, "{a}{with} {b}의 차이는 무엇인가요?")
    if kind == "symptom":
        name = ERROR_NAME.search(text)
        return f"{about}에서 {name[0]} 오류" if name and TROUBLE_KO.search(text) else ""
    if kind != "question":
        return ""
    if about.endswith("기"):
        return f"{about}는 어떻게 하나요?"
    return f"{about}{_object(about)} 어떻게 사용하나요?"


def _compared(text: str, template: str) -> str:
    """Ask for the difference of two names of one shape that a sentence tells apart."""
    for sentence in sentences(text):
        a, b, *_ = (*(n for n in names_in(sentence) if n[0].isalpha()), "", "")
        apart = re.search(
            r"\b(instead of|unlike|rather than|but not|whereas|compared)\b|대신|달리", sentence
        )
        if a and b and apart and a not in b and b not in a:
            return template.replace("{with}", _with(a)).format(a=a, b=b)
    return ""


def topic(passage: "Passage") -> str:
    """Return what a passage is about: its heading, with the one above where it is a word alone."""
    every = (_plain(part) for part in (passage.title, *passage.path))
    named = [part for part in every if part and not GENERIC.fullmatch(part)]
    own = named[-1] if named else next(iter(phrases(passage.text, "")), "")
    above = next((n for n in reversed(named) if n.casefold() != own.casefold()), "")
    if len(own.split()) > 1 or not above or len(above.split()) > 4:
        return own
    korean = language_of([passage.text]) == "ko"
    return f"{above} {own}" if korean else f"{own} in {above}"


def _plain(heading: str) -> str:
    """Leave out what is no word of a heading: marks, links, an article, what follows a dash."""
    bare = re.sub(r"[`*#]|\s-\s.*$", " ", LINK.sub(r"\1", heading))
    return " ".join(re.sub(r"^(an?|the|about|use|using) ", "", bare, flags=re.I).split()).strip(
        " .:?!"
    )


def sentences(text: str) -> list[str]:
    """Return the sentences of a passage's prose: no code, headings, images or markup."""
    prose = LINK.sub(r"\1", NOISE.sub(" ", HEADING.sub("\n", FENCE.sub("\n", text))))
    parts = (part for line in re.split(r"\n\s*\n|\n(?=\s*[*-] )", prose) for part in _split(line))
    return [s for s in parts if len(s.split()) >= 4]


def best_sentence(text: str, about: str) -> str:
    """Return the line or sentence that shares most words with what is asked, as it stands."""
    wanted = terms(about)
    lines = [HEADING.sub("", part).strip() for part in re.split(r"\n+", FENCE.sub("\n", text))]
    parts = [s for line in lines for s in _split(line) if len(s.split()) >= 4] or lines
    held = [(len(wanted & terms(s)), -i) for i, s in enumerate(parts)]
    return parts[-max(held)[1]] if held else text.strip()


def terms(text: str) -> set[str]:
    """Return the terms of a text: stems, and pairs of Hangul syllables."""
    return {term for run in words().findall(text) for term in _terms(run)}


@lru_cache(100_000)
def _terms(run: str) -> Sequence[str]:
    return HangulBigrams().terms(run)


def phrases(text: str, about: str) -> list[str]:
    """Return the words that a passage says most often and that are no part of its topic."""
    known = {folded(w) for w in WORD.findall(about)}
    every = [w for s in sentences(text) for w in WORD.findall(s)]
    bare = (ENDING.sub("", folded(w)) for w in every if not VERBAL.search(w))
    said = Counter(w for w in bare if len(w) > 2 and w not in STOP | known)
    return [w for w, _ in said.most_common(5)]


def content(text: str) -> list[str]:
    """Return the words that say something, in order."""
    return [w for w in WORD.findall(text) if folded(w) not in STOP]


def _split(line: str) -> list[str]:
    ends = [m.end() for m in SENTENCE_END.finditer(line)]
    parts = (line[a:b].strip() for a, b in pairwise([0, *ends, len(line)]))
    return [part for part in parts if part]


def _lower(text: str) -> str:
    """Lower the first letter of words that are capitalised for being in a heading."""
    return " ".join(w.lower() if w[1:].islower() and w.isalpha() else w for w in text.split())


def _final(word: str) -> bool:
    """Tell whether a Korean word ends in a consonant; a foreign one is taken not to."""
    last = word.rstrip(") ")[-1:]
    return "가" <= last <= "힣" and (ord(last) - 0xAC00) % 28 != 0


def _object(word: str) -> str:
    return "을" if _final(word) else "를"


def _with(word: str) -> str:
    return "과" if _final(word) else "와"


def _json(**fields: object) -> str:
    return json.dumps(fields, ensure_ascii=False)
