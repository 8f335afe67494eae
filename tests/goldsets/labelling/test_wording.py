import unicodedata
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsets.labelling.wording import (
    Wording,
    clean,
    corrections_of,
    differ,
    normal,
    stem,
    wording,
)


def of(text: str, corrections: Mapping[str, str] | None = None) -> Wording:
    return wording(normal(text), corrections or {})


def equal(a: str, b: str) -> bool:
    return bool(set(of(a).keys) & set(of(b).keys))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("reset password", "How do I reset my password?"),
        ("reset password", "password reset"),
        ("reset passwords", "how to reset the password"),
        ("cancel subscription", "please tell me how to cancel my subscriptions!"),
        ("what's a mutex", "mutex"),
        ("log in", "login"),
        ("비밀번호 재설정", "비밀번호를 재설정하려면 어떻게 하나요?"),
        ("비밀번호 재설정", "비밀번호재설정 방법"),
        ("비밀번호 재설정", unicodedata.normalize("NFD", "재설정 비밀번호")),
        ("환불 방법", "환불은 어떻게 받나요"),
        ("구독 취소", "구독 취소하는 방법 알려주세요"),
    ],
)
def test_a_frame_makes_no_other_question(a: str, b: str) -> None:
    assert equal(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("python 2", "python 3"),
        ("c++ vector", "c# vector"),
        ("convert pdf to word", "convert word to pdf"),
        ("pdf를 워드로 변환", "워드를 pdf로 변환"),
        ("migrate to postgres", "migrate from postgres"),
        ("import csv", "export csv"),
        ("http proxy", "https proxy"),
        ("login", "can't login"),
        ("로그인", "로그아웃"),
        ("로그인 오류", "로그인 안돼요"),
        ("turn on alerts", "turn off alerts"),
        ("주문 취소", "주문 조회"),
        ("환불 규정", "refund policy"),
        ("vitamin c dose", "vitamin d dose"),
    ],
)
def test_what_a_model_takes_for_one_question_is_told_apart(a: str, b: str) -> None:
    assert not equal(a, b)
    assert of(a).sign != of(b).sign or differ(of(a), of(b))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("delete account", "remove account"),
        ("shipping time", "delivery time"),
        ("구독 취소", "구독 해지"),
    ],
)
def test_synonyms_are_left_to_the_model(a: str, b: str) -> None:
    assert of(a).sign == of(b).sign
    assert not differ(of(a), of(b))


@pytest.mark.parametrize("text", ["how to", "???", "🍕", "어떻게 하나요", "c++", "_"])
def test_a_frame_alone_is_the_question(text: str) -> None:
    assert of(text).words
    assert all(of(text).keys)


def test_words_are_corrected_by_far_more_frequent_ones() -> None:
    counts = {"password": 100, "passwrod": 3, "passwort": 30, "cancellation": 9, "cancelation": 1}
    assert corrections_of(counts) == {"passwrod": "password", "cancelation": "cancellation"}
    assert of("reset passwrod", {"passwrod": "password"}).keys == of("reset password").keys
    assert corrections_of({"재설정": 50, "재설종": 1, "환불": 50, "환볼": 1}) == {
        "재설종": "재설정"
    }
    assert corrections_of({"http": 90, "https": 1, "table": 90, "cable": 1, "error404": 9}) == {}
    assert corrections_of({}) == {}


def test_a_plural_is_its_singular() -> None:
    plurals = ["passwords", "policies", "status", "css", "dns", "https", "user's", "is"]
    assert [stem(p) for p in plurals] == [
        "password", "policy", "status", "css", "dns", "https", "user", "is",
    ]  # fmt: skip


@given(st.text())
def test_clean_text_is_clean(text: str) -> None:
    for done in (clean(text), normal(text)):
        assert done == " ".join(done.split())
        assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in done)
        assert unicodedata.is_normalized("NFC", done)
    assert normal(normal(text)) == normal(text)
    assert clean(clean(text)) == clean(text)
