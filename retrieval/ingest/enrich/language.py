"""The language of a text, by its script and, in Latin letters, by the commonest words."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from retrieval.ingest.enrich.base import Enricher, Values, distinct
from retrieval.ingest.parse import Described, Kind, Piece

SAMPLE = 4_000
"""Characters of a text that are looked at."""
SHARE = 0.2
"""Of the letters, that make a script the text's: Korean is written with many Latin words."""
LEAST_WORDS, LEAST_SHARE, LEAST_LEAD = 2, 0.06, 1.3
"""Different common words of a language, and their share, that it takes; its lead on the next."""
TAG = re.compile(r"<[^<>]*>")
NAME = re.compile(r"[/_=@\\]|\w\.\w")
"""What makes a word an address, a path or a name: these are in no language."""
LATIN = "latin"
SCRIPTS = {
    "ko": ((0x1100, 0x1200), (0x3130, 0x3190), (0xAC00, 0xD7B0)),
    "ja": ((0x3041, 0x3100),),
    "zh": ((0x3400, 0x4DC0), (0x4E00, 0xA000)),
    "ru": ((0x0400, 0x0530),),
    "el": ((0x0370, 0x0400),),
    "he": ((0x0590, 0x0600),),
    "ar": ((0x0600, 0x0700), (0x0750, 0x0780)),
    "hi": ((0x0900, 0x0980),),
    "bn": ((0x0980, 0x0A00),),
    "ta": ((0x0B80, 0x0C00),),
    "te": ((0x0C00, 0x0C80),),
    "th": ((0x0E00, 0x0E80),),
    "ka": ((0x10A0, 0x1100),),
    "hy": ((0x0530, 0x0590),),
    LATIN: ((0x41, 0x5B), (0x61, 0x7B), (0xC0, 0x250), (0x1E00, 0x1F00)),
}
"""The blocks of each language's own letters, `[start, end)`."""
SYLLABLES = ("ko", "ja", "zh")
"""Languages that write a syllable or more in a letter: it counts as two."""
TELLING = {"ru": ("uk", re.compile("[іїєґ]")), "ar": ("fa", re.compile("[پچژگ]"))}
"""Letters that make one language of a script another."""
COMMON = {
    "en": "the of and to in is that it for was on are with as be this by have not or at from you",
    "de": "der die und das ist nicht ein eine zu den mit von im auf für des sich dem als auch wird",
    "fr": "le la les de des et est une un que pas pour dans qui sur au du avec ce sont par plus",
    "es": "el la los las de que en un una es por con para del se al lo como más su son",
    "pt": "os as de que em um uma não para com do da no na por se dos ao mais como",
    "it": "il la di che non un una per con del della le gli si in da sono come nel alla",
    "nl": "de het een en van is dat niet in op te zijn voor met die aan er ook wordt naar bij",
    "sv": "och att det som en är på för av med den inte ett till har om jag var kan från",
    "da": "og at det som en er på for af med den ikke et til har om jeg var kan fra der",
    "fi": "ja on ei että se oli hän mutta joka ovat kun kuin mitä tämä niin myös sen tai",
    "pl": "na nie się do to jest że jak po przez od są dla za jego oraz ale",
    "cs": "se na je že do to ve si jsou za pro jako ale byl aby když není která",
    "tr": "ve bir bu da de için ile çok olarak daha olan gibi ne en kadar sonra ise mi",
    "id": "yang dan di itu dengan untuk tidak ini dari dalam akan pada adalah ke oleh atau",
    "vi": "là và của các có không được cho một những trong người với này đã khi để từ",
}
"""The commonest words of languages in Latin letters, of two letters and more."""


@dataclass(frozen=True)
class Language(Enricher):
    """`language`: what a chunk is written in (`ko`, `en`), code left out; else its document.

    Found by script and common words, without a model: Korean, Japanese, Chinese, Russian,
    Ukrainian, Greek, Hebrew, Arabic, Persian, Hindi, Bengali, Tamil, Telugu, Thai, Georgian,
    Armenian; English, German, French, Spanish, Portuguese, Italian, Dutch, Swedish, Danish,
    Finnish, Polish, Czech, Turkish, Indonesian, Vietnamese. It cannot tell others of a script from
    these (Norwegian reads as Danish, Marathi as Hindi, Bulgarian as Russian), nor simplified from
    traditional Chinese, nor Korean in Latin letters; a few words without a common one say nothing.
    """

    fields: ClassVar[tuple[str, ...]] = ("language",)

    def rows(self, d: Described, pieces: Sequence[Piece]) -> Iterator[tuple[Values, ...]]:
        """Look at the chunks, and once at the document."""
        own = language_of(_prose(d, (0, len(d.document.text))))
        for piece in pieces:
            yield (distinct([language_of(_prose(d, piece)) or own]),)


def language_of(text: str) -> str:
    """Return the language's code (ISO 639-1), or nothing where it cannot be told."""
    words = TAG.sub(" ", text[:SAMPLE]).split()
    text = " ".join(word for word in words if not NAME.search(word))
    counts = _letters(text)
    letters = sum(counts.values())
    if counts["ja"] >= 0.05 * letters and counts["ja"] + counts["zh"] > SHARE * letters:
        return "ja"
    foreign = {code: n for code, n in counts.items() if code != LATIN}
    most = max(foreign, key=foreign.__getitem__)
    if foreign[most] > SHARE * letters:
        other, letter = TELLING.get(most, ("", None))
        return other if letter and letter.search(text.lower()) else most
    return _by_words(text)


def _prose(d: Described, piece: Piece) -> str:
    """Return a span's text without its code, no more than is looked at."""
    parts: list[str] = []
    room = SAMPLE
    for b in d.touched(piece):
        if b.kind is not Kind.CODE and room > 0:
            parts.append(d.document.text[max(b.start, piece[0]) : min(b.end, piece[1])][:room])
            room -= len(parts[-1])
    return "\n".join(parts)


def _letters(text: str) -> dict[str, int]:
    """Weigh the letters of each script."""
    edges, codes = _table()
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    at = np.searchsorted(edges, points, "right")
    inside = at[at % 2 == 1] // 2
    counts = np.bincount(inside, minlength=len(codes)).tolist()
    totals = dict.fromkeys(SCRIPTS, 0)
    for code, n in zip(codes, counts, strict=True):
        totals[code] += 2 * n if code in SYLLABLES else n
    return totals


@cache
def _table() -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], list[str]]:
    """Return the edges of all blocks, ascending, and each block's language."""
    blocks = sorted((*block, code) for code, own in SCRIPTS.items() for block in own)
    edges = [edge for start, end, _ in blocks for edge in (start, end)]
    return np.array(edges), [code for _, _, code in blocks]


def _by_words(text: str) -> str:
    """Return the language whose common words, the fewer share one the more, are the most."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    scores, different = dict.fromkeys(COMMON, 0.0), Counter[str]()
    for word in set(words):
        different.update(_speaking().get(word, ()))
    for word in words:
        held = _speaking().get(word, ())
        for code in held:
            scores[code] += 1 / len(held)
    second, first = sorted(scores, key=scores.__getitem__)[-2:]
    enough = different[first] >= LEAST_WORDS and scores[first] >= LEAST_SHARE * len(words)
    return first if enough and scores[first] >= LEAST_LEAD * scores[second] else ""


@cache
def _speaking() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code, words in COMMON.items():
        for word in words.split():
            found.setdefault(word, []).append(code)
    return found
