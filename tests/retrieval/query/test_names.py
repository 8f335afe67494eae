import re

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from retrieval.query.names import LONGEST, MOST, names_in, pattern_of


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("what does ERR_42가 mean in config.yaml에서?", ["ERR_42", "config.yaml"]),
        ("how to use os.path.join with HTTPServer", ["os.path.join", "HTTPServer"]),
        ("error 1045 (28000): Access denied", ["1045", "28000"]),
        ("don't panic, it's 'quoted text' \"an exact phrase\"", ["quoted text", "an exact phrase"]),
        ("“큰 따옴표” 「낫표」 EPERM 오류 원인", ["큰 따옴표", "낫표", "EPERM"]),
        ("--no-cache 옵션 v2.1.3 TS-999 gpt-4o", ["--no-cache", "v2.1.3", "TS-999", "gpt-4o"]),
        ("`getUser` in api.getUser()", ["getUser", "api.getUser"]),
        ("src/app/config.py line 10", ["src/app/config.py", "config.py"]),
        ("MyClass::doThing __init__", ["MyClass::doThing", "MyClass", "doThing", "__init__"]),
        ("CVE-2024-1234 0x80070005 in 3.11", ["CVE-2024-1234", "0x80070005", "3.11"]),
        ("WHAT IS THE WAL", []),
        ("WAL", ["WAL"]),
        ("e.g. the state-of-the-art re-rank, and/or nothing.", []),
        ("캡테이블이 뭐예요?", []),
        ("", []),
        ('he said "', []),
    ],
)
def test_names_are_drawn_by_their_shape(query: str, names: list[str]) -> None:
    assert list(names_in(query)) == names


@pytest.mark.parametrize(
    ("name", "text", "there"),
    [
        ("ERR_4", "ERR_4가 났다", True),
        ("ERR_4", "ERR_42", False),
        ("ERR_4", "XERR_4", False),
        ("--no-cache", "use --no-cache!", True),
        ("a.b", "axb", False),
        ("exact phrase", "an exact\n  phrase", True),
        ("캡 표", "이캡 표는", True),
    ],
)
def test_a_name_is_a_whole_word(name: str, text: str, there: bool) -> None:
    assert bool(re2.search(pattern_of(name), text)) == there


@given(st.text(max_size=300) | st.lists(st.sampled_from("aA1_.-/:'\"` 캡@#")).map("".join))
def test_whatever_is_typed_has_names_that_make_patterns(query: str) -> None:
    names = names_in(query)
    assert len(set(names)) == len(names) <= MOST
    for name in names:
        assert 1 < len(name) <= LONGEST
        assert re2.search(pattern_of(name), re.sub(r"\s", " ", name))


def test_a_long_paste_comes_to_an_end() -> None:
    for piece in ("a.", "'", "a-", "1-", "/", "--", "A", "_ "):
        assert len(names_in(piece * 50_000)) <= MOST
