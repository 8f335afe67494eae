"""Wording: when two ways of asking are the same question.

Measured on pairs of short queries, English and Korean, neither a ratio of characters nor the cosine
of use-m3 tells "import csv" from "export csv" (80 of 100, 0.82) while it joins "reset password"
with "how do i reset my password?" (68 of 100, 0.67). So what only frames a question is taken away
first, and words that tell two near questions apart (numbers, short names, opposites, the order of
"a to b") are held against the model.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from goldsets.formats.base import language_of

TIMES = 5
"""How much more frequent a word must be to correct one that is a single edit away."""

NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\u200b\u202a-\u202e\u2066-\u2069]")
"""Controls that are no white space, marks of byte order and direction, and zero-width spaces."""
SURROGATE = re.compile("[\ud800-\udfff]")
WORD = re.compile(r"\w+(?:['’]\w+)*[+#]*")
PLURAL = re.compile("(?=.*[aeiouy]).{2,}[^us]s")
HANGUL = re.compile("[가-힣]")

ASKING = re.compile(
    r"\b(?:how|where|want|need|trying|way)\s+to\b"
    r"|\b(?:(?:how|where|what)\s+)?(?:do|does|did|can|could|should|would|will|am|are|is)"
    r"\s+(?:i|we|you|one)\b"
    r"|\bwhat(?:['’]s|\s+is|\s+are)\b|\b(?:tell|help|show)\s+me\b"
)
FRAME = frozenset(
    WORD.findall("""
    a an the my our your i we me how please pls of for
    어떻게 어떡해 어떻게해요 방법 방법은 방법을 방법이 하나요 하는 하는법 하는방법 하려면 하죠
    하지요 해야 할 되나요 합니까 알려줘 알려주세요 알려 주세요 좀 싶어요 싶은데 싶습니다 무엇인가요
    무엇 뭔가요 뭐예요 뭐야 뭐 제 내 나의 저의 수 있나요 있을까요 있어요 받나요 받는 받으려면
    """)
)
"""Words that frame a question and do not tell what it is about."""
VERB_END = re.compile(
    "(?<=[가-힣a-z0-9]{2})(?:[하되](?:려면|나요|는지|는데|는|기|려고|고|면|죠|지요|고싶어요)"
    "|합니다|합니까|됩니까|할까요|해야|해줘|해주세요|하는법|하는방법|방법|할|한)$"
)
PARTICLE = re.compile(
    "(?<=[가-힣a-z0-9])[을를]$|(?<=[가-힣]{2})[은는이가]$|(?<=[a-z0-9])[은는이가]$"
)
DIRECTION = re.compile(
    "(?<=[가-힣a-z0-9])(?:으로|로|에서|에게|에|부터|까지|보다)$|^(?:to|from|into|than|vs)$"
)

NEGATIONS = frozenset(
    WORD.findall(
        "not no without except never cannot 안 못 안돼요 안되나요 안됨 안돼 없이 불가 제외"
    )
)
CONTRASTS = """
enable,activate disable,deactivate | import export | upload download | start,begin stop,end
open close | buy,purchase sell | left right | increase decrease | add,create remove,delete,drop
login,signin logout,signout | install uninstall | inner outer | max,maximum min,minimum | show hide
daily weekly monthly quarterly yearly,annual | before after | first last | old new | push pull
send receive | encrypt decrypt | encode decode | lock unlock | public private | merge split
subscribe unsubscribe | read write | row column | ios android | windows linux mac,macos | high low
change reset | domestic international | input output | cheap expensive | morning evening
ascending descending | horizontal vertical | north south east west | men,male women,female
front back | credit debit | sync async | accept decline | grant revoke | http https | minor major
로그인 로그아웃 | 가입 탈퇴 | 켜기 끄기 | 업로드 다운로드 | 추가 삭제,제거 | 입금 출금 | 영문 국문
일간 주간 월간 연간 | 열기 닫기 | 시작 종료,중지 | 매수,구매 매도,판매 | 신청 취소,해지 조회
교환 반품 환불 | 국내 해외 | 남성,남자 여성,여자 | 최대 최소 | 변경 찾기 | 설치 제거 | 증가 감소
출근 퇴근 | 보내기 받기 | 오전 오후 | 신용 체크 | 수입 수출 | 이전 이후 | 오름차순 내림차순
"""
"""Opposites, and others that a model takes for each other: `|` between topics, `,` in a side."""


@dataclass(frozen=True)
class Wording:
    """A query without its frame: `text` for a model, `words` to compare, `sign` to tell apart.

    Two queries whose signs differ (language; numbers and short names) are never near.
    """

    text: str
    words: tuple[str, ...]
    sign: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, str]:
        """Return what equal questions share: the words in any order, or without their spaces.

        Order counts where a word tells a direction: "pdf to word" is not "word to pdf".
        """
        ordered = any(map(_tells_direction, self.words))
        words = self.words if ordered else sorted(self.words)
        return " ".join(words), "".join(self.words)


def clean(text: str) -> str:
    """Return a text in NFC, on one line, without control characters and half characters."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    whole = SURROGATE.sub("", NO_TEXT.sub("", text))
    return " ".join(unicodedata.normalize("NFC", whole).split())


