"""What a report says, in English and Korean: fixed words, verdicts, the answer in one sentence."""

from collections.abc import Mapping
from typing import Any

from goldsets.evaluation.stats import INTERESTING
from goldsets.evaluation.words import about, interval, points, side, verdict

Facts = Mapping[str, Any]

LANGUAGES = ("en", "ko")

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Retrieval report", "검색 평가 보고서"),
    "question": ("The question", "질문"),
    "answer": ("The answer", "답"),
    "pipelines": ("Pipelines", "파이프라인"),
    "pipeline": ("Pipeline", "파이프라인"),
    "baseline": ("the baseline", "기준"),
    "against": ("Against the baseline", "기준과 비교"),
    "bounds": ("Worst to best", "최악~최선"),
    "tokens": ("Tokens in the first {k}", "상위 {k}개의 토큰"),
    "cost": ("Cost from nothing", "처음부터의 비용"),
    "latency": ("ms a query", "질의당 ms"),
    "quality": ("Quality against tokens to read", "읽을 토큰 대비 품질"),
    "lost": ("Where evidence is lost", "근거를 잃은 곳"),
    "lost_of": (
        "{lost} of {things} things to find are lost by {name} at {measure}.",
        "{name}: 찾을 근거 {things}건 가운데 {lost}건을 잃음 ({measure}).",
    ),
    "tried": ("What was tried", "시도한 변경"),
    "none_tried": (
        "No change was tried on these pipelines.",
        "이 파이프라인들에 시도한 변경이 없습니다.",
    ),
    "on": ("on {name}, by {measure}", "{name}에 대해, {measure} 기준"),
    "sample": ("Ten queries at random", "무작위 질의 열 개"),
    "sample_of": (
        "{n} queries drawn with seed {seed}; read them before you believe a mean.",
        "시드 {seed}로 뽑은 질의 {n}개. 평균을 믿기 전에 읽어 보세요.",
    ),
    "evidence": ("Evidence", "근거"),
    "first": ("First evidence", "첫 근거의 순위"),
    "not_found": ("not found", "찾지 못함"),
    "fine": ("The fine print", "자세한 사항"),
    "specs": ("Pipelines in full", "파이프라인 전체 사양"),
    "corpus": ("Corpus", "문서 모음"),
    "goldset": ("Gold set", "골드셋"),
    "documents": ("{n} documents", "문서 {n}개"),
    "queries": ("{n} queries", "질의 {n}개"),
    "judgments": ("{n} judgments", "판정 {n}개"),
    "unanswerable": ("{n} without an answer in the corpus", "{n}개는 문서에 답이 없음"),
    "synthetic": ("{n} written by a model", "{n}개는 모델이 작성"),
    "stand_in": ("{n} of these by the offline stand-in", "그중 {n}개는 오프라인 대역이 작성"),
    "reviewed": ("{n} reviewed", "{n}개 검토됨"),
    "unreviewed": ("{n} not reviewed", "{n}개 미검토"),
    "both_kinds": ("The means are over both kinds.", "평균은 두 종류를 모두 포함합니다."),
    "raters": ("Judged by", "판정자"),
    "agreement": ("Agreement", "판정 일치도"),
    "method_is": (
        "Means over queries with 95 % intervals by the paired bootstrap ({resamples} resamples,"
        " seed {seed}). Better and worse are said where the interval of the paired difference and a"
        " randomisation test agree, by Holm over all pipelines compared. Passages that nobody has"
        " judged count as not relevant; worst to best is what they could make of the first"
        " measure.",
        "질의 평균과 대응 부트스트랩 95 % 구간({resamples}회, 시드 {seed})."
        " 대응 차이의 구간과 무작위화 검정이 일치할 때만 나음·못함이라고 하며,"
        " 비교한 모든 파이프라인에 Holm 보정을 적용합니다."
        " 판정되지 않은 단락은 관련 없음으로 셉니다. 최악~최선은 그 단락들이"
        " 첫 번째 지표를 어디까지 바꿀 수 있는지입니다.",
    ),
    "measures": ("Measures", "지표"),
    "packages": ("Packages", "패키지"),
    "verify": (
        "Anyone with the workspace can work these numbers out again: pizza report --verify FILE.",
        "작업 공간이 있으면 누구나 이 수치를 다시 계산할 수 있습니다: pizza report --verify FILE.",
    ),
    "unknown": ("unknown", "알 수 없음"),
    "nothing": ("nothing", "없음"),
    "default_question": (
        "Which of {n} pipelines finds the evidence for the {queries} queries of {goldset}?",
        "파이프라인 {n}개 가운데 {goldset}의 질의 {queries}개에 대한 근거를 가장 잘 찾는 것은?",
    ),
}


class Phrases:
    """The words of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.korean = language == "ko"

    def __call__(self, key: str, **values: object) -> str:
        """Return a fixed text, its places filled in."""
        return WORDS[key][self.korean].format(**values)

    def question(self, facts: Facts) -> str:
        """Return the question that somebody asked, or the one that any report answers."""
        return facts["question"] or self(
            "default_question",
            n=len(facts["variants"]),
            queries=f"{facts['goldset']['queries']:,}",
            goldset=facts["goldset"]["name"],
        )

    def interval(self, e: Mapping[str, Any]) -> str:
        """Write a mean with its interval."""
        if not self.korean:
            return interval(e)
        if e["mean"] is None:
            return "정의되지 않음"
        return f"{points(e['mean'])} ({points(e['low'])}~{points(e['high'])})"

    def verdict(self, e: Mapping[str, Any]) -> str:
        """Say what a difference to the baseline tells."""
        return _verdict_in_korean(e) if self.korean else verdict(e)

    def answer(self, facts: Facts) -> str:
        """Say in one sentence who leads, by how much, and whether that is sure."""
        first, best = facts["variants"][0], facts["variants"][facts["leader"]]
        measure = facts["measures"][0]["name"]
        score = self.interval(best["measures"][measure])
        against = "" if best is first else self.verdict(best["differences"][measure])
        if self.korean:
            said = f"{best['name']}: {measure} {score}로 가장 높음"
            return (
                f"{said}; 기준({first['name']})보다 {against}."
                if against
                else f"{said}; 기준 파이프라인임."
            )
        said = f"{best['name']} leads with {measure} {score}"
        return (
            f"{said}; {against} against {first['name']}."
            if against
            else f"{said}; it is the baseline."
        )


def _verdict_in_korean(e: Mapping[str, Any]) -> str:
    if e["mean"] is None:
        return "알 수 없음: 정의되는 질의가 없음"
    if e["low"] == e["high"] == 0:
        return "모든 질의에서 같음"
    size = points(abs(e["mean"]))
    if side(e):
        low, high = sorted((abs(e["low"]), abs(e["high"])))
        word = "나음" if e["mean"] > 0 else "못함"
        return f"{size}점 {word} ({points(low)}~{points(high)})"
    could = f"{points(e['low'], signed=True)}~{points(e['high'], signed=True)}"
    if e.get("no_worse"):
        return f"{points(INTERESTING).removesuffix('.0')}점 넘게 못하지는 않음: {could}일 수 있음"
    more = e.get("more")
    outlook = (
        f"; 질의 {about(more).removeprefix('about ')}개쯤 더 있으면 알 수 있음" if more else ""
    )
    return f"알 수 없음: {could}일 수 있음{outlook}"
