"""The words of the labelling pages in English and Korean: a plain table, chosen in the page."""

import streamlit as st

from pages.ui import url

LANGUAGES = {"en": "English", "ko": "한국어"}

WORDS: dict[str, tuple[str, str]] = {
    # the desk
    "submit": ("Submit", "제출"),
    "undo": ("undo", "되돌리기"),
    "later": ("later", "나중에"),
    "skip": ("skip", "건너뛰기"),
    "cannot_tell": ("can't tell", "판단 불가"),
    "more_context": ("more text", "앞뒤 더 보기"),
    "search": ("search", "찾기"),
    "keys": ("keys", "단축키"),
    "saved": ("{saved} saved, all on disk", "{saved}건 저장됨, 모두 디스크에 기록"),
    "saving": ("{saved} saved, {n} not yet", "{saved}건 저장됨, {n}건 저장 중"),
    "offline": (
        "The server does not answer: {n} kept here, not yet saved, trying again",
        "서버가 응답하지 않습니다: {n}건을 여기 보관 중이며 다시 시도합니다",
    ),
    "refused": ("Not saved: {why}", "저장되지 않음: {why}"),
    "no_server": (
        "The labelling routes do not answer; is the app running by make app?",
        "라벨링 서버가 응답하지 않습니다. make app으로 실행했는지 확인하세요",
    ),
    "nothing_left": ("Nothing is left for you right now", "지금은 남은 항목이 없습니다"),
    "nothing_hint": (
        "New passages appear by themselves. Add queries on the Pizza night page; U undoes.",
        "새 항목은 자동으로 나타납니다. 피자 나이트 페이지에서 질의를 추가하거나 U로 되돌리세요.",
    ),
    "hint_grade": ("Does the passage answer the query? 0 to 3", "이 글이 질의에 답합니까? 0~3"),
    "hint_whole": (
        "Mark the words that answer, or Enter for the whole passage",
        "답이 되는 부분을 표시하거나, Enter로 글 전체를 제출하세요",
    ),
    "hint_marked": ("{n} marked · Enter", "{n}곳 표시됨 · Enter"),
    "hint_enter": ("Enter, or the same key again", "Enter 또는 같은 키를 한 번 더"),
    "grade_first": ("A grade first: 0 to 3", "먼저 등급을 고르세요: 0~3"),
    "nothing_to_undo": ("Nothing to undo", "되돌릴 것이 없습니다"),
    "click_removes": ("Click to remove", "클릭하면 지워집니다"),
    "why_not": (
        "Why can it not be told? Enter sends, Esc goes back",
        "판단할 수 없는 이유는? Enter 전송, Esc 취소",
    ),
    "search_hint": ("Words, all of them, then Enter", "찾을 낱말(모두 포함), Enter"),
    "regex": ("regular expression", "정규식"),
    "nothing_found": ("Nothing found", "찾은 것이 없습니다"),
    "no_answer": ("The corpus has no answer", "문서에 답이 없음"),
    "no_answer_said": ("Noted: no answer", "기록됨: 답 없음"),
    # the cheat sheet
    "k_grade": ("grade; the same key again submits", "등급, 한 번 더 누르면 제출"),
    "k_enter": ("submit and next", "제출하고 다음으로"),
    "k_words": ("walk word by word", "낱말 단위로 이동"),
    "k_mark": ("mark words", "낱말 표시"),
    "k_mouse": ("mark; a click removes", "표시, 클릭하면 지움"),
    "k_items": ("the item before, after", "이전, 다음 항목"),
    "k_undo": ("undo, as often as you like", "되돌리기(횟수 제한 없음)"),
    "k_skip": ("skip: somebody else's", "건너뛰기: 다른 사람에게"),
    "k_later": ("later", "나중에"),
    "k_cannot": ("can't tell, with a reason", "판단 불가(이유 입력)"),
    "k_more": ("more text above and below", "앞뒤 글 더 보기"),
    "k_search": ("search the documents", "문서에서 찾기"),
    "k_back": ("remove the last mark", "마지막 표시 지우기"),
    # the pages
    "label": ("Label", "라벨링"),
    "night": ("Pizza night", "피자 나이트"),
    "guidelines": ("Guidelines", "지침"),
    "language": ("Language", "언어"),
    "your_name": ("Your name", "이름"),
    "join": ("Join", "참여하기"),
    "join_hint": (
        "Your name stands beside your judgments in the log.",
        "이름은 판단 기록에 함께 남습니다.",
    ),
    "evening": ("Evening", "이브닝"),
    "no_evening": (
        "No pizza night has been started yet. Start one: a corpus, a few real queries, and go.",
        "아직 시작한 피자 나이트가 없습니다. 문서와 실제 질의 몇 개로 시작하세요.",
    ),
}

SHEET = (
    ("0 1 2 3 · A S D F", "k_grade"),
    ("Enter", "k_enter"),
    ("← →", "k_words"),
    ("Shift ← →", "k_mark"),
    ("mouse", "k_mouse"),
    ("Backspace", "k_back"),
    ("↑ ↓", "k_items"),
    ("U · Ctrl Z", "k_undo"),
    ("N", "k_skip"),
    ("L", "k_later"),
    ("X", "k_cannot"),
    ("E", "k_more"),
    ("/", "k_search"),
    ("?", "keys"),
)

MEANINGS_KO = {
    "not relevant": "관련 없음",
    "on topic": "주제만 같음",
    "answers in part": "일부 답이 됨",
    "answers": "답이 됨",
}


def choose() -> str:
    """Offer the language; return its code."""
    return url.row("Language", LANGUAGES, "lang", label_visibility="collapsed")


def table(language: str) -> dict[str, str]:
    """Return all words in a language."""
    return {name: pair[language == "ko"] for name, pair in WORDS.items()}


def meanings(grades: tuple[str, ...], language: str) -> list[str]:
    """Word the grades: the default meanings are translated, a team's own stay as they are."""
    return [MEANINGS_KO.get(g, g) if language == "ko" else g for g in grades]


def current() -> str:
    """Return the language chosen in this session, English if none was."""
    code = url.get("lang") or str(st.session_state.get("in-lang", "en"))
    return code if code in LANGUAGES else "en"