def normal(text: str) -> str:
    """Return a clean text with case folded: equal for exact duplicates."""
    return unicodedata.normalize("NFC", clean(text).casefold())


def wording(text: str, corrections: Mapping[str, str]) -> Wording:
    """Take a normal text's frame away, and correct its words."""
    bare = content(text)
    words = tuple(corrections.get(w, w) for w in map(stem, bare))
    marks = sorted(w for w in set(words) if _is_mark(w))
    return Wording(" ".join(bare), words, (language_of([text]), *marks))


def content(text: str) -> list[str]:
    """Return the words of a normal text that tell what it is about; all of it if none does."""
    words = [w for w in WORD.findall(ASKING.sub(" ", text)) if w not in FRAME]
    bare = map(_bare, words)
    return [w for w in bare if w not in FRAME] or WORD.findall(text) or [text]


@lru_cache(100_000)
def stem(word: str) -> str:
    """Return an English word's singular (the S stemmer of Harman, 1991), or the word as it is."""
    if not PLURAL.fullmatch(word):
        return word.removesuffix("'s").removesuffix("’s")
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1].removesuffix("'").removesuffix("’")


def differ(a: Wording, b: Wording) -> bool:
    """Tell whether near wordings ask for different things, whatever a model says.

    That is: the same words in another order, a negation, or opposites.
    """
    left, right = set(a.words) - set(b.words), set(b.words) - set(a.words)
    if {DIRECTION.sub("", w) for w in left} == {DIRECTION.sub("", w) for w in right}:
        return True
    if any(w in NEGATIONS or w.endswith(("n't", "n’t")) for w in left | right):
        return True
    return _are_opposite(left, right)


def corrections_of(counts: Mapping[str, int]) -> dict[str, str]:
    """Find misspelt words by how often each occurs: one edit away from a far more frequent one.

    Only words with the same first letter are compared, of 5 letters or 3 syllables and more; an
    edit of Hangul is one of a letter, not of a syllable.
    """
    blocks: dict[str, list[str]] = {}
    for word in sorted(counts, key=lambda w: (-counts[w], w)):
        if len(word) >= (3 if HANGUL.search(word) else 5) and word.isalpha():
            blocks.setdefault(unicodedata.normalize("NFD", word)[0], []).append(word)
    found: dict[str, str] = {}
    for words in blocks.values():
        letters = [unicodedata.normalize("NFD", w) for w in words]
        for start in range(0, len(words), 1000):
            piece = letters[start : start + 1000]
            near = cdist(piece, letters, scorer=OSA.distance, score_cutoff=1, dtype=np.uint8) == 1
            for row, column in np.argwhere(near):
                word, better = words[start + row], words[column]
                frequent = counts[better] >= TIMES * counts[word]
                if frequent and better not in found and not _are_opposite([word], [better]):
                    found.setdefault(word, better)
    return found


@lru_cache(100_000)
def _bare(word: str) -> str:
    return PARTICLE.sub("", VERB_END.sub("", word))


@lru_cache(100_000)
def _tells_direction(word: str) -> bool:
    return bool(DIRECTION.search(word))


@lru_cache(100_000)
def _is_mark(word: str) -> bool:
    return bool(re.search(r"[0-9+#]", word)) or (len(word) < 3 and word.isascii())


def _are_opposite(left: Iterable[str], right: Iterable[str]) -> bool:
    here, there = _sides(left), _sides(right)
    return any(topic in there and side != there[topic] for topic, side in here.items())


def _sides(words: Iterable[str]) -> dict[int, int]:
    return {topic: side for word in words for topic, side in _SIDES.get(word, ())}


_SIDES: dict[str, list[tuple[int, int]]] = {}
for _topic, _line in enumerate(re.split(r"[|\n]", CONTRASTS)):
    for _side, _words in enumerate(_line.split()):
        for _word in _words.split(","):
            _SIDES.setdefault(stem(_word), []).append((_topic, _side))
