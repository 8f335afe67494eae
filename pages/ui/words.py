"""The words of the labelling pages in English and Korean: a plain table, chosen in the page."""

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
    "saved": ("{saved} saved, {left} to go", "{saved}건 저장됨, {left}건 남음"),
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
    # the evening
    "about_night": (
        "One evening, one link: real queries, judged passages, a gold set to trust.",
        "하룻저녁, 링크 하나: 실제 질의와 판단한 글로 믿을 수 있는 골드셋을 만듭니다.",
    ),
    "v_tonight": ("Tonight", "오늘 밤"),
    "v_queries": ("Queries", "질의"),
    "v_agreement": ("Agreement", "일치도"),
    "v_disputes": ("Disagreements", "불일치"),
    "v_settings": ("Settings", "설정"),
    "new_evening": ("New evening", "새 이브닝"),
    "start_title": ("Start a pizza night", "피자 나이트 시작하기"),
    "name": ("Name", "이름"),
    "corpus": ("Corpus", "문서 모음"),
    "start": ("Start", "시작"),
    "raters": ("Raters an item", "항목당 평가자 수"),
    "raters_help": (
        "Two or more let you measure how far you agree.",
        "두 명 이상이면 일치도를 잴 수 있습니다.",
    ),
    "target": ("Target: queries", "목표 질의 수"),
    "guidelines_grades": ("Guidelines and grades", "지침과 등급"),
    "guidelines_md": ("Guidelines (Markdown)", "지침(마크다운)"),
    "guidelines_hint": (
        "What counts as an answer here, with an example or two.",
        "무엇을 답으로 볼지, 예를 한두 개 들어 적으세요.",
    ),
    "grades": ("Grades from 0 on, with commas", "0부터의 등급(쉼표로 구분)"),
    "answers_from": ("Evidence from grade", "근거로 보는 최소 등급"),
    "answers_help": (
        "Below it a passage is judged, and not relevant.",
        "이보다 낮으면 판단은 되었으나 관련 없는 글입니다.",
    ),
    "save": ("Save", "저장"),
    "close": ("Close the evening", "이브닝 닫기"),
    "open": ("Open it again", "다시 열기"),
    "host_only": ("Only a host changes the settings.", "설정은 호스트만 바꿀 수 있습니다."),
    "try_title": ("Try it alone, right now", "지금 혼자 해보기"),
    "try_about": (
        "{n} queries on the Python language reference, ready to judge."
        " Two minutes show what an evening is like.",
        "파이썬 언어 레퍼런스에 대한 질의 {n}개가 준비되어 있습니다."
        " 2분이면 어떤 느낌인지 알 수 있습니다.",
    ),
    "try": ("Judge five passages", "글 다섯 개 판단해 보기"),
    "m_done": ("Queries done", "끝난 질의"),
    "m_judgments": ("Judgments", "판단"),
    "m_minute": ("A minute", "분당"),
    "m_decide": ("To decide", "결정 대기"),
    "who": ("Who", "누가"),
    "role": ("Role", "역할"),
    "alone": (
        "One rater an item: agreement is not measured. Two or more would tell.",
        "항목당 평가자가 한 명이라 일치도를 재지 않습니다. 두 명 이상이면 잴 수 있습니다.",
    ),
    "no_disputes": (
        "Nobody disagrees about anything that is not decided yet.",
        "아직 결정되지 않은 불일치가 없습니다.",
    ),
    "host_decides": ("A host decides.", "호스트가 결정합니다."),
    "next": ("Next", "다음"),
    "paste": ("Type or paste", "입력 또는 붙여넣기"),
    "from_log": ("From a log", "로그에서"),
    "from_runs": ("From runs", "실행 결과에서"),
    "no_runs": (
        "Sweep pipelines over this gold set, or bring a run; then what they find can be read here.",
        "이 골드셋으로 스윕을 돌리거나 실행 결과를 가져오면, 찾은 글을 여기서도 읽을 수 있습니다.",
    ),
    "pipelines": ("Pipelines", "파이프라인"),
    "pool_runs": ("Read what they find", "찾은 글 읽기"),
    "one_a_line": ("Queries, one a line", "질의, 한 줄에 하나"),
    "add": ("Add", "추가"),
    "no_query": (
        "No query yet. Type or paste what users ask, as they ask it: ten real ones do.",
        "아직 질의가 없습니다. 사용자가 실제로 묻는 대로 입력하세요. 열 개면 시작할 수 있습니다.",
    ),
    "gather": (
        "Gather passages for {n} of {all} queries that have none",
        "글이 없는 질의 {all}개 중 {n}개의 글 모으기",
    ),
    "gather_means": (
        "About {n} passages to read: some 25 a query.",
        "읽을 글은 약 {n}개입니다(질의당 25개 정도).",
    ),
    "q_read": ("Read", "읽음"),
    "q_of": ("{done} of {all}", "{all}개 중 {done}개"),
    "q_state": ("State", "상태"),
    "s_no_answer": ("no answer", "답 없음"),
    "s_contradiction": ("no answer, but evidence", "답 없음, 그러나 근거 있음"),
    "s_waiting": ("waiting for passages", "글 모으는 중"),
    "s_open": ("open", "진행 중"),
    "s_answered": ("answered", "답 있음"),
    "s_none": ("none found", "찾지 못함"),
    "has_answer": ("It has an answer after all", "답이 있음"),
    "needs_other": ("It needs {other} of its evidence", "근거 필요: {other}"),
    "take_out": ("Take it out", "빼기"),
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
    """Return the language chosen in the page, English if none was."""
    return url.chosen(LANGUAGES, "lang")
